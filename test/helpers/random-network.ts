/**
 * Random networks for laws: few names, labels and addresses, so that what is drawn meets often.
 *
 * Rules are what the loader lets through: ports with a protocol that has them, ICMP types with ICMP.
 */
import fc from 'fast-check';
import type { Address, IpFamily } from '../../src/model/address.js';
import type { DeepReadonly } from '../../src/model/brand.js';
import type { Resource, ResourceOf } from '../../src/model/resource.js';
import type { EntityRuleSpec, RuleSpec } from '../../src/model/specs.generated.js';
import { address, cidr, policy, resource, selector, storedId, workload } from './build-resources.js';
import type { NaivePacket } from './naive-policy.js';

const ADDRESSES = {
  4: ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.0.2.1', '203.0.113.9'],
  6: ['fd00::1', 'fd00::2', 'fd00:1::1', '2001:db8::1'],
} as const;
const NETS = [
  '10.0.0.0/24',
  '10.0.0.0/8',
  '0.0.0.0/0',
  '192.0.2.1/32',
  'fd00::/16',
  'fd00::1/128',
  '::/0',
].map(cidr);
const SELECTORS = [
  'all()',
  "role == 'db'",
  "role != 'db'",
  'has(zone)',
  '!has(role)',
  "role in {'db', 'api'}",
  "role not in {'db', 'api'}",
  "role == 'db' || zone == 'a'",
  "role == 'db' && zone != 'b'",
  "!(role == 'db')",
  "zone starts with 'a'",
  'has(role) && !has(role)',
].map(selector);
const TAGS = ['web', 'api'];
const PROFILES = ['web', 'api', 'open'];
const TIERS = ['default', 'first', 'second', 'nowhere'];
const PORTS = [80, 443, '80:443', '8000:9000'] as const;
/** More than the 15 slots of one multiport match. */
const MANY_PORTS = Array.from({ length: 20 }, (_, index) => 10 * index + 80);
const NODES = ['host-1', 'host-2'];

const label = fc.record(
  { role: fc.constantFrom('db', 'api'), zone: fc.constantFrom('a', 'b', 'ab') },
  { requiredKeys: [], noNullPrototype: true },
);
const some = <T>(values: readonly T[], maxLength = 2): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength });

const sets = {
  nets: some(NETS),
  notNets: some(NETS),
  selector: fc.constantFrom(...SELECTORS),
  notSelector: fc.constantFrom(...SELECTORS),
  tag: fc.constantFrom(...TAGS),
  notTag: fc.constantFrom(...TAGS),
};
const portList = fc.oneof(
  { arbitrary: some(PORTS), weight: 5 },
  { arbitrary: fc.constantFrom(MANY_PORTS, [...MANY_PORTS, '8000:9000']), weight: 1 },
);
const ports = { ports: portList, notPorts: portList };
const plainEntity: fc.Arbitrary<DeepReadonly<EntityRuleSpec>> = sparse(sets);
const portEntity: fc.Arbitrary<DeepReadonly<EntityRuleSpec>> = sparse({ ...sets, ...ports });

const icmp = fc.record(
  { type: fc.constantFrom(0, 8, 13, 128, 135), code: fc.constantFrom(0, 1) },
  { requiredKeys: ['type'], noNullPrototype: true },
);
const action = fc.constantFrom('Allow', 'Deny', 'Log', 'Pass');
const anyRule = sparse({
  ipVersion: fc.constantFrom(4, 6),
  notProtocol: fc.constantFrom('TCP', 'ICMP', 132),
  source: plainEntity,
  destination: plainEntity,
});
const portRule = sparse({
  ipVersion: fc.constantFrom(4, 6),
  protocol: fc.constantFrom('TCP', 'UDP', 132, 'UDPLite'),
  notProtocol: fc.constantFrom('TCP', 17),
  source: portEntity,
  destination: portEntity,
}).map((rule) => ({ protocol: 'TCP', ...rule }));
const icmpRule = sparse({
  protocol: fc.constantFrom('ICMP', 'ICMPv6'),
  icmp,
  notICMP: icmp,
  source: plainEntity,
  destination: plainEntity,
}).map((rule) => ({ protocol: 'ICMP', ...rule }));
/** A rule over all fields. */
export const rule = fc
  .tuple(action, fc.oneof(anyRule, portRule, icmpRule))
  .map(([verb, conditions]) => ({ action: verb, ...conditions }) as DeepReadonly<RuleSpec>);
const rules = fc.array(rule, { maxLength: 3 });

const tier = fc
  .tuple(
    fc.constantFrom('default', 'first', 'second'),
    fc.constantFrom(undefined, 1, 5),
    fc.constantFrom('Deny', 'Pass'),
  )
  .map(([name, order, defaultAction]) =>
    resource('Tier', name, {
      ...(order !== undefined && { order }),
      defaultAction: defaultAction as 'Deny' | 'Pass',
    }),
  );
const profile = fc
  .tuple(
    fc.constantFrom('web', 'api'),
    optional({ ingress: rules, egress: rules, labelsToApply: label, tags: some(TAGS) }),
  )
  .map(([name, spec]) => resource('Profile', name, spec as ResourceOf<'Profile'>['spec']));
const networkPolicy = fc
  .tuple(
    fc.constantFrom('p', 'q', 'r', 's'),
    optional({
      tier: fc.constantFrom(...TIERS),
      order: fc.constantFrom(1, 2),
      selector: fc.constantFrom(...SELECTORS),
      types: some(['Ingress', 'Egress']),
      ingress: rules,
      egress: rules,
    }),
    fc.constantFrom({}, {}, {}, {}, { doNotTrack: true }, { preDNAT: true }),
  )
  .map(([name, spec, stage]) => policy(name, { ...spec, ...stage } as Parameters<typeof policy>[1]));
const networkSet = fc
  .tuple(fc.constantFrom('n', 'm'), some(NETS), label)
  .map(([name, nets, labels]) => resource('GlobalNetworkSet', name, { nets }, definedOnly(labels)));
const workloadEndpoint = fc
  .record({
    name: fc.constantFrom('w1', 'w2', 'w3', 'w4'),
    node: fc.constantFrom(...NODES),
    addresses: some([...ADDRESSES[4], ...ADDRESSES[6]], 3),
    profiles: some(PROFILES, 3),
    labels: label.map(definedOnly),
    state: fc.constantFrom('active' as const, 'inactive' as const),
  })
  .map(({ name, ...options }) => workload(name, options));
/** Labels that selectors ask for. */
export const anyLabels = label;

/** Policy without endpoints, as the loader lets it through: tiers that are there, and nothing that is not enforced. */
export const policyParts: fc.Arbitrary<readonly Resource[]> = fc
  .tuple(
    fc.array(tier, { maxLength: 2 }),
    fc.array(profile, { maxLength: 2 }),
    fc.array(networkPolicy, { maxLength: 4 }),
    fc.array(networkSet, { maxLength: 2 }),
  )
  .map((lists) => {
    const parts = lists
      .flat()
      .filter((one) => !isStaged(one))
      .map(withoutUnusedRules);
    const named = TIERS.filter((name) => name !== 'default').map((name) =>
      resource('Tier', name, { defaultAction: 'Deny' }),
    );
    return [
      ...new Map([...named, ...parts].map((one) => [`${one.kind}/${one.metadata.name}`, one])).values(),
    ];
  });

/** Rules of a direction that the types of their policy leave out are an error. */
function withoutUnusedRules(one: Resource): Resource {
  if (one.kind !== 'GlobalNetworkPolicy' || !one.spec.types?.length) return one;
  const { ingress, egress, ...spec } = one.spec;
  const has = (type: 'Ingress' | 'Egress') => spec.types?.includes(type) === true;
  return {
    ...one,
    spec: {
      ...spec,
      ...(has('Ingress') && ingress && { ingress }),
      ...(has('Egress') && egress && { egress }),
    },
  };
}

function isStaged(one: Resource): boolean {
  return one.kind === 'GlobalNetworkPolicy' && (one.spec.doNotTrack === true || one.spec.preDNAT === true);
}

const hostEndpoint = fc
  .tuple(fc.constantFrom('h1', 'h2'), some([...ADDRESSES[4], ...ADDRESSES[6]]), some(PROFILES), label)
  .map(([name, expectedIPs, profiles, labels]) =>
    resource(
      'HostEndpoint',
      name,
      { node: 'host-1', expectedIPs: expectedIPs.map(address), profiles },
      definedOnly(labels),
    ),
  );

/** One resource of those that policy is made of. */
export const policyResource: fc.Arbitrary<Resource> = fc.oneof(
  { arbitrary: workloadEndpoint, weight: 4 },
  { arbitrary: networkPolicy, weight: 3 },
  { arbitrary: profile, weight: 2 },
  { arbitrary: tier, weight: 1 },
  { arbitrary: networkSet, weight: 1 },
  { arbitrary: hostEndpoint, weight: 1 },
);

/** No two of its resources are the same object of the store. */
export const policyNetwork: fc.Arbitrary<readonly Resource[]> = fc.uniqueArray(policyResource, {
  minLength: 1,
  maxLength: 14,
  selector: storedId,
});

const ends = (family: IpFamily, withPort: boolean) => {
  const end = fc.record({
    address: fc.constantFrom(
      ...(ADDRESSES[family] as readonly string[]).map((text): Address => address(text)),
    ),
    ...(withPort && { port: fc.constantFrom(79, 80, 250, 443, 8500) }),
  });
  return fc.record({ source: end, destination: end });
};

export const randomPacket: fc.Arbitrary<NaivePacket> = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), fc.constantFrom(6, 17, 132, 136, 47, 'icmp' as const))
  .chain(([family, drawn]) => {
    const protocol = drawn === 'icmp' ? (family === 4 ? 1 : 58) : drawn;
    return fc.record({
      family: fc.constant(family),
      protocol: fc.constant(protocol),
      ends: ends(family, [6, 17, 132, 136].includes(protocol)),
      ...(drawn === 'icmp' && {
        icmp: fc.record({ type: fc.constantFrom(0, 8, 13, 128, 135), code: fc.constantFrom(0, 1) }),
      }),
    });
  })
  .map(({ ends: { source, destination }, ...packet }) => ({ ...packet, source, destination }));

/** Each field is there in one case out of three, so that rules still match something. */
function sparse<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return optional(fields, 2);
}

/** Each field is left out in `absent` cases for every one in which it is there. */
function optional<T extends object>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  absent = 0.5,
): fc.Arbitrary<Partial<T>> {
  const options = Object.entries<fc.Arbitrary<unknown>>(fields).map(([key, field]) => [
    key,
    fc.oneof({ arbitrary: fc.constant(undefined), weight: absent * 2 }, { arbitrary: field, weight: 2 }),
  ]);
  return fc.record(Object.fromEntries(options)).map((drawn) => definedOnly(drawn) as Partial<T>);
}

function definedOnly<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
