/**
 * Law 1, law 5 and law 6 for managers: their wishes depend on the state alone, close what is unknown, and are
 * alike in both families.
 */
import test from 'ava';
import fc from 'fast-check';
import type { AgentSettings } from '../../../../src/agent/calc/agent-settings.js';
import type { DataplaneUpdate } from '../../../../src/agent/calc/updates.js';
import { type RecordedDataplane, recordDesired } from '../../../../src/agent/dataplane/desired-record.js';
import { createManagers, type Managers } from '../../../../src/agent/dataplane/managers/index.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import { ENCAPSULATIONS } from '../../../../src/model/encapsulation.js';
import { PROTOCOL_NUMBERS } from '../../../../src/model/rule.js';
import {
  address,
  cidr,
  endpoint,
  endpointId,
  policy,
  profile,
  rule,
  setId,
  settings,
  withProfiles,
} from '../batch.js';

interface Told {
  readonly wishes: RecordedDataplane;
  readonly managers: Managers;
}

function tell(...batches: readonly (readonly DataplaneUpdate[])[]): Told {
  const wishes = recordDesired(IP_FAMILIES);
  const managers = createManagers(wishes);
  for (const batch of batches) {
    for (const update of batch) managers.onUpdate(update);
    managers.completeDeferredWork();
  }
  return { wishes, managers };
}

function wishesIn(told: Told): readonly (readonly [string, unknown])[] {
  return flatten(told).filter(([key]) => key !== 'problems');
}

/** Everything wished for, in an order that does not depend on time. */
function flatten({ wishes, managers }: Told): readonly (readonly [string, unknown])[] {
  const entries = wishes.families.flatMap(({ family, chains, hooks, sets, routes, neighbors }) => [
    ...[...chains].map(([key, value]) => [`${family} chain ${key}`, value] as const),
    ...[...hooks].map(([key, value]) => [`${family} hook ${key}`, value] as const),
    ...[...sets].map(
      ([key, { type, members }]) => [`${family} set ${key}`, [type, ...[...members].sort()]] as const,
    ),
    ...[...routes].map(([key, value]) => [`${family} route ${key}`, value] as const),
    ...[...neighbors].map(([key, value]) => [`${family} neighbor ${key}`, value] as const),
  ]);
  const sysctls = [...wishes.sysctls].map(([key, value]) => [`sysctl ${key}`, value] as const);
  return [...entries, ...sysctls, ['problems', managers.problems()] as const].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
}

test('an active endpoint gets chains in both families, and routes and neighbours in those of its addresses', (t) => {
  const { wishes } = tell([
    endpoint('w1', 'cali1', { addresses: [address('10.65.0.1')], ingress: withProfiles('p') }),
  ]);
  const [v4, v6] = wishes.families;
  for (const family of [v4, v6]) {
    t.true(family?.chains.has('filter/cali-tw-cali1' as never));
    t.true(family?.chains.has('filter/cali-fw-cali1' as never));
  }
  t.deepEqual([...(v4?.routes.values() ?? [])], [{ cidr: cidr('10.65.0.1/32'), interfaceName: 'cali1' }]);
  t.deepEqual([...(v4?.neighbors.keys() ?? [])], ['cali1/10.65.0.1']);
  t.is(v6?.routes.size, 0);
  t.true(wishes.sysctls.has('net/ipv4/conf/cali1/proxy_arp' as never));
});

test('an endpoint that goes leaves nothing behind', (t) => {
  const there = endpoint('w1', 'cali1', { addresses: [address('10.65.0.1'), address('fd65::1')] });
  t.deepEqual(
    flatten(tell([there], [{ type: 'workload-endpoint-remove', id: endpointId('w1') }])),
    flatten(tell([])),
  );
});

test('an endpoint that is down keeps its chains, and has no route, neighbour or sysctl', (t) => {
  const { wishes } = tell([
    endpoint('w1', 'cali1', { addresses: [address('10.65.0.1'), address('fd65::1')], active: false }),
  ]);
  for (const { chains, routes, neighbors } of wishes.families) {
    t.true(chains.has('filter/cali-tw-cali1' as never));
    t.is(routes.size + neighbors.size, 0);
  }
  t.false([...wishes.sysctls.keys()].some((path) => path.includes('cali1')));
});

test('of two endpoints with one interface or address the first id has it, and the other is a problem', (t) => {
  const { wishes, managers } = tell([
    endpoint('w2', 'cali2', { addresses: [address('10.65.0.1'), address('10.65.0.2')] }),
    endpoint('w3', 'cali2', { addresses: [address('10.65.0.3')] }),
    endpoint('w1', 'cali1', { addresses: [address('10.65.0.1')] }),
  ]);
  const routes = [...(wishes.families[0]?.routes.values() ?? [])].map(
    (route) => `${route.cidr} ${route.interfaceName}`,
  );
  t.deepEqual(routes, ['10.65.0.1/32 cali1', '10.65.0.2/32 cali2']);
  t.deepEqual(
    managers.problems().map(({ object, message }) => `${object}: ${message}`),
    [
      `${endpointId('w2')}: address 10.65.0.1 is not connected: ${endpointId('w1')} has it; remove one of the two`,
      `${endpointId('w3')}: interface cali2 is not connected: ${endpointId('w2')} has it; remove one of the two`,
    ],
  );
});

const unusable = test.macro({
  exec(t, interfaceName: string) {
    const { wishes, managers } = tell([endpoint('w1', interfaceName, { addresses: [address('10.65.0.1')] })]);
    t.is(wishes.families[0]?.routes.size, 0);
    t.is(managers.problems()[0]?.object, endpointId('w1'));
  },
  title: (_, interfaceName) => `an endpoint on interface ${JSON.stringify(interfaceName)} is not connected`,
});
for (const name of ['eth0', 'cali', 'cali+', 'cali 1', 'cali/../x', 'cali12345678901234', 'cali"', 'caliü'])
  test(unusable, name);

const unusableSetting = test.macro({
  exec(t, changed: Partial<AgentSettings>, expected: string) {
    const batch = [policy('p', { ingress: [rule('Allow')] }), endpoint('w1', 'cali1')];
    const after = tell(batch, [settings(changed)]);
    t.deepEqual(wishesIn(after), wishesIn(tell(batch)));
    t.deepEqual(after.managers.problems(), [{ object: 'AgentConfiguration', message: expected }]);
  },
  title: (_, changed) => `${JSON.stringify(changed)} is a problem, and what was set before stays`,
});
test(
  unusableSetting,
  { iptablesMarkMask: 0x7 },
  'iptablesMarkMask 0x7 is not used: give it four bits or more',
);
for (const prefix of ['', 'cali+', 'cali 1', 'abcdefghijkl'])
  test(
    unusableSetting,
    { interfacePrefix: prefix },
    `interfacePrefix ${JSON.stringify(prefix)} is not used: use 1 to 11 letters and digits`,
  );

test('a set exists in both families, with the members of each', (t) => {
  const id = setId('s:a');
  const { wishes } = tell(
    [
      {
        type: 'ip-set-update',
        id,
        setType: 'hash:ip',
        members: new Set([cidr('10.0.0.1/32'), cidr('fd00::1/128')]),
      },
    ],
    [{ type: 'ip-set-delta', id, added: [cidr('10.0.0.2/32')], removed: [cidr('fd00::1/128')] }],
  );
  t.deepEqual(
    wishes.families.map(({ sets }) => [...(sets.get(id)?.members ?? [])]),
    [['10.0.0.1/32', '10.0.0.2/32'], []],
  );
});

test('wishes depend on the state that messages lead to, not on the way there', (t) => {
  fc.assert(
    fc.property(fc.array(fc.array(arbitraryUpdate, { maxLength: 5 }), { maxLength: 8 }), (batches) => {
      const lastWord = new Map(batches.flat().map((update) => [objectOf(update), update]));
      const state = [...lastWord.values()].filter(({ type }) => !type.endsWith('-remove'));
      t.deepEqual(flatten(tell(...batches, [])), flatten(tell(state.toReversed())));
    }),
    { numRuns: 300 },
  );
});

const arbitraryName = fc.constantFrom('a', 'b', 'c');

const arbitraryUpdate: fc.Arbitrary<DataplaneUpdate> = fc.oneof(
  fc
    .record({
      name: arbitraryName,
      interfaceName: fc.constantFrom('cali1', 'cali2', 'tap1', 'eth0'),
      addresses: fc.subarray(['10.65.0.1', '10.65.0.2', 'fd65::1'].map(address)),
      active: fc.boolean(),
    })
    .map(({ name, interfaceName, ...fields }) => endpoint(name, interfaceName, fields)),
  arbitraryName.map((name): DataplaneUpdate => ({ type: 'workload-endpoint-remove', id: endpointId(name) })),
  fc
    .tuple(arbitraryName, fc.constantFrom('TCP', 'UDP'))
    .map(([name, protocol]) =>
      policy(name, { ingress: [rule('Allow', { protocol: PROTOCOL_NUMBERS[protocol] })] }),
    ),
  arbitraryName.map((name): DataplaneUpdate => ({ type: 'policy-remove', tier: 'default', name })),
  fc
    .tuple(arbitraryName, fc.constantFrom('Allow', 'Deny'))
    .map(([name, action]) => profile(name, { egress: [rule(action)] })),
  arbitraryName.map((name): DataplaneUpdate => ({ type: 'profile-remove', name })),
  fc
    .tuple(fc.constantFrom('10.65.0.0/16', '10.66.0.0/16', 'fd65::/64').map(cidr), fc.boolean())
    .map(([pool, masquerade]): DataplaneUpdate => ({ type: 'pool-update', cidr: pool, masquerade })),
  fc
    .constantFrom('10.65.0.0/16', 'fd65::/64')
    .map((text): DataplaneUpdate => ({ type: 'pool-remove', cidr: cidr(text) })),
  fc
    .record({ 4: fc.subarray([...ENCAPSULATIONS]), 6: fc.subarray(['vxlan' as const]) })
    .map((inUse): DataplaneUpdate => ({ type: 'encapsulation-update', inUse })),
  fc
    .record({
      interfacePrefix: fc.constantFrom('cali', 'tap'),
      iptablesMarkMask: fc.constantFrom(0xff000000, 0xff00),
      chainInsertMode: fc.constantFrom('Insert', 'Append'),
    })
    .map(settings),
);

function objectOf(update: DataplaneUpdate): string {
  const kind = update.type.replace(/-(update|remove|delta)$/, '');
  switch (update.type) {
    case 'workload-endpoint-update':
      return `${kind} ${update.endpoint.id}`;
    case 'workload-endpoint-remove':
      return `${kind} ${update.id}`;
    case 'pool-update':
    case 'pool-remove':
      return `${kind} ${update.cidr}`;
    case 'policy-update':
    case 'policy-remove':
    case 'profile-update':
    case 'profile-remove':
      return `${kind} ${update.name}`;
    default:
      return kind;
  }
}

test('an endpoint more is wished for with the few chains of the dispatch that change', (t) => {
  const endpoints = Array.from({ length: 300 }, (_, number) => {
    const name = `cali${((number * 37) % 4096).toString(16).padStart(3, '0')}`;
    return endpoint(name, name);
  });
  const { wishes, managers } = tell(endpoints);
  const before = wishes.families.map(({ chains }) => new Map(chains));
  managers.onUpdate(endpoint('new', 'califff'));
  managers.completeDeferredWork();
  for (const [index, { chains }] of wishes.families.entries()) {
    const changed = [...chains].filter(([key, chain]) => before[index]?.get(key) !== chain);
    t.true(changed.some(([key]) => key === 'filter/cali-fw-califff'));
    t.true(changed.length <= 8, changed.map(([key]) => key).join(' '));
    t.true(chains.size > 600);
  }
});
