/**
 * Which tiers, policies and profiles judge an endpoint, in which order and with which end, whatever order
 * they come in: a table.
 */
import test from 'ava';
import { effective, type PolicyMatches } from '../../src/policy/effective.js';
import { type Policy, policyFrom, profileFrom, type Tier, tierFrom } from '../../src/policy/policy.js';
import { policy, resource } from '../helpers/build-resources.js';

const WORKLOAD = { kind: 'WorkloadEndpoint', profiles: [] } as const;
const BOTH = ['Ingress', 'Egress'] as const;

function matches(policies: readonly Policy[], tiers: readonly Tier[] = []): PolicyMatches {
  return {
    policies,
    tiers: new Map(tiers.map((tier) => [tier.name, tier])),
    profiles: new Map([['web', profileFrom(resource('Profile', 'web', {}))]]),
    noPolicyEgress: 'Allow',
  };
}

function named(name: string, spec: Parameters<typeof policy>[1] = {}): Policy {
  return policyFrom(policy(name, { types: BOTH, ...spec }));
}

function tier(name: string, order: number | undefined, defaultAction: 'Deny' | 'Pass' = 'Deny'): Tier {
  return tierFrom(resource('Tier', name, { defaultAction, ...(order !== undefined && { order }) }));
}

const order = test.macro({
  exec(t, policies: readonly Policy[], tiers: readonly Tier[], expected: readonly string[]) {
    const forwards = effective(WORKLOAD, 'ingress', matches(policies, tiers));
    const backwards = effective(WORKLOAD, 'ingress', matches([...policies].reverse(), [...tiers].reverse()));
    t.deepEqual(forwards, backwards);
    t.deepEqual(
      forwards.tiers.flatMap(({ name, policies: inTier }) => inTier.map((item) => `${name}/${item.name}`)),
      expected,
    );
  },
  title: (title = '') => `effective() asks ${title}`,
});

test(
  'policies of a lower order first, those without an order last',
  order,
  [named('b', { order: 20 }), named('a'), named('c', { order: -3.5 })],
  [],
  ['default/c', 'default/b', 'default/a'],
);
test(
  'policies of equal order by name, upper case before lower case',
  order,
  [named('b', { order: 1 }), named('a', { order: 1 }), named('Z', { order: 1 })],
  [],
  ['default/Z', 'default/a', 'default/b'],
);
test(
  'tiers by their order, and then by name',
  order,
  [named('p', { tier: 'z' }), named('p', { tier: 'y' }), named('p', { tier: 'x' })],
  [tier('x', 9), tier('y', 2), tier('z', 2)],
  ['y/p', 'z/p', 'x/p'],
);
test(
  'the tier default after every tier with an order below 1,000,000 and before one without an order',
  order,
  [
    named('p'),
    named('p', { tier: 'early' }),
    named('p', { tier: 'late' }),
    named('p', { tier: 'unordered' }),
  ],
  [tier('early', 999_999), tier('late', 1_000_001), tier('unordered', undefined)],
  ['early/p', 'default/p', 'late/p', 'unordered/p'],
);
test('effective() denies before all else what policies pick whose tier is not there, and asks none of them', (t) => {
  const policies = [named('p'), named('q', { tier: 'nowhere' }), named('r', { tier: 'first' })];
  const { tiers } = effective(WORKLOAD, 'ingress', matches(policies, [tier('first', -5)]));
  t.deepEqual(
    tiers.map(({ name, policies: asked, endOfTier }) => [name, asked.map((one) => one.name), endOfTier]),
    [
      ['nowhere', [], 'Deny'],
      ['first', ['r'], 'Deny'],
      ['default', ['p'], 'Deny'],
    ],
  );
});

test('effective() ends the tier default with Deny, and any other tier as its defaultAction says', (t) => {
  const policies = [named('p'), named('p', { tier: 'soft' }), named('p', { tier: 'hard' })];
  const { tiers } = effective(
    WORKLOAD,
    'ingress',
    matches(policies, [tier('soft', 1, 'Pass'), tier('hard', 2)]),
  );
  t.deepEqual(
    tiers.map(({ name, endOfTier }) => [name, endOfTier]),
    [
      ['soft', 'Pass'],
      ['hard', 'Deny'],
      ['default', 'Deny'],
    ],
  );
});

test('effective() lets a Tier resource named default change its order and its end', (t) => {
  const { tiers } = effective(
    WORKLOAD,
    'ingress',
    matches([named('p'), named('p', { tier: 'x' })], [tier('default', 1, 'Pass'), tier('x', 2)]),
  );
  t.deepEqual(
    tiers.map(({ name, endOfTier }) => [name, endOfTier]),
    [
      ['default', 'Pass'],
      ['x', 'Deny'],
    ],
  );
});

test('effective() skips a tier none of whose policies decides the direction, whatever its defaultAction', (t) => {
  const input = matches([named('p', { tier: 'x', types: ['Egress'] })], [tier('x', 1, 'Deny')]);
  t.deepEqual(effective(WORKLOAD, 'ingress', input).tiers, []);
  t.is(effective(WORKLOAD, 'egress', input).tiers.length, 1);
});

const leavesOut = test.macro({
  exec(t, spec: Parameters<typeof policy>[1]) {
    t.deepEqual(effective(WORKLOAD, 'ingress', matches([named('p', spec)])).tiers, []);
  },
  title: (title = '') => `effective() leaves out a policy with ${title}`,
});
test('doNotTrack', leavesOut, { doNotTrack: true });
test('preDNAT', leavesOut, { preDNAT: true });

test('effective() keeps profiles in the order of the endpoint, once each, also those that do not exist', (t) => {
  const endpoint = { kind: 'WorkloadEndpoint', profiles: ['gone', 'web', 'gone'] } as const;
  const { profiles } = effective(endpoint, 'ingress', matches([]));
  t.deepEqual(
    profiles.map(({ name, profile }) => [name, profile?.name]),
    [
      ['gone', undefined],
      ['web', 'web'],
    ],
  );
});

const byDefault = test.macro({
  exec(
    t,
    direction: 'ingress' | 'egress',
    change: {
      kind?: 'HostEndpoint';
      profiles?: string[];
      policies?: Policy[];
      noPolicyEgress?: 'Deny';
    },
    expected: 'Allow' | 'Deny',
  ) {
    const { kind = 'WorkloadEndpoint', profiles = [], policies = [], noPolicyEgress = 'Allow' } = change;
    const actual = effective({ kind, profiles }, direction, { ...matches(policies), noPolicyEgress });
    t.is(actual.default, expected);
  },
  title: (title = '') => `effective() by default ${title}`,
});
test('allows egress of a workload with no policy and no profile', byDefault, 'egress', {}, 'Allow');
test('denies ingress of a workload with no policy and no profile', byDefault, 'ingress', {}, 'Deny');
test(
  'denies egress of a workload, when noPolicyEgress is Deny',
  byDefault,
  'egress',
  { noPolicyEgress: 'Deny' },
  'Deny',
);
test('denies egress of a workload with a profile', byDefault, 'egress', { profiles: ['web'] }, 'Deny');
test(
  'denies egress of a workload with a profile that does not exist',
  byDefault,
  'egress',
  { profiles: ['gone'] },
  'Deny',
);
test(
  'denies egress of a workload with an egress policy',
  byDefault,
  'egress',
  { policies: [named('p')] },
  'Deny',
);
test(
  'allows egress of a workload with an ingress policy only',
  byDefault,
  'egress',
  { policies: [named('p', { types: ['Ingress'] })] },
  'Allow',
);
test('denies egress of a host endpoint', byDefault, 'egress', { kind: 'HostEndpoint' }, 'Deny');
