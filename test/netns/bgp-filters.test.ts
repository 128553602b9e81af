/** How BGPFilters and the rules of the pools go together, from one real BIRD to another (bgp-filter-rules: each rule). */
import test from 'ava';
import type { SpecOf } from '../../src/model/resource.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { type NetworkText, network } from '../topology/topology-fixture.js';
import { allEstablished, appears, createLab, type Lab, vanishes } from './bgp-fixture.js';

requirePrivateNetns();

const NODES = { h1: { v4: '10.99.0.1/24', as: 65001 }, h2: { v4: '10.99.0.2/24', as: 65002 } };

/** The workloads of h1, and a route of its kernel that is no workload's. */
const POOLED = ['10.65.1.1', '10.65.1.2', '10.66.1.1'];
const OUTSIDE = '172.16.0.0/24';

let lab: Lab<'h1' | 'h2'>;

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

test.before('two hosts of two systems, with workloads on the first', async () => {
  lab = await createLab({ h1: 1, h2: 2 });
  for (const address of POOLED)
    await lab.h1.namespace.ip(`route add ${address}/32 dev cali1 scope link proto 80`);
  await lab.h1.namespace.ip(`route add ${OUTSIDE} via 10.99.0.77`);
});

test.after.always('nothing is left', () => lab?.[Symbol.asyncDispose]());

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

test.serial('a filter that does not exist lets nothing through', async (t) => {
  await live({}, { filters: {} });
  for (const address of POOLED) await vanishes(lab.h2, address);
  t.is((await lab.h2.speaker.status()).established, 1);
});
