/**
 * BGP worked out and written down, without a daemon: for one host of a large mesh, for a host with many blocks, and what
 * a change of the mesh means for all hosts.
 *
 * The yardstick of a configuration is the same lines, put together from addresses that are known already.
 */
import { renderBirdConfig } from '../src/agent/bgp/bird/render-config.js';
import { addressFromBits } from '../src/model/address.js';
import { bgpModelFor } from '../src/topology/bgp.js';
import type { BgpModel } from '../src/topology/bgp-model.js';
import { bgpImpact } from '../src/topology/propagation/bgp-impact.js';
import { propagate } from '../src/topology/propagation/propagate.js';
import type { TopologyInput } from '../src/topology/topology-input.js';
import { type NetworkText, topologyInput } from '../test/topology/topology-fixture.js';
import type { Contender, Row } from './row.js';

const HOST = 'host-0';
const POOLS = { '10.64.0.0/10': {}, 'fd65::/48': {} };

export const bgpMesh: Row = {
  name: 'bgp-mesh',
  work: 'the BIRD configuration of one host of a full mesh of this many, both families',
  sizes: [100, 300, 1_000],
  contenders: rendering(meshOf, ({ sessions }) =>
    sessions.map(
      ({ peerAddress, peerName, localAddress, family, passive }) =>
        `\nprotocol bgp Mesh_${peerAddress.replace(/[.:]/g, '_')} from heddle_bgp_${family} {\n` +
        `  description "${peerName}";\n  local ${localAddress} port 179 as 64512;\n` +
        `  neighbor ${peerAddress} port 179 as 64512;\n${passive ? '  passive on;\n' : ''}}\n`,
    ),
  ),
};

export const bgpBlocks: Row = {
  name: 'bgp-blocks',
  work: 'the BIRD configuration of a host that has this many blocks',
  sizes: [1_000, 10_000, 100_000],
  contenders: rendering(blocksOf, ({ blocks }) =>
    blocks.map(({ cidr }) => `  ${cidr},\n  ${cidr}{27,32},\n  route ${cidr} blackhole;\n`),
  ),
};

export const bgpChange: Row = {
  name: 'bgp-impact',
  work: 'which sessions and routes come and go when a mesh of this many becomes clients of two of its nodes',
  sizes: [100, 300, 1_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const [before, after] = [meshOf(size), reflectedOf(size)];
        return {
          work() {
            const { sessions, routes } = bgpImpact(before, after);
            if (sessions.lost.count === 0 || routes.lost.count > 0) throw new Error('not what it means');
          },
        };
      },
    },
    {
      name: 'one of the two alone',
      async prepare(size) {
        const after = reflectedOf(size);
        return { work: () => propagate(after) };
      },
    },
  ],
};

/** @param lines the part of the text that grows */
function rendering(
  make: (size: number) => TopologyInput,
  lines: (model: BgpModel) => readonly string[],
): readonly Contender[] {
  return [
    {
      name: 'heddle',
      async prepare(size) {
        const input = make(size);
        return { work: () => renderBirdConfig(modelFrom(input), OPTIONS) };
      },
    },
    {
      name: 'strings, by hand',
      async prepare(size) {
        const model = modelFrom(make(size));
        return { work: () => lines(model).join('') };
      },
    },
  ];
}

const OPTIONS = {
  log: { to: 'syslog' },
  deviceRouteProtocol: 80,
  passwordOf: () => '',
} as const;

function modelFrom(input: TopologyInput): BgpModel {
  const model = bgpModelFor(HOST, input);
  if (!model) throw new Error(`${HOST} has no BGP`);
  return model;
}

function meshOf(size: number): TopologyInput {
  return topologyInput({ nodes: nodesOf(size), pools: POOLS });
}

/** Every node a client of the first two. */
function reflectedOf(size: number): TopologyInput {
  const nodes = nodesOf(size);
  const reflectors = Object.entries(nodes).slice(0, 2);
  return topologyInput({
    nodes: {
      ...nodes,
      ...Object.fromEntries(
        reflectors.map(([name, node]) => [name, { ...node, cluster: '1.0.0.1', labels: { rr: 'yes' } }]),
      ),
    },
    peers: { reflectors: { nodeSelector: 'all()', peerSelector: 'has(rr)' } },
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    pools: POOLS,
  });
}

function blocksOf(size: number): TopologyInput {
  const blocks: Record<string, Record<string, 'confirmed'>> = {};
  for (let number = 0; number < size; number += 1) {
    // Scattered, as they come from a store.
    const place = (number * 48_271) % size;
    blocks[`${addressFromBits(BigInt(0x0a400000 + place * 32), 4)}/27`] = { [HOST]: 'confirmed' };
  }
  return topologyInput({ nodes: nodesOf(2), pools: POOLS, blocks });
}

function nodesOf(size: number): NonNullable<NetworkText['nodes']> {
  return Object.fromEntries(
    Array.from({ length: size }, (_, number) => [
      `host-${number}`,
      {
        v4: `${addressFromBits(BigInt(0x0a000001 + number), 4)}/16`,
        v6: `fd00::${(number + 1).toString(16)}/64`,
      },
    ]),
  );
}
