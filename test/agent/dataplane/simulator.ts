/**
 * A packet's way through abstract chains, as netfilter goes it (iptables(8)).
 *
 * Conditions are asked from left to right, and asking for a port or an ICMP type that the packet has not got is an
 * error: netfilter would not load such a rule.
 */

import type { IpSetId } from '../../../src/agent/calc/updates.js';
import type { Chain, ChainName, ConntrackState, Match } from '../../../src/agent/dataplane/intent.js';
import { type Cidr, cidrContains, familyOf } from '../../../src/model/address.js';
import type { Packet } from '../../../src/policy/match-rule.js';

export type IpSets = ReadonlyMap<IpSetId, ReadonlySet<Cidr>>;

export interface SimulatedPacket extends Packet {
  readonly inInterface?: string;
  readonly outInterface?: string;
  readonly conntrack: ConntrackState;
  readonly mark: number;
  readonly rpfFailed?: boolean;
}

export interface Outcome {
  /** `return`: the first chain came to its end. */
  readonly verdict: 'accept' | 'drop' | 'return' | 'masquerade';
  readonly mark: number;
  readonly logged: number;
}

export function simulate(
  chains: Iterable<Chain>,
  start: ChainName,
  packet: SimulatedPacket,
  sets: IpSets = new Map(),
): Outcome {
  const byName = new Map([...chains].map((chain) => [chain.name, chain]));
  let mark = packet.mark;
  let logged = 0;
  const run = (name: ChainName): Outcome['verdict'] => {
    const chain = byName.get(name);
    if (!chain) throw new Error(`Jump to a chain that does not exist: ${name}`);
    for (const { matches, verdict } of chain.rules) {
      if (!matches.every((match) => isMet(match, { ...packet, mark }, sets))) continue;
      switch (verdict.type) {
        case 'jump': {
          const result = run(verdict.chain);
          if (result !== 'return') return result;
          break;
        }
        case 'goto':
          return run(verdict.chain);
        case 'set-mark':
          mark = ((mark & ~verdict.mask) | verdict.value) >>> 0;
          break;
        case 'log':
          logged += 1;
          break;
        case 'notrack':
          break;
        default:
          return verdict.type;
      }
    }
    return 'return';
  };
  const verdict = run(start);
  return { verdict, mark, logged };
}

function isMet(match: Match, packet: SimulatedPacket, sets: IpSets): boolean {
  switch (match.type) {
    case 'in-interface':
      return isInterface(packet.inInterface, match);
    case 'out-interface':
      return isInterface(packet.outInterface, match);
    case 'conntrack':
      return match.states.includes(packet.conntrack);
    case 'mark':
      return (packet.mark & match.mask) >>> 0 === match.value;
    case 'protocol':
      return (packet.protocol === match.protocol) !== match.negated;
    case 'net':
      if (familyOf(match.net) !== packet.family)
        throw new Error(`A network of the wrong family: ${match.net}`);
      return cidrContains(match.net, packet[match.end].address) !== match.negated;
    case 'ip-set': {
      const members = [...(sets.get(match.id) ?? [])];
      return members.some((net) => cidrContains(net, packet[match.end].address)) !== match.negated;
    }
    case 'ports': {
      const slots = match.ports.reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0);
      if (slots > 15) throw new Error(`${slots} slots in a multiport match`);
      const port = packet[match.end].port;
      if (port === undefined) throw new Error('A port is asked of a packet that has none');
      return match.ports.some(({ first, last }) => first <= port && port <= last) !== match.negated;
    }
    case 'icmp': {
      const { icmp } = packet;
      if (!icmp) throw new Error('An ICMP type is asked of a packet that has none');
      const { type, code } = match.icmp;
      return (type === icmp.type && (code === undefined || code === icmp.code)) !== match.negated;
    }
    case 'rpf-failed':
      return packet.rpfFailed === true;
  }
}

function isInterface(
  actual: string | undefined,
  { name, prefix }: { readonly name: string; readonly prefix: boolean },
): boolean {
  if (actual === undefined) return false;
  return prefix ? actual.startsWith(name) : actual === name;
}
