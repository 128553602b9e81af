/**
 * Who stands at an end of a packet: a workload, a host itself, or somebody outside.
 *
 * Names are looked up among endpoints, nodes and route reflectors. An address is that of the active workload that
 * has it, else of an inactive one, of a host endpoint, of a host; an address that nobody has is outside. What a name
 * or an address leaves open is an error, never a guess.
 */
import { type Address, familyOf, type IpFamily, parseAddress } from '../model/address.js';
import { findKind } from '../model/kinds.js';
import type { Endpoint, Host, Network } from './network.js';
import { type Parsed, refuse } from './question.js';

export type Party =
  | { readonly type: 'workload'; readonly address: Address; readonly endpoint: Endpoint }
  | {
      readonly type: 'host';
      readonly address: Address;
      readonly name: string;
      /** What polices the traffic of the host itself at this address, if anything. */
      readonly hostEndpoint: Endpoint | undefined;
    }
  | { readonly type: 'outside'; readonly address: Address };

/** Who was asked about, before it is known in which family. */
export type Asked = { readonly type: 'address'; readonly address: Address } | Named;
type Named = { readonly type: 'named'; readonly holder: Endpoint | Host };

/** Finds people in one network. */
export interface Directory {
  /** Whom a text means. */
  find(text: string): Parsed<Asked>;
  /** Who that is in one family. */
  partyOf(asked: Asked, family: IpFamily): Parsed<Party>;
  /** Who has an address. */
  ownerOf(address: Address): Parsed<Party>;
  /** The host itself, at one of its addresses. */
  hostParty(holder: Endpoint | Host, address: Address): Party;
}

export function createDirectory({ endpoints, hosts }: Network): Directory {
  const byName = groupBy([...endpoints, ...hosts], ({ name }) => [name]);
  const workloads = endpoints.filter(({ kind }) => kind === 'WorkloadEndpoint');
  const hostEndpoints = endpoints.filter(({ kind }) => kind === 'HostEndpoint');
  const workloadsAt = groupBy(workloads, ({ addresses }) => addresses);
  const hostsAt = groupBy([...hostEndpoints, ...hosts], ({ addresses }) => addresses);
  const hostEndpointsOf = groupBy(hostEndpoints, ({ node }) => [node]);

  const hostParty: Directory['hostParty'] = (holder, address) => {
    if ('node' in holder) return { type: 'host', address, name: holder.node, hostEndpoint: holder };
    const hostEndpoint = guardOf(hostEndpointsOf.get(holder.name) ?? [], address);
    return { type: 'host', address, name: holder.name, hostEndpoint };
  };
  const ownerOf: Directory['ownerOf'] = (address) => {
    const workload = onlyOwner(address, workloadsAt.get(address) ?? []);
    if (workload) return workload;
    const [host] = hostsAt.get(address) ?? [];
    return { ok: true, value: host ? hostParty(host, address) : { type: 'outside', address } };
  };
  return {
    find: (text) => find(byName, text),
    partyOf(asked, family) {
      if (asked.type === 'address') return ownerOf(asked.address);
      const { holder } = asked;
      const address = addressesOf(hosts, holder).find((one) => familyOf(one) === family);
      if (address === undefined) return addressless(holder, family);
      const isWorkload = 'node' in holder && holder.kind === 'WorkloadEndpoint';
      const party: Party = isWorkload
        ? { type: 'workload', address, endpoint: holder }
        : hostParty(holder, address);
      return { ok: true, value: party };
    },
    ownerOf,
    hostParty,
  };
}

function groupBy<K, T>(items: readonly T[], keysOf: (item: T) => readonly K[]): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group) group.push(item);
      else groups.set(key, [item]);
    }
  }
  return groups;
}

function find(byName: ReadonlyMap<string, readonly (Endpoint | Host)[]>, text: string): Parsed<Asked> {
  const address = parseAddress(text);
  if (address !== undefined) return { ok: true, value: { type: 'address', address } };
  const slash = text.indexOf('/');
  const kind = slash < 0 ? undefined : findKind(text.slice(0, slash));
  const name = kind === undefined ? text : text.slice(slash + 1);
  const found = (byName.get(name) ?? []).filter((one) => kind === undefined || one.kind === kind);
  const [only, other] = found;
  if (other)
    return refuse(
      `"${text}" is ambiguous`,
      `it may be ${found.map(describe).join(' or ')}: write Kind/name, or an address`,
    );
  if (only) return { ok: true, value: { type: 'named', holder: only } };
  return refuse(`there is no endpoint or node "${text}"`, knownNames([...byName.keys()]));
}

function onlyOwner(address: Address, workloads: readonly Endpoint[]): Parsed<Party> | undefined {
  const active = workloads.filter((endpoint) => endpoint.active);
  const [endpoint, other] = active.length > 0 ? active : workloads;
  if (other)
    return refuse(
      `the address ${address} is ambiguous`,
      `${workloads.map(describe).join(' and ')} have it: ask by name`,
    );
  return endpoint && { ok: true, value: { type: 'workload', address, endpoint } };
}

/**
 * The host endpoint that guards an address of its host: one that expects the address, one for all interfaces, or the
 * only one there is. Which interface an address is on is not written in manifests.
 */
export function guardOf(own: readonly Endpoint[], address: Address): Endpoint | undefined {
  return (
    own.find(({ addresses }) => addresses.includes(address)) ??
    own.find(({ interfaceName }) => interfaceName === '*') ??
    (own.length === 1 && own[0]?.addresses.length === 0 ? own[0] : undefined)
  );
}

function addressless({ kind, name }: Endpoint | Host, family: IpFamily): Parsed<Party> {
  const remedy = `ask with --family ${family === 4 ? 6 : 4}, or for an address`;
  return refuse(`${kind}/${name} has no IPv${family} address`, remedy);
}

/** A host endpoint that expects no address has those of its node. */
function addressesOf(hosts: readonly Host[], holder: Endpoint | Host): readonly Address[] {
  if (holder.kind !== 'HostEndpoint' || holder.addresses.length > 0) return holder.addresses;
  return hosts.find(({ kind, name }) => kind === 'Node' && name === holder.node)?.addresses ?? [];
}

function describe(holder: Endpoint | Host): string {
  return 'node' in holder
    ? `${holder.kind}/${holder.name} on ${holder.node}`
    : `${holder.kind}/${holder.name}`;
}

const NAMES_SHOWN = 8;

function knownNames(names: readonly string[]): string {
  if (names.length === 0) return 'the network has neither';
  const shown = names.toSorted().slice(0, NAMES_SHOWN).join(', ');
  const rest = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : '';
  return `there are: ${shown}${rest}`;
}

/** True for two addresses of one endpoint, or of one host: what they say to each other never leaves it. */
export function isSame(a: Party, b: Party): boolean {
  if (a.type === 'workload' && b.type === 'workload') return a.endpoint === b.endpoint;
  return a.type === 'host' && b.type === 'host' && a.name === b.name;
}

/** The host that somebody is on; undefined outside. */
export function hostOf(party: Party | undefined): string | undefined {
  switch (party?.type) {
    case 'workload':
      return party.endpoint.node;
    case 'host':
      return party.name;
    default:
      return undefined;
  }
}
