/**
 * The sessions that BGPPeers ask for.
 *
 * A peer has two sides: the nodes that ask (node, nodeSelector, or all) and those that are asked (peerIP or
 * peerSelector). When the asked side is ours, it gets the session too (`reversePeering: Auto`), with the AS numbers
 * the other way round. A node may be on both sides; then of each two the one whose name comes first asks, so that
 * both ends come to the same numbers. At an address of ours a port that our daemon does not listen on belongs to
 * somebody else's daemon.
 */
import { type Address, familyOf, IP_FAMILIES } from '../model/address.js';
import { unfitForBgp } from '../model/bgp-address.js';
import { compareText } from '../model/compare-text.js';
import { type PeerAddress, parsePeerAddress, v1PeerAddress } from '../model/peer-address.js';
import type { ResourceOf, SpecOf } from '../model/resource.js';
import { matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import type { BgpSession } from './bgp-model.js';
import { reflectionFor, sessionWith } from './session.js';
import { peerOptions } from './session-options.js';
import { DEFAULT_BGP_PORT, type Speaker } from './speaker.js';
import type { TopologyInput } from './topology-input.js';

type Spec = SpecOf<'BGPPeer'>;

/** What peers ask of `local`; the more specific the peer, the earlier. Several may name the same endpoint. */
export function peerSessions(
  local: Speaker,
  speakers: readonly Speaker[],
  input: Pick<TopologyInput, 'bgpPeers'>,
): readonly BgpSession[] {
  const network = indexed(speakers);
  return mostSpecificFirst(input).flatMap((peer) => sessionsOf(peer, local, network));
}

/** Thousands of nodes may have peers of their own, and every host looks at all of them: so nothing is searched for. */
interface Network {
  readonly speakers: readonly Speaker[];
  readonly nodesByName: ReadonlyMap<string, Speaker>;
  readonly byAddress: ReadonlyMap<Address, readonly Speaker[]>;
}

function indexed(speakers: readonly Speaker[]): Network {
  const byAddress = new Map<Address, Speaker[]>();
  for (const speaker of speakers)
    for (const address of speaker.addresses.values()) {
      const others = byAddress.get(address);
      if (others) others.push(speaker);
      else byAddress.set(address, [speaker]);
    }
  const nodes = speakers.filter(({ kind }) => kind === 'Node');
  return { speakers, nodesByName: new Map(nodes.map((node) => [node.name, node])), byAddress };
}

function mostSpecificFirst({ bgpPeers }: Pick<TopologyInput, 'bgpPeers'>): ResourceOf<'BGPPeer'>[] {
  const ranked = [...bgpPeers.values()].map((peer) => ({
    peer,
    rank: rankOf(peer.spec),
    text: placeOf(peer),
  }));
  ranked.sort((a, b) => a.rank - b.rank || compareText(a.text, b.text));
  return ranked.map(({ peer }) => peer);
}

/** Node before nodeSelector before all nodes; then one address and AS number before whatever says less. */
function rankOf(spec: Spec): number {
  const asker = spec.node !== undefined ? 0 : spec.nodeSelector !== undefined ? 1 : 2;
  return 2 * asker + (v1PeerAddress(spec) === undefined ? 1 : 0);
}

/** Among equals. The store keeps no name where the address says all: agents and manifests must agree without it. */
function placeOf({ metadata, spec }: ResourceOf<'BGPPeer'>): string {
  const address = v1PeerAddress(spec);
  return address === undefined ? metadata.name : `${spec.node ?? ''}/${address}`;
}

function sessionsOf(
  { metadata, spec }: ResourceOf<'BGPPeer'>,
  local: Speaker,
  network: Network,
): readonly BgpSession[] {
  const peerIP = spec.peerIP === undefined ? undefined : parsePeerAddress(spec.peerIP);
  const [asks, isAskedBack] = [isAsker(spec, local), isAsked(spec, peerIP, local)];
  if (!asks && !isAskedBack) return [];
  const atAddress = (peerIP && network.byAddress.get(peerIP.address)) ?? [];
  if (peerIP && asks && !atAddress.some((speaker) => listensOn(speaker, peerIP)))
    return foreignSession(metadata.name, spec, local, peerIP, atAddress);
  const families = peerIP ? [familyOf(peerIP.address)] : IP_FAMILIES;
  return otherSides(spec, peerIP && atAddress, { asks, isAskedBack }, network).flatMap((peer) => {
    const side = peer === local ? undefined : sideOf(spec, peerIP, local, peer);
    if (!side) return [];
    const { asNumber, localASNumber } = spec;
    const numbers =
      side.role === 'asker'
        ? { localAs: localASNumber, peerAs: asNumber }
        : { localAs: asNumber, peerAs: localASNumber };
    return families.flatMap(
      (family) =>
        sessionWith(local, peer, family, {
          origin: originOf(spec),
          hasOtherEnd: side.hasOtherEnd,
          options: peerOptions(spec, side.role, family),
          ...numbers,
        }) ?? [],
    );
  });
}

/** Whoever may be at the other end: nobody that is left out has a session. */
function otherSides(
  { node }: Spec,
  atAddress: readonly Speaker[] | undefined,
  { asks, isAskedBack }: { readonly asks: boolean; readonly isAskedBack: boolean },
  { speakers, nodesByName }: Network,
): readonly Speaker[] {
  if (!isAskedBack) return atAddress ?? speakers;
  const only = node === undefined ? undefined : nodesByName.get(node);
  return asks || node === undefined ? speakers : only ? [only] : [];
}

interface Side {
  readonly role: 'asker' | 'asked';
  readonly hasOtherEnd: boolean;
}

/** On which side of the peer `local` has a session with `peer`; undefined: it has none. */
function sideOf(
  spec: Spec,
  peerIP: PeerAddress | undefined,
  local: Speaker,
  peer: Speaker,
): Side | undefined {
  const asks = isAsker(spec, local) && isAsked(spec, peerIP, peer);
  const isAskedBack = isAsker(spec, peer) && isAsked(spec, peerIP, local);
  if (spec.reversePeering === 'Manual') return asks ? { role: 'asker', hasOtherEnd: isAskedBack } : undefined;
  if (asks && isAskedBack) return { role: local.name < peer.name ? 'asker' : 'asked', hasOtherEnd: true };
  if (asks) return { role: 'asker', hasOtherEnd: true };
  return isAskedBack ? { role: 'asked', hasOtherEnd: true } : undefined;
}

function isAsker({ node, nodeSelector }: Spec, speaker: Speaker): boolean {
  if (speaker.kind !== 'Node') return false;
  if (node !== undefined) return speaker.name === node;
  return nodeSelector === undefined || matchesSelector(selectorAst(nodeSelector), speaker.labels);
}

function isAsked({ peerSelector }: Spec, peerIP: PeerAddress | undefined, speaker: Speaker): boolean {
  if (peerIP) return listensOn(speaker, peerIP);
  if (speaker.kind !== 'Node' || peerSelector === undefined) return false;
  return matchesSelector(selectorAst(peerSelector), speaker.labels);
}

function listensOn(speaker: Speaker, { address, port }: PeerAddress): boolean {
  return hasAddress(speaker, address) && (port === undefined || port === speaker.listenPort);
}

function hasAddress({ addresses }: Speaker, address: Address): boolean {
  return addresses.get(familyOf(address)) === address;
}

/** With a daemon that is not ours. Without an AS number there is none, unless it runs on a node of ours. */
function foreignSession(
  peerName: string,
  spec: Spec,
  local: Speaker,
  { address, port = DEFAULT_BGP_PORT }: PeerAddress,
  atAddress: readonly Speaker[],
): readonly BgpSession[] {
  const family = familyOf(address);
  const localAddress = local.addresses.get(family);
  if (unfitForBgp(address) !== undefined) return [];
  const peerAs = spec.asNumber ?? atAddress.find((speaker) => speaker !== local)?.asNumber;
  if (localAddress === undefined || localAddress === address || peerAs === undefined) return [];
  const localAs = spec.localASNumber ?? local.asNumber;
  return [
    {
      origin: originOf(spec),
      peerName,
      family,
      localAddress,
      localAs,
      peerAddress: address,
      peerPort: port,
      peerAs,
      isOurs: false,
      passive: false,
      ...reflectionFor(local, undefined, localAs === peerAs),
      ...peerOptions(spec, 'asker', family),
    },
  ];
}

function originOf({ node, nodeSelector }: Spec): BgpSession['origin'] {
  return node === undefined && nodeSelector === undefined ? 'Global' : 'Node';
}
