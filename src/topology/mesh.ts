/**
 * The full mesh: each node that takes part has a session with every other, one per family that both have.
 *
 * Where the AS numbers differ the session is eBGP, otherwise iBGP; it is in the mesh all the same. Nodes that
 * reflect are in no mesh.
 */
import { IP_FAMILIES } from '../model/address.js';
import type { BgpSession } from './bgp-model.js';
import { type Link, sessionWith } from './session.js';
import { meshOptions } from './session-options.js';
import type { Speaker } from './speaker.js';

/** The sessions of `local` in the mesh; none where either end has the mesh turned off. */
export function meshSessions(local: Speaker, speakers: readonly Speaker[]): readonly BgpSession[] {
  if (!local.inNodeMesh) return [];
  const link: Link = { origin: 'Mesh', hasOtherEnd: true, options: meshOptions(local.settings) };
  return speakers
    .filter((peer) => peer !== local && peer.inNodeMesh)
    .flatMap((peer) => IP_FAMILIES.flatMap((family) => sessionWith(local, peer, family, link) ?? []));
}
