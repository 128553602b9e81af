/**
 * What the graph tells the dataplane, message by message and in an order in which nothing is missing that is
 * referred to. Named states and expectations by hand; calc-graph-law.test.ts has the random ones.
 */
import test from 'ava';
import { type CalcGraph, createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import { selectorSet, tagSet } from '../../../src/agent/calc/ip-set-definition.js';
import type { Resource } from '../../../src/model/resource.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import { cidr, resource, selector, storedId, workload } from '../../helpers/build-resources.js';
import { State, updatesBetween } from '../../states/state.js';
import {
  inactive,
  localEndpoint,
  localEndpointWithProfile,
  negatedSets,
  networkSet,
  noBgp,
  oneFamilyRules,
  policed,
  remoteEndpoint,
  sharedAddress,
  sharedAddressLeft,
} from '../../states/states.js';

function graphAt(state: State): CalcGraph {
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  move(graph, State.empty, state);
  return graph;
}

function move(graph: CalcGraph, from: State, to: State): void {
  for (const update of updatesBetween(from, to)) graph.onUpdate(update);
}

function put(graph: CalcGraph, resource: Resource): void {
  graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
}

test('the first flush tells of settings, and that there is no BGP, even when the store is empty', (t) => {
  t.deepEqual(
    graphAt(State.empty)
      .flush()
      .map(({ type }) => type),
    ['settings-update', 'bgp-update'],
  );
});

test('a flush tells first what others refer to', (t) => {
  t.deepEqual(
    graphAt(policed)
      .flush()
      .map(({ type }) => type),
    [
      'settings-update',
      'ip-set-update',
      'ip-set-update',
      'policy-update',
      'profile-update',
      'workload-endpoint-update',
      'workload-endpoint-update',
      'bgp-update',
    ],
  );
});

test('a flush removes last what others referred to', (t) => {
  const graph = graphAt(policed);
  graph.flush();
  move(graph, policed, State.empty);
  t.deepEqual(
    graph.flush().map(({ type }) => type),
    [
      'workload-endpoint-remove',
      'workload-endpoint-remove',
      'profile-remove',
      'policy-remove',
      'ip-set-remove',
      'ip-set-remove',
    ],
  );
});

test('an endpoint whose profile does not exist is told with the profile as missing', (t) => {
  const messages = graphAt(localEndpoint).flush();
  t.deepEqual(
    messages.find(({ type }) => type === 'profile-update'),
    { type: 'profile-update', name: 'web', rules: { ingress: [], egress: [] }, missing: true },
  );
  t.like(
    messages.find(({ type }) => type === 'workload-endpoint-update'),
    {
      endpoint: {
        id: 'WorkloadEndpoint/host-1/heddle/w1/eth0',
        interfaceName: 'caliw1',
        addresses: ['10.65.0.1', 'fd00:65::1'],
        active: true,
        ingress: { tiers: [], profiles: ['web'], default: 'Deny' },
        egress: { tiers: [], profiles: ['web'], default: 'Deny' },
      },
    },
  );
});

test('a rule by tag becomes a rule by set, and the set holds both families', (t) => {
  const messages = graphAt(localEndpointWithProfile).flush();
  const { id } = tagSet('web');
  t.deepEqual(messages[1], {
    type: 'ip-set-update',
    id,
    setType: 'hash:ip',
    members: new Set(['10.65.0.1/32', 'fd00:65::1/128']),
  } as unknown);
  t.like(messages[2], { rules: { ingress: [{ action: 'Allow', source: { sets: [id], notSets: [] } }] } });
});

test('an endpoint of another host is told as members only', (t) => {
  const graph = graphAt(localEndpointWithProfile);
  graph.flush();
  const remote = workload('r1', { node: 'host-2', addresses: ['10.65.1.1'], profiles: ['web'] });
  put(graph, remote);
  t.deepEqual(graph.flush(), [
    { type: 'ip-set-delta', id: tagSet('web').id, added: ['10.65.1.1/32'], removed: [] },
  ] as unknown[]);
});

test('an address that two endpoints share leaves the set with the second of them', (t) => {
  const graph = graphAt(sharedAddress);
  graph.flush();
  move(graph, sharedAddress, sharedAddressLeft);
  t.deepEqual(graph.flush(), [
    { type: 'ip-set-delta', id: tagSet('web').id, added: [], removed: ['fd00:65:1::1/128'] },
  ] as unknown[]);
});

test('what changes back before a flush is not told', (t) => {
  const graph = graphAt(remoteEndpoint);
  graph.flush();
  move(graph, remoteEndpoint, networkSet);
  move(graph, networkSet, noBgp);
  move(graph, noBgp, remoteEndpoint);
  t.deepEqual(graph.flush(), []);
});

test('a set that a network set joins is told by what is new', (t) => {
  const graph = graphAt(negatedSets);
  graph.flush();
  move(graph, negatedSets, networkSet);
  const added = ['10.65.1.1/32', '2001:db8::/32', '203.0.113.0/24'];
  t.deepEqual(
    graph.flush(),
    [
      { type: 'ip-set-delta', id: selectorSet(selector('has(role)')).id, added, removed: [] },
      {
        type: 'ip-set-delta',
        id: selectorSet(selector("role != 'db'")).id,
        added: added.slice(1),
        removed: [],
      },
    ].sort((a, b) => (a.id < b.id ? -1 : 1)) as unknown[],
  );
});

test('an inactive endpoint is told as such, and stays a member', (t) => {
  const messages = graphAt(inactive).flush();
  t.like(
    messages.find((message) => message.type === 'workload-endpoint-update'),
    { endpoint: { active: false } },
  );
  const members = messages.flatMap((message) =>
    message.type === 'ip-set-update' ? [...message.members] : [],
  );
  t.true(members.some((member) => String(member) === '10.65.0.1/32'));
});

test('a rule for one family says so, and a rule for none is left out', (t) => {
  const update = graphAt(oneFamilyRules)
    .flush()
    .find((message) => message.type === 'policy-update');
  t.deepEqual(
    update?.rules.ingress.map(({ family }) => family),
    [4, 6, undefined, 6],
  );
});

test('an object that cannot be read is as if gone, and named until it can be read again', (t) => {
  const graph = graphAt(localEndpointWithProfile);
  graph.flush();
  const profile = [...localEndpointWithProfile.objects.values()].find(({ kind }) => kind === 'Profile');
  if (profile?.kind !== 'Profile') throw new Error('no profile');
  const id = storedId(profile);
  graph.onUpdate({ id, kind: 'Profile', resource: undefined, problem: 'not JSON' });
  t.like(
    graph.flush().find((message) => message.type === 'profile-update'),
    { missing: true },
  );
  t.deepEqual([...graph.problems()], [[id, 'not JSON']]);
  put(graph, profile);
  t.deepEqual([...graph.problems()], []);
});

test('an endpoint without an interface is not told, and named as a problem', (t) => {
  const graph = graphAt(State.empty);
  const endpoint = workload('w1', {});
  const { interfaceName: _, ...spec } = endpoint.spec;
  put(graph, { ...endpoint, spec });
  t.false(graph.flush().some(({ type }) => type === 'workload-endpoint-update'));
  t.deepEqual([...graph.problems().keys()], [storedId(endpoint)]);
  put(graph, endpoint);
  t.true(graph.flush().some(({ type }) => type === 'workload-endpoint-update'));
  t.is(graph.problems().size, 0);
});

test('objects of kinds that the graph has no use for change nothing', (t) => {
  const graph = graphAt(State.empty);
  graph.flush();
  put(graph, resource('IPReservation', 'gateway', { reservedCIDRs: [cidr('10.65.0.1/32')] }));
  t.deepEqual(graph.flush(), []);
});
