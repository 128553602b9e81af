/**
 * Law 7: which change puts which address under suspicion, message by message. A table on one host;
 * policed-state-law.test.ts and suspects-law.test.ts ask whether it is enough.
 */
import test from 'ava';
import type { DataplaneUpdate } from '../../../../src/agent/calc/updates.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import {
  address,
  cidr,
  endpoint,
  endpointId,
  ports,
  profile,
  rule,
  setId,
  settings,
  withProfiles,
} from '../batch.js';

const WEB = rule('Allow', { protocol: 6, destination: { ports: ports(80) } });
const FRIENDS = rule('Allow', { source: { sets: [setId('s:friends')] } });
const ENEMIES = rule('Deny', { source: { sets: [setId('s:enemies')] } });
const OTHERS = rule('Allow', { source: { notSets: [setId('s:others')] } });

const first = endpoint('first', 'cali1', {
  addresses: [address('10.65.0.1'), address('fd65::1')],
  ingress: withProfiles('web'),
});
const second = endpoint('second', 'cali2', {
  addresses: [address('10.65.0.2')],
  ingress: {
    tiers: [{ name: 'default', policies: ['p'], endOfTier: 'Pass' }],
    profiles: [],
    default: 'Deny',
  },
  egress: withProfiles('open'),
});

function members(id: string, ...networks: readonly string[]): DataplaneUpdate {
  return { type: 'ip-set-update', id: setId(id), setType: 'hash:net', members: new Set(networks.map(cidr)) };
}

function delta(id: string, added: readonly string[], removed: readonly string[]): DataplaneUpdate {
  return { type: 'ip-set-delta', id: setId(id), added: added.map(cidr), removed: removed.map(cidr) };
}

function policy(...ingress: readonly ReturnType<typeof rule>[]): DataplaneUpdate {
  return { type: 'policy-update', tier: 'default', name: 'p', rules: { ingress, egress: [] } };
}

const START: readonly DataplaneUpdate[] = [
  settings({ defaultEndpointToHostAction: 'Return' }),
  members('s:friends', '10.1.0.0/24'),
  members('s:enemies', '10.2.0.1/32'),
  members('s:others', '10.3.0.1/32'),
  policy(ENEMIES, FRIENDS, OTHERS),
  profile('web', { ingress: [WEB] }),
  profile('open', { egress: [rule('Allow')] }),
  first,
  second,
];

function apply(state: PolicedState, updates: readonly DataplaneUpdate[]): readonly string[] {
  for (const update of updates) state.onUpdate(update);
  state.completeDeferredWork();
  const suspects = [...state.suspects].sort();
  state.acquit(state.suspects);
  return suspects;
}

function started(): PolicedState {
  const state = new PolicedState(IP_FAMILIES);
  apply(state, START);
  return state;
}

const FIRST = ['10.65.0.1', 'fd65::1'];
const SECOND = ['10.65.0.2'];
const BOTH = [...FIRST.slice(0, 1), ...SECOND, ...FIRST.slice(1)];

test('everybody is under suspicion at the start, when nobody knows what an earlier life let through', (t) => {
  t.deepEqual(apply(new PolicedState(IP_FAMILIES), START), BOTH);
});

const suspects = test.macro({
  exec(t, expected: readonly string[], ...updates: readonly DataplaneUpdate[]) {
    t.deepEqual(apply(started(), updates), expected);
  },
  title: (what = '', expected: readonly string[], ..._updates: readonly DataplaneUpdate[]) =>
    expected.length === 0 ? `nobody is suspected after ${what}` : `${what}: suspects ${expected.join(', ')}`,
});

test('an empty batch', suspects, []);
test('the same state again', suspects, [], ...START);
test('an allow that comes to a profile', suspects, [], profile('web', { ingress: [WEB, FRIENDS] }));
test('a denial that goes from a policy', suspects, [], policy(FRIENDS, OTHERS));
test('a member that joins those allowed', suspects, [], delta('s:friends', ['10.1.1.0/24'], []));
test('a member that leaves those denied', suspects, [], delta('s:enemies', [], ['10.2.0.1/32']));
test('a member that leaves the exceptions', suspects, [], delta('s:others', [], ['10.3.0.1/32']));
test('a set that nobody looks into', suspects, [], members('s:new', '10.4.0.1/32'), delta('s:new', [], []));
test('a pool', suspects, [], { type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: true });
test('an action that opens the host', suspects, [], settings({ defaultEndpointToHostAction: 'Accept' }));
test('an endpoint that goes: its route says so', suspects, [], {
  type: 'workload-endpoint-remove',
  id: endpointId('first'),
});

test('an allow that goes from a profile', suspects, FIRST, profile('web', {}));
test('a denial that comes to a policy', suspects, SECOND, policy(rule('Deny'), ENEMIES, FRIENDS, OTHERS));
test('a profile that goes missing', suspects, FIRST, {
  type: 'profile-update',
  name: 'web',
  rules: { ingress: [], egress: [] },
  missing: true,
});
test('a member that leaves those allowed', suspects, SECOND, delta('s:friends', [], ['10.1.0.0/24']));
test('a member that joins those denied', suspects, SECOND, delta('s:enemies', ['10.2.0.2/32'], []));
test('a member that joins the exceptions', suspects, SECOND, delta('s:others', ['10.3.0.2/32'], []));
test('a set told anew, with fewer members', suspects, SECOND, members('s:friends'));
test('a set told anew, with more members', suspects, [], members('s:friends', '10.1.0.0/24', '10.9.9.9/32'));
test('an action that closes the host', suspects, BOTH, settings({ defaultEndpointToHostAction: 'Drop' }));
test(
  'an endpoint that loses a profile',
  suspects,
  ['10.65.0.1'],
  endpoint('first', 'cali1', { addresses: [address('10.65.0.1')] }),
);
test(
  'an address that comes, with whatever flows it has: nobody knows who had it before',
  suspects,
  ['10.65.0.3'],
  endpoint('third', 'cali3', { addresses: [address('10.65.0.3')] }),
);
test(
  'an address that goes over to another endpoint',
  suspects,
  SECOND,
  { type: 'workload-endpoint-remove', id: endpointId('second') },
  endpoint('third', 'cali3', { addresses: [address('10.65.0.2')] }),
);

test('a profile that was missing and comes adds, whatever it says', (t) => {
  const state = started();
  const rules = { ingress: [], egress: [] };
  apply(state, [{ type: 'profile-update', name: 'web', rules, missing: true }]);
  t.deepEqual(apply(state, [profile('web', { ingress: [rule('Deny'), WEB] })]), []);
});

test('rules that were replaced look into no set any more', (t) => {
  const state = started();
  apply(state, [policy(FRIENDS)]);
  t.deepEqual(apply(state, [delta('s:others', ['10.3.0.2/32'], [])]), []);
  t.deepEqual(apply(state, [delta('s:friends', [], ['10.1.0.0/24'])]), SECOND);
});

test('suspects stay until they are acquitted, or gone', (t) => {
  const state = new PolicedState(IP_FAMILIES);
  for (const update of START) state.onUpdate(update);
  state.completeDeferredWork();
  state.completeDeferredWork();
  t.is(state.suspects.size, 3);
  state.acquit([address('10.65.0.1')]);
  state.onUpdate({ type: 'workload-endpoint-remove', id: endpointId('second') });
  state.completeDeferredWork();
  t.deepEqual([...state.suspects], [address('fd65::1')]);
});

test('suspectAll() puts everybody under suspicion', (t) => {
  const state = started();
  state.suspectAll();
  t.deepEqual([...state.suspects].sort(), BOTH);
});

test('endpointAt() knows active endpoints that have their address, in families that are enforced', (t) => {
  const state = new PolicedState([4]);
  apply(state, [
    ...START,
    endpoint('down', 'cali3', { addresses: [address('10.65.0.3')], active: false }),
    endpoint('zz-late', 'cali4', { addresses: [address('10.65.0.1')] }),
  ]);
  t.is(state.endpointAt(address('10.65.0.1'))?.id, endpointId('first'));
  for (const other of ['fd65::1', '10.65.0.3', '10.65.0.4'])
    t.is(state.endpointAt(address(other)), undefined, other);
});
