import test from 'ava';
import { SessionHandover } from '../../../src/agent/bgp/session-handover.js';
import type { BgpModel } from '../../../src/topology/bgp-model.js';
import { modelOf } from '../../topology/session-text.js';
import type { NetworkText } from '../../topology/topology-fixture.js';

const NODES = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.3/24' } };
const REFLECTED: NetworkText = {
  nodes: NODES,
  reflectors: { rr: { v4: '10.0.0.9', cluster: '1.0.0.1' } },
  bgp: { default: { nodeToNodeMeshEnabled: false } },
};
const mesh = modelOf('a', { nodes: NODES });
const reflected = modelOf('a', REFLECTED);

const names = (handover: SessionHandover) => handover.held.map(({ peerName }) => peerName);

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
