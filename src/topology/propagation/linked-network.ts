/**
 * Sessions with both their ends: who would really come up with whom, from manifests alone.
 *
 * Each host makes its own ends (bgp.ts); a route only travels where two of them meet and agree on addresses, ports, AS
 * numbers and password. Sessions that peers and reflectors ask for are a list. The mesh is not: among a thousand nodes it
 * is a million sessions, all alike, and they are made when somebody asks for them.
 */
import { type Address, IP_FAMILIES, type IpFamily } from '../../model/address.js';
import type { BgpSession } from '../bgp-model.js';
import { peerSessions } from '../peers.js';
import { reflectorSessions } from '../reflectors.js';
import { sessionWith } from '../session.js';
import { meshOptions } from '../session-options.js';
import { allSpeakers, type Speaker } from '../speaker.js';
import type { TopologyInput } from '../topology-input.js';

/** One way of a session: what `sender` tells, `receiver` hears. */
export interface Link {
  /** Places in `speakers`. */
  readonly from: number;
  readonly to: number;
  readonly sender: BgpSession;
  readonly receiver: BgpSession;
}

/** A session with a host of ours that cannot come up. */
export interface BrokenSession {
  readonly node: string;
  readonly session: BgpSession;
  readonly why: string;
}

export interface LinkedNetwork {
  readonly speakers: readonly Speaker[];
  /** By place of the sender: links that are not of the mesh. */
  readonly explicit: readonly (readonly Link[])[];
  readonly broken: readonly BrokenSession[];
  /** By place: sessions with routers that are none of ours, of whom nothing more is known. */
  readonly outside: readonly (readonly BgpSession[])[];
  /** All nodes of the mesh have one AS number: no session of it is eBGP. */
  readonly isMeshInternal: boolean;
  /** The links of the mesh from this speaker; none where an explicit session takes their place. */
  meshLinks(from: number, family: IpFamily): readonly Link[];
}

export function linkNetwork(input: TopologyInput): LinkedNetwork {
  const speakers = allSpeakers(input);
  const places = placesByAddress(speakers);
  const ends = speakers.map((speaker) =>
    distinct([...peerSessions(speaker, speakers, input), ...reflectorSessions(speaker, speakers)]),
  );
  const explicit: Link[][] = speakers.map(() => []);
  const broken: BrokenSession[] = [];
  for (const [from, sessions] of ends.entries()) {
    for (const sender of sessions.values()) {
      const to = places.get(sender.peerAddress);
      const [local, peer] = [speakers[from], to === undefined ? undefined : speakers[to]];
      if (to === undefined || !local || !peer || peer === local || !sender.isOurs) continue;
      const asked = otherEnd(sender, ends[to]);
      const receiver = asked ?? meshEnd(peer, local, sender.family);
      const why = whyBroken(sender, receiver);
      if (!receiver || why !== undefined) {
        broken.push({ node: local.name, session: sender, why: why ?? '' });
        continue;
      }
      explicit[from]?.push({ from, to, sender, receiver });
      // The mesh makes an end without knowing that the other one is something else.
      if (!asked) explicit[to]?.push({ from: to, to: from, sender: receiver, receiver: sender });
    }
  }
  const pairs = new Set(
    ends.flatMap((sessions, from) => [...sessions.values()].map((end) => pairOf(from, end))),
  );
  const numbers = new Set(speakers.filter(({ inNodeMesh }) => inNodeMesh).map(({ asNumber }) => asNumber));
  return {
    speakers,
    explicit,
    broken,
    outside: ends.map((sessions) => [...sessions.values()].filter(({ isOurs }) => !isOurs)),
    isMeshInternal: numbers.size < 2,
    meshLinks: (from, family) => meshLinks(speakers, pairs, from, family),
  };
}

function placesByAddress(speakers: readonly Speaker[]): ReadonlyMap<Address, number> {
  const places = new Map<Address, number>();
  for (const [place, { addresses }] of speakers.entries())
    for (const family of IP_FAMILIES) {
      const address = addresses.get(family);
      if (address !== undefined && !places.has(address)) places.set(address, place);
    }
  return places;
}

function distinct(sessions: readonly BgpSession[]): ReadonlyMap<string, BgpSession> {
  const byEndpoint = new Map<string, BgpSession>();
  for (const session of sessions) {
    const endpoint = `${session.peerAddress} ${session.peerPort}`;
    if (!byEndpoint.has(endpoint)) byEndpoint.set(endpoint, session);
  }
  return byEndpoint;
}

function otherEnd(
  { localAddress, peerAddress }: BgpSession,
  sessions: ReadonlyMap<string, BgpSession> | undefined,
): BgpSession | undefined {
  for (const session of sessions?.values() ?? [])
    if (session.peerAddress === localAddress && session.localAddress === peerAddress) return session;
  return undefined;
}

/** Says what a person would mend; undefined: the two ends agree. */
function whyBroken(here: BgpSession, there: BgpSession | undefined): string | undefined {
  if (!there) return `${here.peerName} has no session with ${here.localAddress}`;
  if (here.peerAs !== there.localAs || here.localAs !== there.peerAs)
    return `AS ${here.localAs} expects AS ${here.peerAs}, the other end is AS ${there.localAs} and expects AS ${there.peerAs}`;
  if (passwordOf(here) !== passwordOf(there)) return 'the two ends have unlike passwords';
  return undefined;
}

function passwordOf({ password }: BgpSession): string {
  return JSON.stringify(password ?? null);
}

function pairOf(from: number, { peerAddress, peerPort }: BgpSession): string {
  return `${from} ${peerAddress} ${peerPort}`;
}

function meshLinks(
  speakers: readonly Speaker[],
  pairs: ReadonlySet<string>,
  from: number,
  family: IpFamily,
): readonly Link[] {
  const local = speakers[from];
  if (!local) return [];
  const links: Link[] = [];
  for (const [to, peer] of speakers.entries()) {
    if (to === from) continue;
    const sender = meshEnd(local, peer, family);
    const receiver = meshEnd(peer, local, family);
    if (!sender || !receiver || whyBroken(sender, receiver) !== undefined) continue;
    if (!pairs.has(pairOf(from, sender)) && !pairs.has(pairOf(to, receiver)))
      links.push({ from, to, sender, receiver });
  }
  return links;
}

function meshEnd(local: Speaker, peer: Speaker, family: IpFamily): BgpSession | undefined {
  if (!local.inNodeMesh || !peer.inNodeMesh) return undefined;
  return sessionWith(local, peer, family, {
    origin: 'Mesh',
    hasOtherEnd: true,
    options: meshOptions(local.settings),
  });
}
