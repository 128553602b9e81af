/**
 * The judge: what the two ends of a packet say of it, each as the chains of its host do (agent/dataplane/rules).
 *
 * Around the rules stand a few fixed ones of those chains: what an inactive endpoint sends is dropped, and so is what
 * can begin no connection; a host reaches its own workloads unasked, a workload reaches its own host only past
 * defaultEndpointToHostAction, and over IPv6 it may ask its gateway for the link address (RFC 4861) but never pose as
 * one. While hosts encapsulate, they alone may: a workload sends no such packet anywhere, and a host takes it from hosts
 * only. A masqueraded packet arrives with the address of its host.
 */
import { familyOf } from '../model/address.js';
import type { Direction } from '../model/rule.js';
import { evaluate } from '../policy/evaluate.js';
import type { Membership, Packet } from '../policy/match-rule.js';
import { isEncapsulated, mayEncapsulate } from './encapsulated.js';
import { canBeFirst } from './first-packets.js';
import { membershipOf } from './membership.js';
import { isBeyondPools, isMasqueradedSource } from './nat-outgoing.js';
import { NEIGHBOR_DISCOVERY, ROUTER_ADVERTISEMENT } from './neighbor-discovery.js';
import type { Endpoint, Host, Network } from './network.js';
import { hostOf, isSame, type Party } from './parties.js';
import { type Side, sideOfDecision } from './side.js';

export interface Sides {
  readonly egress: Side | null;
  readonly ingress: Side | null;
}

export type Judge = (from: Party, to: Party, packet: Packet) => Sides;

/** Judges packets of one network at both of their ends. */
export function createJudge(network: Network): Judge {
  const context = { network, membership: membershipOf(network) };
  return (from, to, packet) => {
    if (isSame(from, to)) return { egress: null, ingress: null };
    return {
      egress: egressSide(context, from, to, packet),
      ingress: arrivingSide(context, from, to, packet),
    };
  };
}

interface Context {
  readonly network: Network;
  readonly membership: Membership;
}

function egressSide(context: Context, from: Party, to: Party, packet: Packet): Side | null {
  if (from.type === 'outside') return null;
  if (from.type === 'host') {
    const endpoint = from.hostEndpoint;
    return endpoint && !isHostAndOwnWorkload(from, to) ? ask(context, endpoint, 'egress', packet) : null;
  }
  const { endpoint } = from;
  const toOwnHost = isHostAndOwnWorkload(to, from);
  const fixed = fixedEgress(context, endpoint, toOwnHost, packet);
  if (fixed) return fixed;
  const side = ask(context, endpoint, 'egress', packet);
  if (!toOwnHost || side.verdict === 'deny') return side;
  const { defaultEndpointToHostAction: action } = context.network.settingsOf(endpoint.node);
  if (action !== 'Drop') return side;
  return byDefault(
    endpoint,
    'deny',
    'defaultEndpointToHostAction is Drop: no workload may talk to its own host',
  );
}

function ingressSide(context: Context, from: Party, to: Party, packet: Packet): Side | null {
  if (to.type === 'outside') return null;
  if (to.type === 'host') {
    if (isHostAndOwnWorkload(to, from)) return null;
    const { network } = context;
    if (isEncapsulated(network, packet) && !mayEncapsulate(network, packet.source.address))
      return byHost(network, to);
    return to.hostEndpoint ? ask(context, to.hostEndpoint, 'ingress', packet) : null;
  }
  if (!to.endpoint.active) return byDefault(to.endpoint, 'deny', INACTIVE);
  return isHostAndOwnWorkload(from, to) ? null : ask(context, to.endpoint, 'ingress', packet);
}

function isHostAndOwnWorkload(host: Party, workload: Party): boolean {
  return host.type === 'host' && workload.type === 'workload' && workload.endpoint.node === host.name;
}

const NO_BEGINNING =
  'no connection can begin with it: conntrack calls it INVALID, and it is dropped before any rule';
const INACTIVE = 'the endpoint is inactive: all its packets are dropped';
/** What the chains around the rules decide. */
function fixedEgress(
  { network }: Context,
  endpoint: Endpoint,
  toOwnHost: boolean,
  packet: Packet,
): Side | undefined {
  const { family, icmp } = packet;
  if (family === 6 && icmp?.type === ROUTER_ADVERTISEMENT)
    return byDefault(endpoint, 'deny', 'a workload may not pose as a router (router advertisement)');
  // Nothing leads back to it, so whatever comes from it counts as spoofed.
  if (!endpoint.active) return byDefault(endpoint, 'deny', INACTIVE);
  if (isEncapsulated(network, packet))
    return byDefault(endpoint, 'deny', 'encapsulated packets from workloads are dropped');
  if (family === 6 && toOwnHost && icmp && NEIGHBOR_DISCOVERY.has(icmp.type))
    return byDefault(endpoint, 'allow', 'neighbor discovery with the own host is always open');
  return undefined;
}

function ask(
  { network, membership }: Context,
  endpoint: Endpoint,
  direction: Direction,
  packet: Packet,
): Side {
  if (!canBeFirst(packet)) return byDefault(endpoint, 'deny', NO_BEGINNING);
  const policy = network.policyAt(endpoint, direction);
  return { ...sideOfDecision(policy, evaluate(policy, packet, membership)), ...placeOf(endpoint) };
}

/** The host as such, whether it has an endpoint or not. */
function byHost({ hosts }: Network, { name, hostEndpoint }: Extract<Party, { type: 'host' }>): Side {
  const kind = hosts.find((host) => host.name === name)?.kind ?? 'Node';
  return byDefault(hostEndpoint ?? { kind, name, node: name }, 'deny', STRANGER);
}

const STRANGER = 'encapsulated packets are taken from the addresses of Nodes only';

type Asked = { readonly kind: Endpoint['kind'] | Host['kind'] } & Pick<Endpoint, 'name' | 'node'>;

function byDefault(endpoint: Asked, verdict: Side['verdict'], reason: string): Side {
  const nothing = { kind: 'Default', name: null, tier: null, rule: null, origin: null } as const;
  return {
    verdict,
    ...nothing,
    action: verdict === 'allow' ? 'Allow' : 'Deny',
    reason,
    ...placeOf(endpoint),
  };
}

function placeOf({ kind, name, node }: Asked): Pick<Side, 'endpoint' | 'node'> {
  return { endpoint: `${kind}/${name}`, node };
}

/** What the destination says of the packet as it sees it: masqueraded, it bears an address of its host. */
function arrivingSide(context: Context, from: Party, to: Party, packet: Packet): Side | null {
  if (from.type !== 'workload' || !isMasqueraded(context.network, from, to))
    return ingressSide(context, from, to, packet);
  const { node } = from.endpoint;
  const address = context.network.hosts
    .find(({ kind, name }) => kind === 'Node' && name === node)
    ?.addresses.find((one) => familyOf(one) === packet.family);
  if (address) return ingressSide(context, from, to, { ...packet, source: { ...packet.source, address } });
  const side = ingressSide(context, from, to, packet);
  return side && { ...side, reason: `${side.reason}; ${ofUnknownHost(node)}` };
}

/** From a pool with natOutgoing to no pool at all, on another host. */
function isMasqueraded({ pools }: Network, from: Party, to: Party): boolean {
  return (
    to.type !== 'outside' &&
    hostOf(from) !== hostOf(to) &&
    isMasqueradedSource(pools, from.address) &&
    isBeyondPools(pools, to.address)
  );
}

function ofUnknownHost(node: string): string {
  return (
    `judged as from the workload's own address, though it arrives masqueraded, with an address of ${node} that ` +
    `nobody has declared (give Node/${node} its address to have it judged so)`
  );
}
