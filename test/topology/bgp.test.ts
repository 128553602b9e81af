/**
 * Both ends of a session agree on it, and no order of resources changes it: tables of small networks, and
 * random ones with peers and reflectors.
 */
import test from 'ava';
import fc from 'fast-check';
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { BgpModel } from '../../src/topology/bgp-model.js';
import { modelOf, sessionsOf } from './session-text.js';
import { type NetworkText, type PeerText, topologyInput } from './topology-fixture.js';

const THREE_NODES = {
  'host-1': { v4: '10.0.0.1/24', v6: 'fd00::1/64' },
  'host-2': { v4: '10.0.0.2/24', v6: 'fd00::2/64' },
  'host-3': { v4: '10.0.0.3/24' },
};

const sessions = test.macro({
  exec(t, network: NetworkText, expected: Readonly<Record<string, readonly string[]>>) {
    t.deepEqual(sessionsOf(network, Object.keys(expected)), expected);
  },
  title: (title) => `bgpModelFor() ${title}`,
});

test(
  'makes a full mesh, a session per family that both ends have',
  sessions,
  { nodes: THREE_NODES },
  {
    'host-1': [
      'Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive',
      'Mesh 64512@10.0.0.1 -> 64512@10.0.0.3:179 passive',
      'Mesh 64512@fd00::1 -> 64512@fd00::2:179 passive',
    ],
    'host-2': [
      'Mesh 64512@10.0.0.2 -> 64512@10.0.0.1:179',
      'Mesh 64512@10.0.0.2 -> 64512@10.0.0.3:179 passive',
      'Mesh 64512@fd00::2 -> 64512@fd00::1:179',
    ],
    'host-3': ['Mesh 64512@10.0.0.3 -> 64512@10.0.0.1:179', 'Mesh 64512@10.0.0.3 -> 64512@10.0.0.2:179'],
  },
);

test(
  'orders sessions by value of the address, not by its text',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.9/24' }, b: { v4: '10.0.0.10/24' }, c: { v4: '10.0.0.100/24' } },
  },
  {
    a: [
      'Mesh 64512@10.0.0.9 -> 64512@10.0.0.10:179 passive',
      'Mesh 64512@10.0.0.9 -> 64512@10.0.0.100:179 passive',
    ],
  },
);

test(
  'takes the AS of the Node, then of node.<name>, then of default',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24', as: 65001 }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.3/24' } },
    bgp: { default: { asNumber: 65000 }, 'node.a': { asNumber: 65009 }, 'node.b': { asNumber: 65002 } },
  },
  {
    a: [
      'Mesh 65001@10.0.0.1 -> 65002@10.0.0.2:179 passive',
      'Mesh 65001@10.0.0.1 -> 65000@10.0.0.3:179 passive',
    ],
    b: ['Mesh 65002@10.0.0.2 -> 65001@10.0.0.1:179', 'Mesh 65002@10.0.0.2 -> 65000@10.0.0.3:179 passive'],
    c: ['Mesh 65000@10.0.0.3 -> 65001@10.0.0.1:179', 'Mesh 65000@10.0.0.3 -> 65002@10.0.0.2:179'],
  },
);

test(
  'dials the port that the peer listens on',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } },
    bgp: { default: { listenPort: 1790 }, 'node.b': { listenPort: 1791 } },
  },
  {
    a: ['Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:1791 passive'],
    b: ['Mesh 64512@10.0.0.2 -> 64512@10.0.0.1:1790'],
  },
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
  {
    a: ['Mesh 64512@10.0.0.1 -> 64512@10.0.0.3:179 passive'],
    b: [],
    c: ['Mesh 64512@10.0.0.3 -> 64512@10.0.0.1:179'],
  },
);

test(
  'dials an address that two nodes claim once, and never its own',
  sessions,
  {
    nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' }, c: { v4: '10.0.0.2/24' } },
  },
  {
    a: ['Mesh 64512@10.0.0.1 -> 64512@10.0.0.2:179 passive'],
    b: ['Mesh 64512@10.0.0.2 -> 64512@10.0.0.1:179'],
  },
);

test(
  'leaves a node without an IPv4 address out of the peers of others',
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
const anyCluster = fc.constantFrom(undefined, undefined, '1.0.0.1', '1.0.0.2');
const anyLabels = fc.constantFrom({}, { rack: 'r1' }, { rack: 'r2' });
/** Nodes with distinct addresses, some in both families, some in none. */
const anyNodes = fc.uniqueArray(fc.nat(8), { maxLength: 6 }).chain((hosts) =>
  fc.tuple(
    ...hosts.map((host) =>
      fc
        .record({ v4: fc.boolean(), v6: fc.boolean(), as: anyAs, cluster: anyCluster, labels: anyLabels })
        .map(
          (node) =>
            [
              `host-${host}`,
              {
                ...(node.v4 && { v4: `10.0.0.${host + 1}/24` }),
                ...(node.v6 && { v6: `fd00::${(host + 1).toString(16)}/64` }),
                ...(node.as !== undefined && { as: node.as }),
                ...(node.cluster !== undefined && { cluster: node.cluster }),
                labels: node.labels,
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
    listenPort: fc.constantFrom(179, 1790),
  },
  { requiredKeys: [] },
);
const anySelector = fc.constantFrom('all()', "rack == 'r1'", 'has(rack)', "!has(rack) || rack == 'r2'");
const someNode = fc.nat(8).map((host) => `host-${host}`);
const anyPeerIP = fc
  .tuple(fc.constantFrom('10.0.0.', 'fd00::'), fc.integer({ min: 1, max: 9 }), fc.constantFrom('', ':1790'))
  .map(([prefix, host, port]) =>
    prefix === 'fd00::' && port !== '' ? `[${prefix}${host}]${port}` : `${prefix}${host}${port}`,
  );
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const anyPeer: fc.Arbitrary<PeerText> = fc
  .record({
    askers: fc.oneof(
      fc.record({ node: someNode }),
      fc.record({ nodeSelector: anySelector }),
      fc.constant({}),
    ),
    asked: fc.oneof(fc.record({ peerIP: anyPeerIP }), fc.record({ peerSelector: anySelector })),
    asNumber: optional(fc.integer({ min: 64512, max: 64514 })),
    localASNumber: optional(fc.integer({ min: 64512, max: 64514 })),
  })
  .map(({ askers, asked, asNumber, localASNumber }) => ({
    ...askers,
    ...asked,
    ...(asNumber !== undefined && { asNumber }),
    ...(localASNumber !== undefined && { localASNumber }),
  }));
const anyReflectors = fc.uniqueArray(fc.integer({ min: 100, max: 109 }), { maxLength: 3 }).chain((hosts) =>
  fc.tuple(
    ...hosts.map((host) =>
      fc
        .record({
          cluster: fc.constantFrom('1.0.0.1', '1.0.0.2'),
          as: fc.constantFrom(undefined, 64513),
          clients: optional(anySelector),
        })
        .map(
          ({ cluster, as, clients }) =>
            [
              `rr-${host}`,
              {
                v4: `10.0.0.${host}`,
                v6: `fd00::${host.toString(16)}`,
                cluster,
                ...(as !== undefined && { as }),
                ...(clients !== undefined && { clients }),
              },
            ] as const,
        ),
    ),
  ),
);
const anyNetwork: fc.Arbitrary<NetworkText> = fc.record({
  nodes: anyNodes.map((nodes) => Object.fromEntries(nodes)),
  reflectors: anyReflectors.map((reflectors) => Object.fromEntries(reflectors)),
  peers: fc.dictionary(fc.constantFrom('p', 'q', 'r', 's'), anyPeer),
  bgp: fc.dictionary(
    fc.oneof(
      fc.constant('default'),
      someNode.map((node) => `node.${node}`),
    ),
    anySettings,
    {
      maxKeys: 4,
    },
  ),
});

/** Everybody who speaks BGP, with what to call him by. */
function modelsOf(network: NetworkText): ReadonlyMap<string, BgpModel> {
  const input = topologyInput(network);
  const names = [...Object.keys(network.nodes ?? {}), ...Object.keys(network.reflectors ?? {})];
  return new Map(names.flatMap((name) => bgpModelFor(name, input) ?? []).map((model) => [model.node, model]));
}

test('bgpModelFor() is symmetric: each session is mirrored at its peer, and exactly one end is passive', (t) => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const models = modelsOf(network);
      for (const model of models.values()) {
        for (const session of model.sessions) {
          const peer = models.get(session.peerName);
          if (!peer) {
            t.false(session.passive, 'towards a foreign daemon we dial');
            continue;
          }
          const mirrored = peer.sessions.filter(
            ({ peerName, peerAddress }) => peerName === model.node && peerAddress === session.localAddress,
          );
          t.like(mirrored, {
            length: 1,
            0: {
              origin: session.origin,
              localAddress: session.peerAddress,
              localAs: session.peerAs,
              peerAs: session.localAs,
              peerPort: model.listenPort,
              passive: !session.passive,
            },
          });
          t.is(peer.listenPort, session.peerPort);
        }
      }
    }),
  );
});

test('bgpModelFor() has one session for an address and port, none with itself, and clients in its AS only', (t) => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      for (const { node, sessions: found } of modelsOf(network).values()) {
        const endpoints = found.map(({ peerAddress, peerPort }) => `${peerAddress} ${peerPort}`);
        t.is(new Set(endpoints).size, endpoints.length);
        t.true(
          found.every(
            ({ peerName, peerAddress, localAddress }) => peerName !== node && peerAddress !== localAddress,
          ),
        );
        t.true(found.every(({ reflectsFor, localAs, peerAs }) => !reflectsFor || localAs === peerAs));
      }
    }),
  );
});

test('bgpModelFor() does not depend on the order in which resources are met', (t) => {
  const reversed = <T>(record: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(Object.entries(record).reverse());
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const { nodes, reflectors, peers } = network;
      const turned = {
        ...network,
        nodes: reversed(nodes),
        reflectors: reversed(reflectors),
        peers: reversed(peers),
      };
      const [one, other] = [modelsOf(network), modelsOf(turned)];
      t.deepEqual(Object.fromEntries(other), Object.fromEntries(one));
    }),
  );
});

test('an address that no session can have counts as absent, and costs the others nothing', (t) => {
  const network = {
    nodes: {
      a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' },
      b: { v4: '10.0.0.2/24', v6: 'fe80::2/64' },
      c: { v4: '127.0.0.1/8', v6: 'fd00::3/64' },
    },
    peers: { p: { node: 'a', peerIP: 'fe80::9', asNumber: 65001 } },
    reflectors: { r: { v4: '10.0.0.9', v6: '::', cluster: '1.0.0.1' } },
  };
  const peersOf = (name: string) =>
    bgpModelFor(name, topologyInput(network))?.sessions.map(({ peerAddress }) => `${peerAddress}`);
  t.deepEqual(peersOf('a'), ['10.0.0.2', '10.0.0.9']);
  t.deepEqual(peersOf('r'), ['10.0.0.1', '10.0.0.2']);
  t.is(peersOf('c'), undefined);
});
