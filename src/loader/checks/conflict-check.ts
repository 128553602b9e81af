/**
 * Resources that cannot stand side by side: the same address twice, pools that overlap, one etcd key for two.
 *
 * Each conflict is reported once, at the resource that comes later, and names the place of the earlier one.
 */
import { type Address, addressPart, cidrContains, compareCidrs } from '../../model/address.js';
import type { Diagnostic } from '../../model/diagnostic.js';
import { parsePeerAddress } from '../../model/peer-address.js';
import type { Resource, ResourceOf, SpecOf } from '../../model/resource.js';
import { interfacePrefix } from '../defaults.js';
import type { FieldPath } from '../field-path.js';
import { isSound, type Loaded, type LoadedSet, loadedOf, whereIs } from '../loaded.js';
import { diagnose } from '../report.js';

export function checkConflicts(set: LoadedSet): Diagnostic[] {
  return [
    ...checkOverlappingPools(set),
    ...checkMachineNames(set),
    ...checkAddresses(set),
    ...checkEndpointIds(set),
    ...checkInterfaces(set),
    ...checkPeers(set),
  ];
}

/** Something that at most one resource may have, and where a resource has it. */
interface Claim {
  readonly what: string;
  readonly holder: Loaded;
  readonly path: FieldPath;
  /** The fields that it is made of; default: the path. */
  readonly reads?: readonly FieldPath[];
  readonly message: (first: string) => string;
  readonly hint: string;
}

function checkClaims(claims: Iterable<Claim>): Diagnostic[] {
  const holders = new Map<string, Claim>();
  const found: Diagnostic[] = [];
  for (const claim of claims) {
    const { holder, path, reads = [path] } = claim;
    if (!isSound(holder, ...reads)) continue;
    const first = holders.get(claim.what);
    if (!first) {
      holders.set(claim.what, claim);
      continue;
    }
    found.push(
      diagnose(claim.holder.document, {
        code: 'conflicting-resources',
        path: claim.path,
        value: valueAt(claim.holder.resource, claim.path),
        message: claim.message(first.holder === claim.holder ? 'the same endpoint' : whereIs(first.holder)),
        hint: claim.hint,
      }),
    );
  }
  return found;
}

function valueAt(resource: Resource, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    resource,
  );
}

function checkOverlappingPools(set: LoadedSet): Diagnostic[] {
  const pools = loadedOf(set, 'IPPool')
    .filter((pool) => isSound(pool, ['spec', 'cidr']))
    .sort((a, b) => compareCidrs(a.resource.spec.cidr, b.resource.spec.cidr));
  const found: Diagnostic[] = [];
  // In this order a network comes right after those that contain it.
  let outer = pools[0];
  for (const pool of pools.slice(1)) {
    if (!outer || !cidrContains(outer.resource.spec.cidr, pool.resource.spec.cidr)) {
      outer = pool;
      continue;
    }
    const [first, later] = [outer, pool].sort(byOrigin);
    if (!first || !later) continue;
    found.push(
      diagnose(later.document, {
        code: 'conflicting-resources',
        path: ['spec', 'cidr'],
        value: later.resource.spec.cidr,
        message: `the pool ${later.resource.spec.cidr} overlaps ${first.resource.spec.cidr} of ${whereIs(first)}`,
        hint: 'Give each pool a network of its own',
      }),
    );
  }
  return found;
}

function byOrigin(a: Loaded, b: Loaded): number {
  const [left, right] = [a.resource.origin, b.resource.origin];
  return left.file < right.file ? -1 : left.file > right.file ? 1 : left.line - right.line;
}

/** Commands that take the name of a node take that of a reflector too. */
function checkMachineNames(set: LoadedSet): Diagnostic[] {
  return checkClaims(
    [...loadedOf(set, 'Node'), ...loadedOf(set, 'RouteReflector')].map((holder) => ({
      what: holder.resource.metadata.name,
      holder,
      path: ['metadata', 'name'],
      message: (first) => `the name is already that of ${first}`,
      hint: 'Nodes and route reflectors need names of their own',
    })),
  );
}

function checkAddresses(set: LoadedSet): Diagnostic[] {
  return checkClaims([...machineAddresses(set), ...endpointAddresses(set)]);
}

function* machineAddresses(set: LoadedSet): Generator<Claim, void> {
  for (const node of loadedOf(set, 'Node')) {
    const { ipv4Address, ipv6Address } = node.resource.spec.bgp ?? {};
    if (ipv4Address) yield claimAddress(node, addressPart(ipv4Address), ['spec', 'bgp', 'ipv4Address']);
    if (ipv6Address) yield claimAddress(node, addressPart(ipv6Address), ['spec', 'bgp', 'ipv6Address']);
  }
  for (const reflector of loadedOf(set, 'RouteReflector')) {
    const { ipv4Address, ipv6Address } = reflector.resource.spec;
    yield claimAddress(reflector, ipv4Address, ['spec', 'ipv4Address']);
    if (ipv6Address) yield claimAddress(reflector, ipv6Address, ['spec', 'ipv6Address']);
  }
}

function* endpointAddresses(set: LoadedSet): Generator<Claim, void> {
  for (const endpoint of loadedOf(set, 'WorkloadEndpoint')) {
    const { ipNetworks, ipNATs } = endpoint.resource.spec;
    for (const [index, cidr] of ipNetworks.entries())
      yield claimAddress(endpoint, addressPart(cidr), ['spec', 'ipNetworks', index]);
    for (const [index, { externalIP }] of ipNATs.entries())
      yield claimAddress(endpoint, externalIP, ['spec', 'ipNATs', index, 'externalIP']);
  }
}

function claimAddress(holder: Loaded, address: Address, path: FieldPath): Claim {
  return {
    what: address,
    holder,
    path,
    message: (first) => `the address ${address} is already that of ${first}`,
    hint: 'Give each its own address',
  };
}

const ID_FIELDS = ['node', 'orchestrator', 'workload', 'endpoint'] as const;

function* endpointIds(set: LoadedSet): Generator<Claim, void> {
  for (const endpoint of loadedOf(set, 'WorkloadEndpoint')) {
    const ids = idsOf(endpoint.resource);
    yield {
      what: ids,
      holder: endpoint,
      path: ['metadata', 'name'],
      reads: [['metadata', 'name'], ...ID_FIELDS.map((field) => ['spec', field])],
      message: (first) =>
        `the ids ${ids} (node, orchestrator, workload, endpoint) are already those of ${first}`,
      hint: 'Two endpoints cannot share one etcd key: change spec.workload or spec.endpoint',
    };
  }
}

function idsOf({ spec }: ResourceOf<'WorkloadEndpoint'>): string {
  return [spec.node, spec.orchestrator, spec.workload ?? '', spec.endpoint].join('/');
}

function checkEndpointIds(set: LoadedSet): Diagnostic[] {
  return checkClaims(endpointIds(set));
}

function checkInterfaces(set: LoadedSet): Diagnostic[] {
  const configurations = agentConfigurations(set);
  const isPrefixClear =
    set.unread.size === 0 &&
    !set.unnamed.has('AgentConfiguration') &&
    loadedOf(set, 'AgentConfiguration').every((loaded) => isSound(loaded, ['spec', 'interfacePrefix']));
  const claims: Claim[] = [];
  const wrong: Diagnostic[] = [];
  // Of endpoints with the same ids, that has been said; their interfaces follow from it.
  const ids = new Set<string>();
  for (const holder of loadedOf(set, 'WorkloadEndpoint')) {
    const { node, interfaceName = '' } = holder.resource.spec;
    const path = ['spec', 'interfaceName'];
    const prefix = interfacePrefix(configurations, node);
    const reads = [path, ['spec', 'node']];
    if (!isSound(holder, ...reads)) continue;
    if (isPrefixClear && !interfaceName.startsWith(prefix))
      wrong.push(
        diagnose(holder.document, {
          code: 'invalid-value',
          path,
          value: interfaceName,
          message: `interfaces of workloads on ${node} begin with ${prefix}, and ${interfaceName} does not`,
          hint: `Begin it with ${prefix}, take the field away, or change interfacePrefix in AgentConfiguration`,
        }),
      );
    const id = idsOf(holder.resource);
    if (ids.has(id)) continue;
    ids.add(id);
    claims.push({
      what: `${node}/${interfaceName}`,
      holder,
      path,
      message: (first) => `the interface ${interfaceName} on ${node} is already that of ${first}`,
      hint: 'Give each endpoint of a node an interface of its own',
    });
  }
  return [...wrong, ...checkClaims(claims)];
}

/** Specs of the AgentConfigurations by name. */
export function agentConfigurations(set: LoadedSet): ReadonlyMap<string, SpecOf<'AgentConfiguration'>> {
  return new Map(
    loadedOf(set, 'AgentConfiguration').map(({ resource }) => [resource.metadata.name, resource.spec]),
  );
}

function checkPeers(set: LoadedSet): Diagnostic[] {
  const claims: Claim[] = [];
  for (const holder of loadedOf(set, 'BGPPeer')) {
    const { node, nodeSelector, peerIP } = holder.resource.spec;
    const peer = peerIP === undefined ? undefined : parsePeerAddress(peerIP)?.text;
    if (peer === undefined || nodeSelector !== undefined) continue;
    const scope = node === undefined ? 'every node' : `node ${node}`;
    claims.push({
      what: `${scope}/${peer}`,
      holder,
      path: ['spec', 'peerIP'],
      reads: [
        ['spec', 'peerIP'],
        ['spec', 'node'],
        ['spec', 'nodeSelector'],
      ],
      message: (first) => `the peer ${peer} of ${scope} is already that of ${first}`,
      hint: 'Two peers cannot share one etcd key: write them as one',
    });
  }
  return checkClaims(claims);
}
