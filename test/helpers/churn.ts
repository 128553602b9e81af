/**
 * Random lives of a network whose hosts, workloads and addresses stay: what is drawn anew for each commit is which
 * endpoints the store knows, what they are called, and all of policy.
 *
 * Few names, so that what is drawn meets often: rules of one profile look into several sets, tiers pass to each other,
 * and a commit changes rules together with the members of the sets that they look into.
 */
import fc from 'fast-check';
import { loadManifests } from '../../src/loader/load.js';
import { familyOf } from '../../src/model/address.js';
import { type Resource, resourcesOf } from '../../src/model/resource.js';
import type { Direction } from '../../src/model/rule.js';
import { address } from './build-resources.js';
import { naiveVerdict } from './naive-policy.js';
import { type Flow, PROBE_PORT } from './traffic-prober.js';

/** The file that is written anew for each commit. */
export const CHURN_FILE = 'churn.yaml';
const OTHER_PORT = PROBE_PORT + 1;
const HOSTS = ['host-1', 'host-2'];
const WORKLOADS = HOSTS.flatMap((node, host) =>
  [1, 2, 3].map((number) => ({
    name: `w${host + 1}${number}`,
    node,
    ipNetworks: [`192.168.${host + 1}.${number}`, `fd80:24e2:f998:72d6::${host + 1}:${number}`],
  })),
);
const TAGS = ['web', 'db'];
const PROFILES = ['red', 'green', 'blue'];
const SELECTORS = [
  "role == 'a'",
  "role != 'a'",
  "zone == 'x'",
  "role == 'b' && zone == 'y'",
  'has(zone)',
  'all()',
];

const NETS = ['192.168.1.0/24', '192.168.2.1/32', '192.168.0.0/16', 'fd80:24e2:f998:72d6::1:0/112', '::/0'];

type Document = ReturnType<typeof document>;
const slotOf = ({ kind, metadata }: Document): string => `${kind}/${metadata.name}`;
const document = (kind: string, name: string, spec: object, labels: object = {}) => ({
  apiVersion: 'heddle/v1',
  kind,
  metadata: { name, labels },
  spec,
});

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const some = <T>(values: readonly T[], maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength });

const end = fc.oneof(
  { arbitrary: fc.constant({}), weight: 6 },
  { arbitrary: fc.record({ selector: pick(...SELECTORS) }), weight: 3 },
  { arbitrary: fc.record({ notSelector: pick(...SELECTORS) }), weight: 1 },
  { arbitrary: fc.record({ tag: pick(...TAGS) }), weight: 3 },
  { arbitrary: fc.record({ notTag: pick(...TAGS) }), weight: 1 },
);
/** Networks on one side only: on both they may be of different families, and match nothing. */
const source = fc.oneof(
  { arbitrary: end, weight: 8 },
  { arbitrary: fc.record({ nets: some(NETS, 2) }), weight: 1 },
);
const ports = pick({}, {}, { ports: [PROBE_PORT] }, { ports: [OTHER_PORT] }, { notPorts: [OTHER_PORT] });
const rule = (...actions: string[]) =>
  fc.tuple(pick(...actions), source, end, ports).map(([action, source, destination, some]) => ({
    action,
    protocol: 'UDP',
    source,
    destination: { ...destination, ...some },
  }));
const open = fc.constant([{ action: 'Allow' }]);
const rules = (...actions: string[]) => fc.array(rule(...actions), { minLength: 1, maxLength: 3 });
const label = fc.record(
  { role: pick('a', 'b'), zone: pick('x', 'y') },
  { requiredKeys: [], noNullPrototype: true },
);

const endpoints = fc
  .tuple(
    ...WORKLOADS.map(({ name, ...place }) =>
      fc
        .record({
          isThere: fc.integer({ min: 0, max: 9 }).map((number) => number > 0),
          labels: label,
          profiles: fc.uniqueArray(pick(...PROFILES), { minLength: 1, maxLength: 2 }),
          state: pick('active', 'active', 'active', 'active', 'active', 'inactive'),
        })
        .map(({ isThere, labels, ...spec }) =>
          isThere ? [document('WorkloadEndpoint', name, { ...place, ...spec }, labels)] : [],
        ),
    ),
  )
  .map((lists) => lists.flat());
const profiles = fc
  .tuple(
    ...PROFILES.map((name) =>
      fc
        .record({
          ingress: rules('Allow', 'Allow', 'Deny'),
          egress: fc.oneof(open, open, rules('Allow', 'Deny')),
          tags: some(TAGS, 2),
          labelsToApply: pick({}, {}, { zone: 'x' }),
        })
        .map((spec) => document('Profile', name, spec)),
    ),
  )
  .chain((all) => fc.subarray(all, { minLength: 2 }));
const policies = fc
  .tuple(
    ...['p', 'q', 'r'].map((name) =>
      fc
        .record({
          tier: pick('default', 'first'),
          order: pick(1, 2),
          selector: pick(...SELECTORS),
          ingress: rules('Allow', 'Allow', 'Deny', 'Pass'),
          egress: fc.oneof(open, open, rules('Allow', 'Allow', 'Deny', 'Pass')),
        })
        .map((spec) => document('GlobalNetworkPolicy', name, spec)),
    ),
  )
  .chain((all) => fc.subarray(all));
const tier = pick('Deny', 'Pass').map((defaultAction) =>
  document('Tier', 'first', { order: 1, defaultAction }),
);
const networkSet = fc
  .tuple(some(NETS, 2), label)
  .map(([nets, labels]) => document('GlobalNetworkSet', 'nets', { nets }, labels));
const network = fc.tuple(endpoints, profiles, policies, tier, networkSet).map((parts) => parts.flat());
/** What a commit changes: everything, or a few of its documents. */
const change = fc.record({
  network,
  replaced: fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 1 },
    { arbitrary: fc.infiniteStream(fc.nat(9)), weight: 4 },
  ),
});

/** What a commit of the churn holds: the text of its only file. */
export type Manifests = string;

/** The commit that everything begins with: all endpoints, nothing allowed. */
export const FIRST_COMMIT: Manifests = render([
  ...WORKLOADS.map(({ name, ...spec }) => document('WorkloadEndpoint', name, { ...spec, profiles: ['red'] })),
  document('Profile', 'red', { ingress: [], egress: [] }),
]);

/** Hosts and pools, which stay. */
export const CHURN_GROUND: Manifests = render([
  ...HOSTS.map((name, index) =>
    document('Node', name, {
      bgp: { ipv4Address: `10.99.0.${index + 1}/24`, ipv6Address: `fd99::${index + 1}/64` },
    }),
  ),
  document('IPPool', 'pool-4', { cidr: '192.168.0.0/16' }),
  document('IPPool', 'pool-6', { cidr: 'fd80:24e2:f998:72d6::/64' }),
]);

/** Commits without end; the same seed gives the same ones. Most change a few documents of the one before. */
export function* randomCommits(seed: number): Generator<Manifests, never> {
  let documents = new Map<string, Document>();
  for (let number = 0; ; number += 1) {
    const [drawn] = fc.sample(change, { seed: seed + number, numRuns: 1 });
    const fresh = new Map(drawn?.network.map((one) => [slotOf(one), one]));
    const next = new Map<string, Document>();
    for (const slot of new Set([...documents.keys(), ...fresh.keys()])) {
      const isKept = documents.size > 0 && drawn?.replaced !== undefined && drawn.replaced.next().value > 1;
      const one = (isKept ? documents : fresh).get(slot);
      if (one) next.set(slot, one);
    }
    documents = next;
    yield render(documents.values());
  }
}

/** All ordered pairs of workloads, IPv4 to one port and IPv6 to another. */
export function churnFlows(): Flow[] {
  return WORKLOADS.flatMap((from) =>
    WORKLOADS.filter((to) => to !== from).flatMap((to): Flow[] => [
      { from: from.name, to: to.name, protocol: 'udp', family: 4, port: PROBE_PORT },
      { from: from.name, to: to.name, protocol: 'udp', family: 6, port: OTHER_PORT },
    ]),
  );
}

export function hostOf(workload: string): string {
  return WORKLOADS.find(({ name }) => name === workload)?.node ?? '';
}

/** What a commit says of a flow, by the oracle, at either end. @throws {Error} when the commit is not valid */
export function judge(manifests: Manifests): (flow: Flow, direction: Direction) => boolean {
  const bytes = new TextEncoder().encode(manifests);
  const ground = new TextEncoder().encode(CHURN_GROUND);
  const { state, diagnostics } = loadManifests([
    { path: CHURN_FILE, blobId: manifests, bytes },
    { path: 'ground.yaml', blobId: 'ground', bytes: ground },
  ]);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  const network = [...state.values()];
  return (flow, direction) => isAllowed(network, flow, direction);
}

function isAllowed(network: readonly Resource[], flow: Flow, direction: Direction): boolean {
  const endpoints = resourcesOf(network, 'WorkloadEndpoint');
  const name = direction === 'egress' ? flow.from : flow.to;
  const endpoint = endpoints.find(({ metadata }) => metadata.name === name);
  if (endpoint?.spec.state !== 'active') return false;
  const packet = {
    family: flow.family,
    protocol: 17,
    source: { address: addressOf(flow.from, flow), port: 40_000 },
    destination: { address: addressOf(flow.to, flow), port: flow.port },
  };
  return naiveVerdict(network, endpoint, direction, packet).verdict === 'allow';
}

function addressOf(workload: string, { family }: Flow) {
  const found = WORKLOADS.find(({ name }) => name === workload);
  const texts = found?.ipNetworks ?? [];
  const own = texts.map((text) => address(text)).find((candidate) => familyOf(candidate) === family);
  if (own === undefined) throw new Error(`There is no workload ${workload}`);
  return own;
}

function render(documents: Iterable<Document>): Manifests {
  return [...documents].map((one) => `${JSON.stringify(one)}\n`).join('---\n');
}
