/** Who learns whose routes, topology by topology, and what a change of topology takes away. */
import test from 'ava';
import { membersOf } from '../../../src/model/bitset.js';
import { bgpImpact } from '../../../src/topology/propagation/bgp-impact.js';
import {
  impactLines,
  isWithoutImpact,
  summarizeImpact,
} from '../../../src/topology/propagation/describe-impact.js';
import { propagate } from '../../../src/topology/propagation/propagate.js';
import { network as cidr, type NetworkText, topologyInput } from '../topology-fixture.js';

const POOL = '10.65.0.0/16';
const NO_MESH = { default: { nodeToNodeMeshEnabled: false } };
const node = (number: number, more: object = {}) => ({ v4: `10.0.0.${number}/24`, ...more });
const ABC = { a: node(1), b: node(2), c: node(3) };

/** `a: b c`: a learns the routes of b and c. */
function learns(network: NetworkText, of = POOL): readonly string[] {
  const { network: linked, learned } = propagate(topologyInput({ pools: { [POOL]: {} }, ...network }));
  const names = linked.speakers.map(({ name }) => name);
  const known = new Map(names.map((name) => [name, [] as string[]]));
  for (const [origin, learners] of learned.get(cidr(of)) ?? [])
    for (const place of membersOf(learners)) known.get(names[place] ?? '')?.push(names[origin] ?? '');
  return [...known].map(([name, others]) => `${name}: ${others.sort().join(' ')}`.trim());
}

const learning = test.macro({
  exec(t, network: NetworkText, expected: readonly string[]) {
    t.deepEqual(learns(network), expected);
  },
  title: (title) => `propagate(): ${title}`,
});

test('in a full mesh everybody learns from everybody', learning, { nodes: ABC }, [
  'a: b c',
  'b: a c',
  'c: a b',
]);
test('without sessions nobody learns anything', learning, { nodes: ABC, bgp: NO_MESH }, ['a:', 'b:', 'c:']);
test(
  'a mesh of systems is told nothing that came through it, and needs no telling',
  learning,
  { nodes: { a: node(1, { as: 65001 }), b: node(2, { as: 65002 }), c: node(3, { as: 65003 }) } },
  ['a: b c', 'b: a c', 'c: a b'],
);
test(
  'a chain of iBGP sessions passes nothing on',
  learning,
  {
    nodes: ABC,
    bgp: NO_MESH,
    peers: { p: { node: 'a', peerIP: '10.0.0.2' }, q: { node: 'b', peerIP: '10.0.0.3' } },
  },
  ['a: b', 'b: a c', 'c: b'],
);
test(
  'a chain of eBGP sessions passes everything on',
  learning,
  {
    nodes: { a: node(1, { as: 65001 }), b: node(2, { as: 65002 }), c: node(3, { as: 65003 }) },
    bgp: NO_MESH,
    peers: { p: { node: 'a', peerIP: '10.0.0.2' }, q: { node: 'b', peerIP: '10.0.0.3' } },
  },
  ['a: b c', 'b: a c', 'c: a b'],
);
const SAME_ENDS: NetworkText = {
  nodes: { a: node(1, { as: 65001 }), b: node(2, { as: 65002 }), c: node(3, { as: 65001 }) },
  bgp: NO_MESH,
  peers: { p: { node: 'a', peerIP: '10.0.0.2' }, q: { node: 'b', peerIP: '10.0.0.3' } },
};
test('an AS refuses what has passed through it', learning, SAME_ENDS, ['a: b', 'b: a c', 'c: b']);
test(
  'an AS that allows its own number once takes it',
  learning,
  {
    ...SAME_ENDS,
    peers: {
      p: { node: 'a', peerIP: '10.0.0.2', numAllowedLocalASNumbers: 1 },
      q: { node: 'b', peerIP: '10.0.0.3', numAllowedLocalASNumbers: 1 },
    },
  },
  ['a: b c', 'b: a c', 'c: a b'],
);
test(
  'a reflector passes on what its clients say',
  learning,
  { nodes: ABC, bgp: NO_MESH, reflectors: { rr: { v4: '10.0.0.11', cluster: '1.0.0.1' } } },
  ['a: b c', 'b: a c', 'c: a b', 'rr: a b c'],
);
const RACKS = { a: node(1, { labels: { rack: 'x' } }), b: node(2, { labels: { rack: 'y' } }) };
const reflectorsOf = (clusterX: string, clusterY: string): NetworkText => ({
  nodes: RACKS,
  bgp: NO_MESH,
  reflectors: {
    rx: { v4: '10.0.0.11', cluster: clusterX, clients: "rack == 'x'" },
    ry: { v4: '10.0.0.12', cluster: clusterY, clients: "rack == 'y'" },
  },
});
test('reflectors of two clusters join their racks', learning, reflectorsOf('1.0.0.1', '1.0.0.2'), [
  'a: b',
  'b: a',
  'rx: a b',
  'ry: a b',
]);
test(
  'reflectors of one cluster with clients of their own cut the racks apart',
  learning,
  reflectorsOf('1.0.0.1', '1.0.0.1'),
  ['a:', 'b:', 'rx: a', 'ry: b'],
);
test(
  'a session whose ends do not agree carries nothing',
  learning,
  {
    nodes: ABC,
    bgp: { ...NO_MESH, 'node.a': { nodeMeshPassword: { file: 'x' } } },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', asNumber: 65009, reversePeering: 'Manual' } },
  },
  ['a:', 'b:', 'c:'],
);
test(
  'a filter that refuses what it announces keeps it in',
  learning,
  {
    nodes: ABC,
    bgp: NO_MESH,
    filters: { shut: { exportV4: [{ action: 'Reject' }] } },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', filters: ['shut'] }, q: { node: 'b', peerIP: '10.0.0.3' } },
  },
  ['a:', 'b: c', 'c: b'],
);
test(
  'a peer at one end meets the mesh at the other',
  learning,
  {
    nodes: { a: node(1), b: node(2) },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', reversePeering: 'Manual' } },
  },
  ['a: b', 'b: a'],
);
test(
  'a pool that is kept out of BGP is learned by nobody',
  learning,
  { nodes: ABC, pools: { [POOL]: { disableBGPExport: true } } },
  ['a:', 'b:', 'c:'],
);

test('propagate() tells parts of a pool apart that a filter looks at', (t) => {
  const network: NetworkText = {
    nodes: { a: node(1), b: node(2) },
    bgp: NO_MESH,
    filters: { half: { exportV4: [{ action: 'Reject', cidr: cidr('10.65.0.0/17') }] } },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', filters: ['half'] } },
  };
  t.deepEqual(learns(network), ['a: b', 'b: a']);
  t.deepEqual(learns(network, '10.65.0.0/17'), ['a:', 'b:']);
});

test('arrivals() tells over which hosts a route comes', (t) => {
  const { network, destinations, arrivals } = propagate(
    topologyInput({ pools: { [POOL]: {} }, ...reflectorsOf('1.0.0.1', '1.0.0.2') }),
  );
  const [destination] = destinations(0);
  t.truthy(destination);
  if (!destination) return;
  const way: string[] = [];
  for (let here = arrivals(0, destination).get(1); here; here = here.before)
    way.unshift(network.speakers[here.at]?.name ?? '');
  t.deepEqual(way, ['a', 'rx', 'ry', 'b']);
});

test('bgpImpact() of a mesh that is turned off: all sessions and all routes are lost', (t) => {
  const mesh: NetworkText = { nodes: ABC, pools: { [POOL]: {} } };
  const { sessions, routes } = bgpImpact(topologyInput(mesh), topologyInput({ ...mesh, bgp: NO_MESH }));
  t.is(sessions.lost.count, 3);
  t.deepEqual(sessions.lost.shown[0], { hosts: ['a', 'b'], family: 4 });
  t.is(sessions.gained.count, 0);
  t.is(routes.lost.count, 6);
  t.deepEqual(routes.gained, { count: 0, shown: [] });
});

test('bgpImpact() takes hosts for cut off unless both have a session with a router outside', (t) => {
  const mesh: NetworkText = { nodes: ABC, pools: { [POOL]: {} } };
  const tor = { peerIP: '10.0.0.254', asNumber: 65000 };
  const impact = (peers: NonNullable<NetworkText['peers']>) =>
    bgpImpact(topologyInput({ ...mesh, peers }), topologyInput({ ...mesh, peers, bgp: NO_MESH }));
  const allUp = impact({ tor });
  t.is(allUp.routes.lost.count, 6);
  t.deepEqual(allUp.routes.cutOff, { count: 0, shown: [] });
  t.regex(
    impactLines(allUp).find(({ mark }) => mark === '!')?.text ?? '',
    /^6 lost routes: both hosts have a session with a router outside/,
  );
  const twoUp = impact({ a: { ...tor, node: 'a' }, b: { ...tor, node: 'b' } });
  t.is(twoUp.routes.cutOff.count, 4);
  t.true(twoUp.routes.cutOff.shown.every(({ from, to }) => [...from, ...to].includes('c')));
});

test('bgpImpact() names sessions with routers outside, and one with another AS number is another', (t) => {
  const mesh: NetworkText = { nodes: { a: node(1), b: node(2) }, pools: { [POOL]: {} } };
  const tor = (asNumber: number): NetworkText => ({
    ...mesh,
    peers: { tor: { node: 'a', peerIP: '10.0.0.254', asNumber } },
  });
  const impact = bgpImpact(topologyInput(tor(65000)), topologyInput(tor(65001)));
  t.deepEqual(
    impactLines(impact).map(({ mark, text }) => `${mark} ${text}`),
    ['- session a - tor (10.0.0.254, AS 65000)', '+ session a - tor (10.0.0.254, AS 65001)'],
  );
  t.is(summarizeImpact(impact), 'BGP: 1 session gained, 1 session lost');
  t.true(isWithoutImpact(bgpImpact(topologyInput(tor(65000)), topologyInput(tor(65000)))));
  t.false(isWithoutImpact(bgpImpact(topologyInput(tor(65000)), topologyInput(mesh))));
});

test('bgpImpact() of a host that is added and a pool that goes: sessions are news, routes are not', (t) => {
  const before: NetworkText = {
    nodes: { a: node(1), b: node(2) },
    pools: { [POOL]: {}, '10.66.0.0/16': {} },
  };
  const after: NetworkText = { nodes: ABC, pools: { [POOL]: {} } };
  const { sessions, routes } = bgpImpact(topologyInput(before), topologyInput(after));
  t.is(sessions.gained.count, 2);
  t.is(sessions.lost.count, 0);
  t.deepEqual([routes.gained.count, routes.lost.count], [0, 0]);
});

test('bgpImpact() puts hosts that lose the same routes into one group', (t) => {
  const { routes } = bgpImpact(
    topologyInput({ pools: { [POOL]: {} }, ...reflectorsOf('1.0.0.1', '1.0.0.2') }),
    topologyInput({ pools: { [POOL]: {} }, ...reflectorsOf('1.0.0.1', '1.0.0.1') }),
  );
  t.deepEqual(routes.lost, {
    count: 2,
    shown: [
      { network: cidr(POOL), from: ['a'], to: ['b'] },
      { network: cidr(POOL), from: ['b'], to: ['a'] },
    ],
  });
});

test('bgpImpact() names sessions that cannot come up, and why', (t) => {
  const before = topologyInput({ nodes: ABC, pools: { [POOL]: {} } });
  const after = topologyInput({
    nodes: ABC,
    pools: { [POOL]: {} },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', reversePeering: 'Manual', asNumber: 65009 } },
  });
  t.deepEqual(bgpImpact(before, after).broken, [
    'a - b (10.0.0.2): AS 64512 expects AS 65009, the other end is AS 64512 and expects AS 64512',
  ]);
});
