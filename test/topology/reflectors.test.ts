/**
 * Who is whose client, and what is left of the mesh, with RouteReflectors and with Nodes that reflect: a
 * table of small networks.
 */
import test from 'ava';
import { modelOf, sessionsOf } from './session-text.js';
import type { NetworkText } from './topology-fixture.js';

const NO_MESH = { default: { nodeToNodeMeshEnabled: false } };
const A = { v4: '10.0.0.1/24', labels: { rack: 'r1' } };
const B = { v4: '10.0.0.2/24', labels: { rack: 'r2' } };
const RR1 = { v4: '10.0.0.11', cluster: '1.0.0.1' };
const RR2 = { v4: '10.0.0.12', cluster: '1.0.0.2' };

const reflecting = test.macro({
  exec(t, network: NetworkText, expected: Readonly<Record<string, readonly string[]>>) {
    t.deepEqual(sessionsOf({ bgp: NO_MESH, ...network }, Object.keys(expected)), expected);
  },
  title: (title) => `reflection: ${title}`,
});

test(
  'every node is the client of a RouteReflector, in both families',
  reflecting,
  { nodes: { a: A, b: { ...B, v6: 'fd00::2/64' } }, reflectors: { rr: { ...RR1, v6: 'fd00::11' } } },
  {
    a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive'],
    b: [
      'Node 64512@10.0.0.2 -> 64512@10.0.0.11:179 passive',
      'Node 64512@fd00::2 -> 64512@fd00::11:179 passive',
    ],
    rr: [
      'Node 64512@10.0.0.11 -> 64512@10.0.0.1:179 client of 1.0.0.1',
      'Node 64512@10.0.0.11 -> 64512@10.0.0.2:179 client of 1.0.0.1',
      'Node 64512@fd00::11 -> 64512@fd00::2:179 client of 1.0.0.1',
    ],
  },
);
test(
  'clientSelector says which nodes are clients',
  reflecting,
  { nodes: { a: A, b: B }, reflectors: { rr: { ...RR1, clients: "rack == 'r1'" } } },
  {
    a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive'],
    b: [],
    rr: ['Node 64512@10.0.0.11 -> 64512@10.0.0.1:179 client of 1.0.0.1'],
  },
);
test(
  'RouteReflectors of unlike clusters mesh as non-clients, those of one cluster do not',
  reflecting,
  { reflectors: { r1: RR1, r2: RR2, r3: { v4: '10.0.0.13', cluster: '1.0.0.2' } } },
  {
    r1: [
      'Mesh 64512@10.0.0.11 -> 64512@10.0.0.12:179 passive',
      'Mesh 64512@10.0.0.11 -> 64512@10.0.0.13:179 passive',
    ],
    r2: ['Mesh 64512@10.0.0.12 -> 64512@10.0.0.11:179'],
    r3: ['Mesh 64512@10.0.0.13 -> 64512@10.0.0.11:179'],
  },
);
test(
  'a RouteReflector leaves the mesh of nodes as it is',
  reflecting,
  { bgp: {}, nodes: { a: A, b: B }, reflectors: { rr: { ...RR1, clients: "rack == 'r1'" } } },
  {
    a: [
      'Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive',
      'Node 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive',
    ],
    b: ['Mesh 64512@10.0.0.2 -> 64512@10.0.0.1:179'],
  },
);
test(
  'a BGPPeer with the address of a RouteReflector is the session that is there anyway',
  reflecting,
  { nodes: { a: A }, reflectors: { rr: RR1 }, peers: { p: { peerIP: '10.0.0.11', asNumber: 64512 } } },
  {
    a: ['Global 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive'],
    rr: ['Global 64512@10.0.0.11 -> 64512@10.0.0.1:179 client of 1.0.0.1'],
  },
);
test(
  "a RouteReflector in another AS has eBGP peers, which are nobody's clients",
  reflecting,
  { nodes: { a: A }, reflectors: { rr: { ...RR1, as: 65001 } } },
  {
    a: ['Node 64512@10.0.0.1 -> 65001@10.0.0.11:179 passive'],
    rr: ['Node 65001@10.0.0.11 -> 64512@10.0.0.1:179'],
  },
);
test(
  'a node with a cluster id leaves the mesh and peers by BGPPeers alone',
  reflecting,
  { bgp: {}, nodes: { a: A, b: B, r: { v4: '10.0.0.9/24', cluster: '1.0.0.1' } }, reflectors: { rr: RR1 } },
  {
    a: [
      'Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive',
      'Node 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive',
    ],
    r: [],
  },
);
test(
  'the iBGP peers of a node that reflects are its clients, unless they have its cluster id',
  reflecting,
  {
    nodes: {
      a: A,
      b: { ...B, as: 65002 },
      r1: { v4: '10.0.0.11/24', cluster: '1.0.0.1', labels: { rr: '1' } },
      r2: { v4: '10.0.0.12/24', cluster: '1.0.0.1' },
      r3: { v4: '10.0.0.13/24', cluster: '1.0.0.3' },
    },
    peers: {
      p: { nodeSelector: 'all()', peerSelector: 'has(rr)' },
      tor: { node: 'r1', peerIP: '10.0.0.254', asNumber: 64512 },
    },
  },
  {
    a: ['Node 64512@10.0.0.1 -> 64512@10.0.0.11:179 passive'],
    r1: [
      'Node 64512@10.0.0.11 -> 64512@10.0.0.1:179 client of 1.0.0.1',
      'Node 64512@10.0.0.11 -> 65002@10.0.0.2:179',
      'Node 64512@10.0.0.11 -> 64512@10.0.0.12:179 passive',
      'Node 64512@10.0.0.11 -> 64512@10.0.0.13:179 passive client of 1.0.0.1',
      'Node 64512@10.0.0.11 -> 64512@10.0.0.254:179 client of 1.0.0.1',
    ],
    r2: ['Node 64512@10.0.0.12 -> 64512@10.0.0.11:179'],
    r3: ['Node 64512@10.0.0.13 -> 64512@10.0.0.11:179 client of 1.0.0.3'],
  },
);

test('bgpModelFor() gives a RouteReflector the settings of its name and no kernel of its own', (t) => {
  const network = {
    nodes: { a: A },
    reflectors: { rr: RR1 },
    bgp: {
      default: { asNumber: 65000 },
      'node.rr': { listenPort: 1790, logSeverityScreen: 'Error' } as const,
    },
  };
  const { node, routerId, asNumber, listenPort, logSeverity, controlPlaneOnly } = modelOf('rr', network);
  t.deepEqual(
    { node, routerId: String(routerId), asNumber, listenPort, logSeverity, controlPlaneOnly },
    {
      node: 'rr',
      routerId: '10.0.0.11',
      asNumber: 65000,
      listenPort: 1790,
      logSeverity: 'Error',
      controlPlaneOnly: true,
    },
  );
  t.false(modelOf('a', network).controlPlaneOnly);
  t.is(modelOf('a', network).sessions[0]?.peerPort, 1790);
});

test('bgpModelFor() prefers a Node to a RouteReflector of the same name', (t) => {
  const model = modelOf('x', { nodes: { x: A }, reflectors: { x: RR1 } });
  t.is(String(model.routerId), '10.0.0.1');
  t.deepEqual(model.sessions, []);
});
