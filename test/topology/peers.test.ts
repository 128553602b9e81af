/** What a BGPPeer means for both of its ends, however several overlap: a table of small networks. */
import test from 'ava';
import { sessionsOf } from './session-text.js';
import type { NetworkText } from './topology-fixture.js';

const NO_MESH = { default: { nodeToNodeMeshEnabled: false } };
const A = { v4: '10.0.0.1/24', labels: { rack: 'r1' } };
const B = { v4: '10.0.0.2/24', labels: { rack: 'r1' } };
const C = { v4: '10.0.0.3/24', labels: { rack: 'r2' } };

const peering = test.macro({
  exec(t, network: NetworkText, expected: Readonly<Record<string, readonly string[]>>) {
    t.deepEqual(sessionsOf({ bgp: NO_MESH, ...network }, Object.keys(expected)), expected);
  },
  title: (title) => `BGPPeer: ${title}`,
});

test(
  'without node and nodeSelector every node peers with the address',
  peering,
  { nodes: { a: A, b: B }, peers: { tor: { peerIP: '10.0.0.254', asNumber: 65001 } } },
  {
    a: ['Global 64512@10.0.0.1 -> 65001@10.0.0.254:179'],
    b: ['Global 64512@10.0.0.2 -> 65001@10.0.0.254:179'],
  },
);
test(
  'with node that node alone peers, with nodeSelector those that it selects',
  peering,
  {
    nodes: { a: A, b: B, c: C },
    peers: {
      one: { node: 'a', peerIP: '10.0.0.254', asNumber: 65001 },
      some: { nodeSelector: "rack == 'r2'", peerIP: '10.0.0.253', asNumber: 65002 },
    },
  },
  {
    a: ['Node 64512@10.0.0.1 -> 65001@10.0.0.254:179'],
    b: [],
    c: ['Node 64512@10.0.0.3 -> 65002@10.0.0.253:179'],
  },
);
test(
  'comes in addition to the mesh',
  peering,
  { bgp: {}, nodes: { a: A, b: B }, peers: { tor: { node: 'a', peerIP: '10.0.0.254', asNumber: 65001 } } },
  {
    a: ['Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive', 'Node 64512@10.0.0.1 -> 65001@10.0.0.254:179'],
    b: ['Mesh 64512@10.0.0.2 -> 64512@10.0.0.1:179'],
  },
);
test(
  'takes the place of the mesh session with the same node',
  peering,
  { bgp: {}, nodes: { a: A, b: B }, peers: { p: { node: 'a', peerIP: '10.0.0.2', asNumber: 64512 } } },
  {
    a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive'],
    b: ['Node 64512@10.0.0.2 -> 64512@10.0.0.1:179'],
  },
);
test(
  'makes both ends when the address is a node, and needs no AS number then',
  peering,
  {
    nodes: { a: { ...A, as: 65001 }, b: { ...B, as: 65002 } },
    peers: { p: { node: 'b', peerIP: '10.0.0.1' } },
  },
  {
    a: ['Node 65001@10.0.0.1 -> 65002@10.0.0.2:179 passive'],
    b: ['Node 65002@10.0.0.2 -> 65001@10.0.0.1:179'],
  },
);
test(
  'with peerSelector peers with all that it selects, in every family that both have',
  peering,
  {
    nodes: { a: { ...A, v6: 'fd00::1/64' }, b: { ...B, v6: 'fd00::2/64' }, c: C },
    peers: { p: { nodeSelector: "rack == 'r1'", peerSelector: 'all()' } },
  },
  {
    a: [
      'Node 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive',
      'Node 64512@10.0.0.1 -> 64512@10.0.0.3:179 passive',
      'Node 64512@fd00::1 -> 64512@fd00::2:179 passive',
    ],
    b: [
      'Node 64512@10.0.0.2 -> 64512@10.0.0.1:179',
      'Node 64512@10.0.0.2 -> 64512@10.0.0.3:179 passive',
      'Node 64512@fd00::2 -> 64512@fd00::1:179',
    ],
    c: ['Node 64512@10.0.0.3 -> 64512@10.0.0.1:179', 'Node 64512@10.0.0.3 -> 64512@10.0.0.2:179'],
  },
);
test(
  'with reversePeering Manual makes our end only, which dials',
  peering,
  {
    nodes: { a: A, b: B },
    peers: { p: { node: 'a', peerSelector: "rack == 'r1'", reversePeering: 'Manual' } },
  },
  { a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.2:179'], b: [] },
);
test(
  'with reversePeering Manual on both nodes has one passive end all the same',
  peering,
  {
    nodes: { a: A, b: B },
    peers: { p: { nodeSelector: 'all()', peerSelector: 'all()', reversePeering: 'Manual' } },
  },
  {
    a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive'],
    b: ['Node 64512@10.0.0.2 -> 64512@10.0.0.1:179'],
  },
);
test(
  'localASNumber is ours and asNumber theirs, at both ends',
  peering,
  {
    nodes: { a: A, b: B },
    peers: { p: { node: 'a', peerIP: '10.0.0.2', asNumber: 65002, localASNumber: 65001 } },
  },
  {
    a: ['Node 65001@10.0.0.1 -> 65002@10.0.0.2:179 passive'],
    b: ['Node 65002@10.0.0.2 -> 65001@10.0.0.1:179'],
  },
);
test(
  'between nodes that are on both sides, the one whose name comes first asks',
  peering,
  {
    nodes: { a: A, b: B },
    peers: { p: { peerSelector: 'all()', nodeSelector: 'all()', asNumber: 65002, localASNumber: 65001 } },
  },
  {
    a: ['Node 65001@10.0.0.1 -> 65002@10.0.0.2:179 passive'],
    b: ['Node 65002@10.0.0.2 -> 65001@10.0.0.1:179'],
  },
);
test(
  'dials the port of peerIP; a node at the port that it listens on, anybody else at 179',
  peering,
  {
    bgp: { default: { nodeToNodeMeshEnabled: false, listenPort: 1790 } },
    nodes: { a: A, b: B },
    peers: {
      node: { node: 'a', peerIP: '10.0.0.2' },
      'node-too': { node: 'a', peerIP: '10.0.0.2:1790' },
      tor: { node: 'a', peerIP: '10.0.0.254', asNumber: 65001 },
      'tor-too': { node: 'a', peerIP: '10.0.0.254:1791', asNumber: 65001 },
    },
  },
  {
    a: [
      'Node 64512@10.0.0.1 -> 64512@10.0.0.2:1790 passive',
      'Node 64512@10.0.0.1 -> 65001@10.0.0.254:179',
      'Node 64512@10.0.0.1 -> 65001@10.0.0.254:1791',
    ],
    b: ['Node 64512@10.0.0.2 -> 64512@10.0.0.1:1790'],
  },
);
test(
  "at another port of a node is somebody else's daemon",
  peering,
  { nodes: { a: A, b: B }, peers: { p: { node: 'a', peerIP: '10.0.0.2:1790', asNumber: 65001 } } },
  { a: ['Node 64512@10.0.0.1 -> 65001@10.0.0.2:1790'], b: [] },
);
test(
  'that overlap are one session, as the most specific one says',
  peering,
  {
    nodes: { a: A },
    peers: {
      all: { peerIP: '10.0.0.254', asNumber: 65003 },
      rack: { nodeSelector: "rack == 'r1'", peerIP: '10.0.0.254', asNumber: 65002 },
      z: { node: 'a', peerIP: '10.0.0.254:179', asNumber: 65001 },
    },
  },
  { a: ['Node 64512@10.0.0.1 -> 65001@10.0.0.254:179'] },
);
test(
  'nobody peers with itself, by address or by selector',
  peering,
  {
    nodes: { a: A },
    peers: {
      address: { peerIP: '10.0.0.1' },
      port: { peerIP: '10.0.0.1:1790', asNumber: 65001 },
      selector: { nodeSelector: 'all()', peerSelector: 'all()' },
    },
  },
  { a: [] },
);
test(
  'there is no session in a family that the node does not have, nor without knowing the AS number',
  peering,
  {
    nodes: { a: A },
    peers: { six: { peerIP: 'fd00::254', asNumber: 65001 }, unknown: { peerIP: '10.0.0.254' } },
  },
  { a: [] },
);
