/**
 * The sessions that RouteReflectors bring: with their clients, and with each other.
 *
 * Reflectors of unlike clusters are a full mesh of their own. Within one cluster they need no session: each has all
 * clients, and would refuse what the other reflects because of their common cluster id (RFC 4456, section 8). A node
 * that reflects itself is the client of another only when a selector says so; otherwise it peers by BGPPeers alone.
 */
import { IP_FAMILIES } from '../model/address.js';
import { matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import type { BgpSession } from './bgp-model.js';
import { sessionWith } from './session.js';
import type { Speaker } from './speaker.js';

/** The sessions of `local`, be it a reflector or a node, that exist because of RouteReflectors. */
export function reflectorSessions(local: Speaker, speakers: readonly Speaker[]): readonly BgpSession[] {
  return speakers.flatMap((peer) => {
    const origin = peer === local ? undefined : originOf(local, peer);
    if (!origin) return [];
    return IP_FAMILIES.flatMap(
      (family) => sessionWith(local, peer, family, { origin, hasOtherEnd: true }) ?? [],
    );
  });
}

function originOf(a: Speaker, b: Speaker): BgpSession['origin'] | undefined {
  if (a.kind === 'RouteReflector' && b.kind === 'RouteReflector')
    return a.clusterId === b.clusterId ? undefined : 'Mesh';
  return isClient(a, b) || isClient(b, a) ? 'Node' : undefined;
}

function isClient(reflector: Speaker, node: Speaker): boolean {
  if (reflector.kind !== 'RouteReflector' || node.kind !== 'Node') return false;
  if (reflector.clientSelector === undefined) return node.clusterId === undefined;
  return matchesSelector(selectorAst(reflector.clientSelector), node.labels);
}
