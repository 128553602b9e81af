import test from 'ava';
import fc from 'fast-check';
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { BgpModel, BgpSession } from '../../src/topology/bgp-model.js';
import { type NetworkText, topologyInput } from './topology-fixture.js';

const THREE_NODES = {
  'host-1': { v4: '10.0.0.1/24', v6: 'fd00::1/64' },
  'host-2': { v4: '10.0.0.2/24', v6: 'fd00::2/64' },
  'host-3': { v4: '10.0.0.3/24' },
};

function modelOf(node: string, network: NetworkText): BgpModel {
  const model = bgpModelFor(node, topologyInput(network));
  if (!model) throw new Error(`${node} has no BGP`);
  return model;
}

/** `65001@10.0.0.1 -> 64512@10.0.0.2:179 passive` */
function shortly(session: BgpSession): string {
  const { localAs, localAddress, peerAs, peerAddress, peerPort, passive } = session;
  return `${localAs}@${localAddress} -> ${peerAs}@${peerAddress}:${peerPort}${passive ? ' passive' : ''}`;
}

const sessions = test.macro({
  exec(t, network: NetworkText, expected: Readonly<Record<string, readonly string[]>>) {
    const found = Object.keys(expected).map((node) => [node, modelOf(node, network).sessions.map(shortly)]);
    t.deepEqual(Object.fromEntries(found), expected);
  },
  title: (title) => `bgpModelFor() ${title}`,
});

test(
  'makes a full mesh, a session per family that both ends have',
  sessions,
  { nodes: THREE_NODES },
  {
    'host-1': [
      '64512@10.0.0.1 -> 64512@10.0.0.2:179 passive',
      '64512@10.0.0.1 -> 64512@10.0.0.3:179 passive',
      '64512@fd00::1 -> 64512@fd00::2:179 passive',
    ],
    'host-2': [
      '64512@10.0.0.2 -> 64512@10.0.0.1:179',
      '64512@10.0.0.2 -> 64512@10.0.0.3:179 passive',
      '64512@fd00::2 -> 64512@fd00::1:179',
    ],
    'host-3': ['64512@10.0.0.3 -> 64512@10.0.0.1:179', '64512@10.0.0.3 -> 64512@10.0.0.2:179'],
  },
);

test(
  'orders sessions by value of the address, not by its text',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.9/24' }, b: { v4: '10.0.0.10/24' }, c: { v4: '10.0.0.100/24' } },
  },
  { a: ['64512@10.0.0.9 -> 64512@10.0.0.10:179 passive', '64512@10.0.0.9 -> 64512@10.0.0.100:179 passive'] },
);

test(
  'takes the AS of the Node, then of node.<name>, then of default',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24', as: 65001 }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.3/24' } },
    bgp: { default: { asNumber: 65000 }, 'node.a': { asNumber: 65009 }, 'node.b': { asNumber: 65002 } },
  },
  {
    a: ['65001@10.0.0.1 -> 65002@10.0.0.2:179 passive', '65001@10.0.0.1 -> 65000@10.0.0.3:179 passive'],
    b: ['65002@10.0.0.2 -> 65001@10.0.0.1:179', '65002@10.0.0.2 -> 65000@10.0.0.3:179 passive'],
    c: ['65000@10.0.0.3 -> 65001@10.0.0.1:179', '65000@10.0.0.3 -> 65002@10.0.0.2:179'],
  },
);

test(
  'dials the port that the peer listens on',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } },
    bgp: { default: { listenPort: 1790 }, 'node.b': { listenPort: 1791 } },
  },
  { a: ['64512@10.0.0.1 -> 64512@10.0.0.2:1791 passive'], b: ['64512@10.0.0.2 -> 64512@10.0.0.1:1790'] },
);

test(
  'has no mesh where it is turned off',
  sessions,
  {
    nodes: THREE_NODES,
    bgp: { default: { nodeToNodeMeshEnabled: false } },
  },
  { 'host-1': [], 'host-2': [], 'host-3': [] },
);

test(
  'leaves one node out of the mesh, on both ends',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.3/24' } },
    bgp: { 'node.b': { nodeToNodeMeshEnabled: false } },
  },
  { a: ['64512@10.0.0.1 -> 64512@10.0.0.3:179 passive'], b: [], c: ['64512@10.0.0.3 -> 64512@10.0.0.1:179'] },
);

test(
  'dials an address that two nodes claim once, and never its own',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.2/24' } },
  },
  { a: ['64512@10.0.0.1 -> 64512@10.0.0.2:179 passive'], b: ['64512@10.0.0.2 -> 64512@10.0.0.1:179'] },
);

test(
  'leaves a node without an IPv4 address out, as a speaker and as a peer',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v6: 'fd00::2/64' } },
  },
  { a: [] },
);

test('bgpModelFor() is undefined for a node that is unknown or has no IPv4 address', (t) => {
  const input = topologyInput({ nodes: { a: { v6: 'fd00::1/64' }, b: {} } });
  t.is(bgpModelFor('a', input), undefined);
  t.is(bgpModelFor('b', input), undefined);
  t.is(bgpModelFor('nobody', input), undefined);
});

test('bgpModelFor() overrides default by node.<name> field by field', (t) => {
  const { asNumber, listenPort, logSeverity, routerId } = modelOf('a', {
    nodes: { a: { v4: '10.0.0.1/24' } },
    bgp: { default: { asNumber: 65000, listenPort: 1790 }, 'node.a': { logSeverityScreen: 'Debug' } },
  });
  t.deepEqual(
    { asNumber, listenPort, logSeverity, routerId: String(routerId) },
    {
      asNumber: 65000,
      listenPort: 1790,
      logSeverity: 'Debug',
      routerId: '10.0.0.1',
    },
  );
});

test('bgpModelFor() announces every pool, disabled ones too, but none with disableBGPExport', (t) => {
  const { exportedPools, hiddenPools } = modelOf('a', {
    nodes: { a: { v4: '10.0.0.1/24' } },
    pools: {
      'fd65::/48': {},
      '192.168.0.0/16': {},
      '10.65.0.0/16': { disabled: true },
      '10.66.0.0/16': { disableBGPExport: true },
    },
  });
  t.deepEqual([...exportedPools].map(String), ['10.65.0.0/16', '192.168.0.0/16', 'fd65::/48']);
  t.deepEqual([...hiddenPools].map(String), ['10.66.0.0/16']);
});

const anyAs = fc.option(fc.integer({ min: 1, max: 4_294_967_295 }), { nil: undefined });
/** Nodes with distinct addresses, some in both families, some in none. */
const anyNodes = fc.uniqueArray(fc.nat(200), { maxLength: 8 }).chain((hosts) =>
  fc.tuple(
    ...hosts.map((host) =>
      fc.record({ v4: fc.boolean(), v6: fc.boolean(), as: anyAs }).map(
        (node) =>
          [
            `host-${host}`,
            {
              ...(node.v4 && { v4: `10.0.0.${host + 1}/24` }),
              ...(node.v6 && { v6: `fd00::${(host + 1).toString(16)}/64` }),
              ...(node.as !== undefined && { as: node.as }),
            },
          ] as const,
      ),
    ),
  ),
);
const anySettings = fc.record(
  {
    asNumber: fc.integer({ min: 1, max: 65_000 }),
    nodeToNodeMeshEnabled: fc.boolean(),
    listenPort: fc.integer({ min: 1, max: 65_535 }),
  },
  { requiredKeys: [] },
);
const anyNetwork: fc.Arbitrary<NetworkText> = fc.record({
  nodes: anyNodes.map((nodes) => Object.fromEntries(nodes)),
  bgp: fc.dictionary(
    fc.oneof(
      fc.constant('default'),
      fc.nat(200).map((host) => `node.host-${host}`),
    ),
    anySettings,
    { maxKeys: 4 },
  ),
});

test('bgpModelFor() is symmetric: each session is mirrored at its peer, and exactly one end is passive', (t) => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const input = topologyInput(network);
      for (const name of input.nodes.keys()) {
        const model = bgpModelFor(name, input);
        for (const session of model?.sessions ?? []) {
          const peer = bgpModelFor(session.peerName, input);
          const mirrored = peer?.sessions.filter(
            ({ peerName, family }) => peerName === name && family === session.family,
          );
          t.like(mirrored, {
            length: 1,
            0: {
              localAddress: session.peerAddress,
              peerAddress: session.localAddress,
              localAs: session.peerAs,
              peerAs: session.localAs,
              peerPort: model?.listenPort,
              passive: !session.passive,
            },
          });
          t.is(peer?.listenPort, session.peerPort);
        }
      }
    }),
  );
});

test('bgpModelFor() does not depend on the order in which resources are met', (t) => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const reversed = {
        ...network,
        nodes: Object.fromEntries(Object.entries(network.nodes ?? {}).reverse()),
      };
      for (const name of Object.keys(network.nodes ?? {}))
        t.deepEqual(bgpModelFor(name, topologyInput(reversed)), bgpModelFor(name, topologyInput(network)));
    }),
  );
});
