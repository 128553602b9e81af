/**
 * How a change of sessions loses no packet (DESIGN.md): which sessions and routes the daemon is to have at
 * which moment. Pure, from models and times.
 */
import test from 'ava';
import { SessionHandover } from '../../../src/agent/bgp/session-handover.js';
import type { BgpModel, BgpSession } from '../../../src/topology/bgp-model.js';
import { modelOf } from '../../topology/session-text.js';
import { address, type NetworkText } from '../../topology/topology-fixture.js';

const NODES = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.3/24' } };
const REFLECTED: NetworkText = {
  nodes: NODES,
  reflectors: { rr: { v4: '10.0.0.9', cluster: '1.0.0.1' } },
  bgp: { default: { nodeToNodeMeshEnabled: false } },
};
const NOTHING: BgpModel = { ...modelOf('a', { nodes: NODES }), sessions: [] };
const mesh = modelOf('a', { nodes: NODES });
const reflected = modelOf('a', REFLECTED);

/** Peers of sessions that are in no model any more. */
const names = (handover: SessionHandover) => handover.over(NOTHING).sessions.map(({ peerName }) => peerName);

test('old sessions stay until the new ones have been up for ten seconds', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflected, 0);
  t.deepEqual(names(handover), ['b', 'c']);
  t.false(handover.observe([], 1_000));
  t.false(handover.observe(reflected.sessions, 2_000));
  t.false(handover.observe(reflected.sessions, 11_999));
  t.deepEqual(names(handover), ['b', 'c']);
  t.true(handover.observe(reflected.sessions, 12_000));
  t.deepEqual(names(handover), []);
});

test('a new session that goes down again starts the wait anew', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflected, 0);
  handover.observe(reflected.sessions, 1_000);
  handover.observe([], 5_000);
  handover.observe(reflected.sessions, 6_000);
  t.false(handover.observe(reflected.sessions, 15_000));
  t.true(handover.observe(reflected.sessions, 16_000));
});

test('old sessions are given up after forty seconds, whatever the new ones do', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflected, 0);
  t.false(handover.observe([], 39_999));
  t.true(handover.observe([], 40_000));
});

test('nothing is held when nothing comes in its place, nor for a host that leaves BGP', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, modelOf('a', { nodes: { a: NODES.a, b: NODES.b } }), 0);
  t.deepEqual(names(handover), []);
  handover.replace(mesh, reflected, 0);
  handover.replace(reflected, undefined, 1);
  t.deepEqual(names(handover), []);
});

test('a session with a foreign peer ends at once', (t) => {
  const handover = new SessionHandover();
  const before = modelOf('a', {
    nodes: { a: NODES.a },
    peers: { tor: { peerIP: '10.0.0.254', asNumber: 65001 } },
  });
  handover.replace(before, reflected, 0);
  t.deepEqual(names(handover), []);
});

test('a session that is wanted again is held no longer, and what is held meets no second model of itself', (t) => {
  const handover = new SessionHandover();
  const replace = (before: BgpModel, after: BgpModel, now: number) => handover.replace(before, after, now);
  replace(mesh, reflected, 0);
  replace(reflected, mesh, 1_000);
  t.deepEqual(names(handover), ['rr']);
  handover.observe(mesh.sessions, 2_000);
  t.true(handover.observe(mesh.sessions, 12_000));
});

const REFLECTING: NetworkText = {
  nodes: { ...NODES, b: { ...NODES.b, cluster: '1.0.0.1', labels: { rr: 'yes' } } },
  bgp: { default: { nodeToNodeMeshEnabled: false } },
  peers: { reflectors: { nodeSelector: 'all()', peerSelector: 'has(rr)' } },
};
const reflecting = modelOf('a', REFLECTING);

/** What the daemon is to have: a session a word, and whether routes are kept. */
function daemonHas(handover: SessionHandover, model: BgpModel): string {
  const sessions = handover.over(model).sessions.map(({ origin, peerName }) => `${origin}_${peerName}`);
  return [...sessions, ...(handover.keepsRoutes ? ['routes'] : [])].join(' ');
}

test('a session that is to be another one goes on for five seconds, and routes are kept until the new ones stand', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflecting, 0);
  const at = (now: number, up: readonly BgpSession[]) => [
    handover.observe(up, now),
    daemonHas(handover, reflecting),
  ];
  t.is(daemonHas(handover, reflecting), 'Mesh_b Mesh_c routes');
  // What is seen to be up is still the old session.
  t.deepEqual(at(4_999, reflecting.sessions), [false, 'Mesh_b Mesh_c routes']);
  t.deepEqual(at(5_000, reflecting.sessions), [true, 'Node_b Mesh_c routes']);
  t.deepEqual(at(6_000, []), [false, 'Node_b Mesh_c routes']);
  t.deepEqual(at(7_000, reflecting.sessions), [false, 'Node_b Mesh_c routes']);
  t.deepEqual(at(16_999, reflecting.sessions), [false, 'Node_b Mesh_c routes']);
  t.deepEqual(at(17_000, reflecting.sessions), [true, 'Node_b']);
  t.true(handover.isOver);
});

test('routes are kept no longer than forty seconds, whatever the new sessions do', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflecting, 0);
  handover.observe([], 39_999);
  t.is(daemonHas(handover, reflecting), 'Node_b Mesh_c routes');
  t.true(handover.observe([], 40_000));
  t.is(daemonHas(handover, reflecting), 'Node_b');
});

test('a change that is taken back before the session was exchanged leaves it as it was', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflecting, 0);
  handover.replace(reflecting, mesh, 1_000);
  t.is(daemonHas(handover, mesh), 'Mesh_b Mesh_c routes');
  handover.observe(mesh.sessions, 2_000);
  t.true(handover.observe(mesh.sessions, 12_000));
  t.true(handover.isOver);
});

test('a session whose peer goes away while it waits to be exchanged is held as it is', (t) => {
  const handover = new SessionHandover();
  handover.replace(mesh, reflecting, 0);
  handover.replace(reflecting, reflected, 1_000);
  t.is(daemonHas(handover, reflected), 'Node_rr Mesh_c Mesh_b routes');
});

test('a model of another host name, and other filters, exchange no session', (t) => {
  const handover = new SessionHandover();
  const sessions = mesh.sessions.map((each) => ({ ...each, peerName: 'other', filters: ['f'] }));
  handover.replace(mesh, { ...mesh, sessions }, 0);
  t.true(handover.isOver);
});

for (const [what, change] of [
  ['AS number', { peerAs: 65_001 }],
  ['AS number of ours', { localAs: 65_001 }],
  ['password', { password: { file: 'other' } }],
  ['hold time', { keepaliveSeconds: 5 }],
  ['cluster', { reflectsFor: address('1.0.0.1') }],
  ['TTL', { ttlSecurity: 1 }],
] as const) {
  test(`a session with another ${what} is another one`, (t) => {
    const handover = new SessionHandover();
    const changed = { ...mesh, sessions: mesh.sessions.map((each) => ({ ...each, ...change })) };
    handover.replace(mesh, changed, 0);
    t.deepEqual(handover.over(changed).sessions, mesh.sessions);
    t.true(handover.observe([], 5_000));
    t.deepEqual(handover.over(changed).sessions, changed.sessions);
  });
}

test('old sessions find the filters that they name', (t) => {
  const handover = new SessionHandover();
  const filters = [{ name: 'old', spec: undefined }];
  handover.replace({ ...mesh, filters }, reflecting, 0);
  t.deepEqual(handover.over(reflecting).filters, filters);
  t.deepEqual(new SessionHandover().over(reflecting).filters, []);
});
