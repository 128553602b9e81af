/**
 * Resources for tests, as short as a manifest: text is parsed into brands here, and what cannot be is a mistake in
 * the test.
 */
import type { StoredId } from '../../src/layout/layout.js';
import { type Address, type Cidr, hostCidr, parseAddress, parseCidr } from '../../src/model/address.js';
import type { BlockState, IpamBlock } from '../../src/model/ipam-block.js';
import type { Kind, Resource, ResourceOf, SpecOf } from '../../src/model/resource.js';
import { type SelectorText, toSelectorText } from '../../src/model/selector/selector.js';

type Labels = Readonly<Record<string, string>>;

/** A block of addresses, beside the resources. */
export interface StoredBlock {
  readonly kind: 'IpamBlock';
  readonly block: IpamBlock;
}

/** What the store holds. */
export type Stored = Resource | StoredBlock;

export function address(text: string): Address {
  return parsed(parseAddress(text), text);
}

export function cidr(text: string): Cidr {
  return parsed(parseCidr(text), text);
}

export function selector(text: string): SelectorText {
  return parsed(toSelectorText(text), text);
}

export function resource<K extends Kind>(
  kind: K,
  name: string,
  spec: SpecOf<K>,
  labels: Labels = {},
): ResourceOf<K> {
  const origin = { file: `${kind}.yaml`, line: 1, col: 1 };
  return { kind, metadata: { name, labels, annotations: {} }, spec, origin };
}

export interface WorkloadOptions {
  readonly node?: string;
  readonly addresses?: readonly string[];
  readonly profiles?: readonly string[];
  readonly labels?: Labels;
  readonly state?: 'active' | 'inactive';
}

/** A workload endpoint named `name` on host-1, with an interface of its own. */
export function workload(name: string, options: WorkloadOptions = {}): ResourceOf<'WorkloadEndpoint'> {
  const { node = 'host-1', addresses = [], profiles = [], labels = {}, state = 'active' } = options;
  const spec = {
    node,
    orchestrator: 'heddle',
    workload: name,
    endpoint: 'eth0',
    interfaceName: `cali${name}`,
    ipNetworks: addresses.map((text) => hostCidr(address(text))),
    ipNATs: [],
    profiles,
    state,
  };
  return resource('WorkloadEndpoint', name, spec, labels);
}

type PolicySpec = SpecOf<'GlobalNetworkPolicy'>;

export function policy(name: string, spec: Partial<PolicySpec>): ResourceOf<'GlobalNetworkPolicy'> {
  const off = { doNotTrack: false, preDNAT: false, applyOnForward: false };
  return resource('GlobalNetworkPolicy', name, { ...off, ...spec });
}

/** @param claims - node -> state of its claim */
export function block(text: string, claims: Readonly<Record<string, BlockState>>): StoredBlock {
  const affinities = Object.entries(claims).map(([node, state]) => ({ node, state }));
  affinities.sort((a, b) => (a.node < b.node ? -1 : 1));
  return { kind: 'IpamBlock', block: { cidr: cidr(text), affinities } };
}

/** The id that tells the object from others of its kind, as keys in the store do. */
export function storedId(object: Stored): StoredId {
  if (object.kind === 'IpamBlock') return `IpamBlock/${object.block.cidr}` as StoredId;
  const { name } = object.metadata;
  switch (object.kind) {
    case 'WorkloadEndpoint': {
      const { node, orchestrator, workload: id = name, endpoint } = object.spec;
      return `WorkloadEndpoint/${node}/${orchestrator}/${id}/${endpoint}` as StoredId;
    }
    case 'HostEndpoint':
      return `HostEndpoint/${object.spec.node}/${name}` as StoredId;
    case 'GlobalNetworkPolicy':
      return `GlobalNetworkPolicy/${object.spec.tier ?? 'default'}/${name}` as StoredId;
    case 'IPPool':
      return `IPPool/${object.spec.cidr.replace('/', '-')}` as StoredId;
    default:
      return `${object.kind}/${name}` as StoredId;
  }
}

function parsed<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new TypeError(`Does not parse: ${text}`);
  return value;
}
