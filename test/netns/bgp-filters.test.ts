/** What BGPFilters, communities and hidden pools do to routes on their way from one real BIRD to another. */
import { join } from 'node:path';
import test from 'ava';
import type { SpecOf } from '../../src/model/resource.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { type NetworkText, network } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  createFabric,
  createHost,
  type Fabric,
  type Host,
  vanishes,
} from './bgp-fixture.js';

requirePrivateNetns();

const NODES = { h1: { v4: '10.99.0.1/24', as: 65001 }, h2: { v4: '10.99.0.2/24', as: 65002 } };

/** The workloads of h1, and a route of its kernel that is no workload's. */
const POOLED = ['10.65.1.1', '10.65.1.2', '10.66.1.1'];
const OUTSIDE = '172.16.0.0/24';

interface Lab {
  readonly h1: Host;
  readonly h2: Host;
}
let lab: Lab;
let fabric: Fabric;

/** h1 dials h2 and has these filters; what it tells goes through export rules, what h2 tells through import rules. */
async function live(
  filter: SpecOf<'BGPFilter'>,
  more: NetworkText = {},
  filtersOf: 'h1' | 'h2' = 'h1',
): Promise<void> {
  const other = filtersOf === 'h1' ? '10.99.0.2' : '10.99.0.1';
  const shared: NetworkText = {
    nodes: NODES,
    pools: { '10.65.0.0/16': {}, '10.66.0.0/16': {} },
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    filters: { f: filter },
    ...more,
  };
  for (const [name, host] of Object.entries(lab)) {
    const peers = { p: { node: filtersOf, peerIP: other, ...(name === filtersOf && { filters: ['f'] }) } };
    const { failures } = await host.applies({ ...shared, peers });
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
  await allEstablished(lab.h2, 1);
}

/** What h2 has in its kernel by BGP, when it has settled at so many routes. */
async function routesOfH2(count: number): Promise<readonly string[]> {
  return until(
    async () => {
      const lines = (await lab.h2.namespace.ip('route show proto bird')).split('\n').filter(Boolean);
      return lines.length === count && lines.map((line) => line.split(' ')[0] ?? '');
    },
    // A route whose metric changed is there twice until BIRD scans the kernel, every 10 s.
    { timeoutMs: 25_000, what: `${count} routes of h2` },
  );
}

/** What BIRD on h2 knows of a route. */
function attributesOf(destination: string): Promise<string> {
  const socket = join(lab.h2.stateDir, 'bird.ctl');
  return lab.h2.namespace.run('birdc', ['-s', socket, 'show', 'route', 'all', 'for', destination]);
}

test.before('two hosts of two systems, with workloads on the first', async () => {
  fabric = await createFabric();
  lab = { h1: await createHost(fabric, 'h1', 1), h2: await createHost(fabric, 'h2', 2) };
  for (const address of POOLED)
    await lab.h1.namespace.ip(`route add ${address}/32 dev cali1 scope link proto 80`);
  await lab.h1.namespace.ip(`route add ${OUTSIDE} via 10.99.0.77`);
});

test.after.always('nothing is left', async () => {
  for (const host of Object.values(lab ?? {})) await host[Symbol.asyncDispose]();
  await fabric?.[Symbol.asyncDispose]();
});

test.serial('a filter that matches nothing leaves the rules of the pools as they are', async (t) => {
  await live({ exportV4: [{ action: 'Reject', matchOperator: 'In', cidr: network('203.0.113.0/24') }] });
  t.deepEqual(await routesOfH2(3), POOLED);
});

test.serial('an export filter may hold back routes of pools, and accept what is in none', async (t) => {
  await live({
    exportV4: [
      { action: 'Accept', matchOperator: 'Equal', cidr: network('10.65.1.1/32') },
      { action: 'Reject', matchOperator: 'In', cidr: network('10.65.0.0/16'), prefixLength: { min: 32 } },
      { action: 'Accept', matchOperator: 'Equal', cidr: network(OUTSIDE) },
    ],
  });
  // h2 does not believe what is in no pool: its own rules have the last word.
  t.deepEqual(await routesOfH2(2), ['10.65.1.1', '10.66.1.1']);
  t.is(await lab.h2.route(OUTSIDE), '');
});

test.serial(
  'an import filter that accepts beats the import protection, and may reject what is in pools',
  async (t) => {
    await live({ exportV4: [{ action: 'Accept', matchOperator: 'Equal', cidr: network(OUTSIDE) }] });
    await until(async () => (await routesOfH2(3)).length === 3);
    // The export side stays: filters of both ends, one after the other.
    const exportAll = { action: 'Accept', matchOperator: 'In', cidr: network('172.16.0.0/12') } as const;
    const importRules = [
      { action: 'Accept', matchOperator: 'In', cidr: network('172.16.0.0/12') },
      { action: 'Reject', matchOperator: 'NotIn', cidr: network('10.66.0.0/16'), peerType: 'eBGP' },
      { action: 'Reject', matchOperator: 'In', cidr: network('10.66.0.0/16'), peerType: 'iBGP' },
    ] as const;
    const both: NetworkText = {
      nodes: NODES,
      pools: { '10.65.0.0/16': {}, '10.66.0.0/16': {} },
      bgp: { default: { nodeToNodeMeshEnabled: false } },
      peers: { p: { node: 'h1', peerIP: '10.99.0.2', filters: ['f'] } },
      filters: { f: { exportV4: [exportAll], importV4: importRules } },
    };
    for (const host of Object.values(lab)) t.deepEqual((await host.applies(both)).failures, []);
    t.regex(await appears(lab.h2, OUTSIDE), /via 10\.99\.0\.1 dev eth0 proto bird/);
    t.deepEqual(await routesOfH2(2), ['10.66.1.1', OUTSIDE]);
  },
);

test.serial('operations change what is told: communities and AS path', async (t) => {
  const operations = [
    { addCommunity: { value: '65000:7' } },
    { addCommunity: { value: '65000:7:8' } },
    { prependASPath: { prefix: [64600, 64601] } },
  ];
  await live({
    exportV4: [{ action: 'Accept', matchOperator: 'In', cidr: network('10.65.0.0/16'), operations }],
  });
  t.deepEqual(await routesOfH2(3), POOLED);
  const changed = await attributesOf('10.65.1.1');
  t.regex(changed, /BGP\.community: \(65000,7\)/);
  t.regex(changed, /BGP\.large_community: \(65000, 7, 8\)/);
  t.regex(changed, /BGP\.as_path: 65001 64600 64601\s/);
  t.notRegex(await attributesOf('10.66.1.1'), /65000/);
});

test.serial(
  'prefixAdvertisements mark what lies in their network, and BGPFilters can tell it by that',
  async (t) => {
    const advertised: NetworkText = {
      bgp: {
        default: {
          nodeToNodeMeshEnabled: false,
          communities: [{ name: 'gold', value: '65000:300' }],
          prefixAdvertisements: [{ cidr: network('10.65.0.0/16'), communities: ['gold', '65000:1:2'] }],
        },
      },
    };
    await live({}, advertised);
    await until(async () => /65000,300/.test(await attributesOf('10.65.1.1')), { what: 'the community' });
    t.regex(await attributesOf('10.65.1.1'), /BGP\.large_community: \(65000, 1, 2\)/);
    t.notRegex(await attributesOf('10.66.1.1'), /65000/);
    const byCommunity = {
      importV4: [{ action: 'Reject', communities: { values: ['65000:9', '65000:300'] } }],
    } as const;
    await live(byCommunity, advertised, 'h2');
    t.deepEqual(await routesOfH2(1), ['10.66.1.1']);
    await live({ importV4: [{ action: 'Reject', asPathPrefix: [65001] }] }, {}, 'h2');
    t.deepEqual(await routesOfH2(0), []);
  },
);

test.serial('disableBGPExport keeps a pool in, unless a filter says otherwise', async (t) => {
  const hidden = { pools: { '10.65.0.0/16': {}, '10.66.0.0/16': { disableBGPExport: true } } };
  await live({}, hidden);
  t.deepEqual(await routesOfH2(2), ['10.65.1.1', '10.65.1.2']);
});

test.serial('a filter that does not exist lets nothing through', async (t) => {
  await live({}, { filters: {} });
  for (const address of POOLED) await vanishes(lab.h2, address);
  t.is((await lab.h2.speaker.status()).established, 1);
});
