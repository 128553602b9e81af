/**
 * Of overlapping BGPPeers manifests and agents choose the same one, although the store keeps no name of a peer that an
 * address and an AS number say whole.
 */
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import type { ResourceOf } from '../../src/model/resource.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { TopologyInput } from '../../src/topology/topology-input.js';
import { type NetworkText, type PeerText, topologyInput } from './topology-fixture.js';

const layout = createLayout();
const NODES = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } };
const NO_MESH = { default: { nodeToNodeMeshEnabled: false } };

/** The peers as an agent reads them. */
function throughStore(peers: TopologyInput['bgpPeers']): TopologyInput['bgpPeers'] {
  const stored = [...peers.values()].map((peer) => {
    const entries = layout.encode(peer, { pools: [] });
    const owner = entries[0] && layout.identify(entries[0].key);
    if (owner?.type !== 'resource') throw new Error(`no key: ${peer.metadata.name}`);
    return layout.decode(
      owner.id,
      new Map(entries.map(({ key, value }) => [key, value])),
    ) as ResourceOf<'BGPPeer'>;
  });
  return new Map(stored.map((peer) => [peer.metadata.name, peer]));
}

function sessions(host: string, input: TopologyInput): readonly object[] {
  const model = bgpModelFor(host, input);
  if (!model) throw new Error(`${host} has no BGP`);
  // The name is for people, and the only thing that the store may not know.
  return model.sessions.map((session) => ({ ...session, peerName: '' }));
}

const overlaps = test.macro({
  exec(t, one: PeerText, other: PeerText) {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const network: NetworkText = {
        nodes: NODES,
        bgp: NO_MESH,
        peers: { 'x-first': first, 'z-last': second },
      };
      const input = topologyInput(network);
      for (const host of Object.keys(NODES))
        t.deepEqual(
          sessions(host, input),
          sessions(host, { ...input, bgpPeers: throughStore(input.bgpPeers) }),
        );
    }
  },
  title: (title) => `of overlapping BGPPeers manifests and agents choose the same: ${title}`,
});

test(
  'one of all nodes by address, one by selector',
  overlaps,
  { peerIP: '10.0.0.2', asNumber: 64512, keepaliveTime: '10s' },
  { peerSelector: 'all()', keepaliveTime: '20s' },
);
test(
  'one with an AS number, one without',
  overlaps,
  { node: 'a', peerIP: '10.0.0.2', asNumber: 64512, keepaliveTime: '10s' },
  { node: 'a', peerIP: '10.0.0.2', keepaliveTime: '20s' },
);
test(
  'the two ends ask each other',
  overlaps,
  { node: 'a', peerIP: '10.0.0.2', asNumber: 64512, keepaliveTime: '10s' },
  { node: 'b', peerIP: '10.0.0.1', asNumber: 64512, keepaliveTime: '20s' },
);
