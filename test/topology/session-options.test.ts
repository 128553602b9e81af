/**
 * What options of a BGPPeer and a BGPConfiguration become in a session, at either end; what is the default is
 * left out. A table.
 */
import test from 'ava';
import type { BgpSession, SessionOptions } from '../../src/topology/bgp-model.js';
import { modelOf } from './session-text.js';
import { address, type NetworkText, type PeerText } from './topology-fixture.js';

const NODES = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } };

/** What a session has beyond what every session has. */
function optionsOf(session: BgpSession | undefined): SessionOptions {
  const {
    origin,
    peerName,
    family,
    localAddress,
    localAs,
    peerAddress,
    peerPort,
    peerAs,
    passive,
    isOurs,
    ...options
  } = session ?? ({} as BgpSession);
  return options;
}

const option = test.macro({
  exec(t, spec: Omit<PeerText, 'node' | 'peerIP'>, asker: object, asked: object = asker) {
    const network: NetworkText = {
      nodes: NODES,
      bgp: { default: { nodeToNodeMeshEnabled: false } },
      peers: { p: { node: 'a', peerIP: '10.0.0.2', ...spec } },
    };
    t.deepEqual<object, object>(optionsOf(modelOf('a', network).sessions[0]), asker);
    t.deepEqual<object, object>(optionsOf(modelOf('b', network).sessions[0]), asked);
  },
  title: (title) => `BGPPeer ${title}`,
});

test('without options has none', option, {}, {});
test('password', option, { password: { file: 'f' } }, { password: { file: 'f' } });
test('sourceAddress UseNodeIP is the default', option, { sourceAddress: 'UseNodeIP' }, {});
test('sourceAddress None', option, { sourceAddress: 'None' }, { sourceAddress: 'None' });
test('bfd, which wants to know the source', option, { bfd: true, sourceAddress: 'None' }, { bfd: true });
test('keepaliveTime, in whole seconds', option, { keepaliveTime: '1500ms' }, { keepaliveSeconds: 2 });
test('keepaliveTime of no time is a second', option, { keepaliveTime: '0s' }, { keepaliveSeconds: 1 });
test('maxRestartTime, up to 12 bits of seconds', option, { maxRestartTime: '9h' }, { restartSeconds: 4095 });
test('bfd', option, { bfd: true }, { bfd: true });
test('bfd: false is no BFD', option, { bfd: false }, {});
test('ttlSecurity', option, { ttlSecurity: 1 }, { ttlSecurity: 1 });
test('nextHopMode Auto is by the rules', option, { nextHopMode: 'Auto' }, {});
test('nextHopMode Self', option, { nextHopMode: 'Self' }, { nextHop: 'Self' });
test('keepOriginalNextHop', option, { keepOriginalNextHop: true }, { nextHop: 'Keep' });
test('numAllowedLocalASNumbers', option, { numAllowedLocalASNumbers: 2 }, { allowedLocalAs: 2 });
test(
  'reachableBy is the gateway of the side that asks',
  option,
  { reachableBy: address('10.0.0.254') },
  { gateway: '10.0.0.254' },
  {},
);

test('the mesh has the password and restart time of the BGPConfiguration, peers have their own', (t) => {
  const { sessions } = modelOf('a', {
    nodes: NODES,
    peers: { tor: { peerIP: '10.0.0.254', asNumber: 65001 } },
    bgp: { default: { nodeMeshPassword: { file: 'mesh' }, nodeMeshMaxRestartTime: '2m' } },
  });
  t.deepEqual(sessions.map(optionsOf), [{ password: { file: 'mesh' }, restartSeconds: 120 }, {}]);
});

test('bindMode and ignoredInterfaces are those of the node, else of default', (t) => {
  const network: NetworkText = {
    nodes: NODES,
    bgp: {
      default: { bindMode: 'NodeIP', ignoredInterfaces: ['docker*', 'br-*', 'docker*'] },
      'node.b': { bindMode: 'None', ignoredInterfaces: [] },
    },
  };
  const { bindsToAddress, ignoredInterfaces } = modelOf('a', network);
  t.deepEqual(
    { bindsToAddress, ignoredInterfaces },
    { bindsToAddress: true, ignoredInterfaces: ['br-*', 'docker*'] },
  );
  t.like(modelOf('b', network), { bindsToAddress: false, ignoredInterfaces: [] });
});

test('reachableBy is the gateway of its own family alone', (t) => {
  const network: NetworkText = {
    nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v4: '10.0.0.2/24', v6: 'fd00::2/64' } },
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    peers: { p: { node: 'a', peerSelector: 'all()', reachableBy: address('10.0.0.254') } },
  };
  t.deepEqual(
    modelOf('a', network).sessions.map(({ family, gateway }) => [family, gateway]),
    [
      [4, '10.0.0.254'],
      [6, undefined],
    ],
  );
});
