/** Every condition and operation of a BGPFilter, pool and prefix, in both families, on real BIRD. */
import { join } from 'node:path';
import test from 'ava';
import type { SpecOf } from '../../src/model/resource.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { type NetworkText, network } from '../topology/topology-fixture.js';
import { allEstablished, createLab, type Host, type Lab } from './bgp-fixture.js';

requirePrivateNetns();

type Filter = SpecOf<'BGPFilter'>;
type Rule = NonNullable<Filter['exportV4']>[number];

/** The same network in each family. */
interface Net {
  readonly family: 4 | 6;
  /** Workloads of h1, all in the first pool but the last. The third one has a metric. */
  readonly workloads: readonly [string, string, string, string];
  /** A workload of h3, which h2 hears of by way of h1. */
  readonly passedOn: string;
  readonly pools: readonly [string, string];
  /** Half of the first pool, without the first workload. */
  readonly half: string;
  readonly length: number;
}
const V4: Net = {
  family: 4,
  workloads: ['10.65.1.1', '10.65.200.2', '10.65.200.3', '10.66.1.1'],
  passedOn: '10.65.3.1',
  pools: ['10.65.0.0/16', '10.66.0.0/16'],
  half: '10.65.128.0/17',
  length: 32,
};
const V6: Net = {
  family: 6,
  workloads: ['fd65::1:1', 'fd65:0:0:8000::2', 'fd65:0:0:8000::3', 'fd66::1:1'],
  passedOn: 'fd65::3:1',
  pools: ['fd65::/48', 'fd66::/48'],
  half: 'fd65:0:0:8000::/49',
  length: 128,
};
const NETS = [V4, V6];
const METRIC = 77;

const NODES = {
  h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64', as: 65001 },
  h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64', as: 65002 },
  h3: { v4: '10.99.0.3/24', v6: 'fd99::3/64', as: 65003 },
};

let lab: Lab<'h1' | 'h2' | 'h3'>;

const poolsOf = (...specs: NonNullable<NetworkText['pools']>[string][]): NonNullable<NetworkText['pools']> =>
  Object.fromEntries(NETS.flatMap(({ pools }) => pools.map((pool, index) => [pool, specs[index] ?? {}])));

/** h3 - h1 - h2; each of the two has its own filter on the session between them. */
async function live(
  filters: { readonly h1?: Filter; readonly h2?: Filter },
  more: NetworkText = {},
): Promise<void> {
  for (const host of [lab.h1, lab.h2, lab.h3]) {
    const filter = host === lab.h1 ? filters.h1 : host === lab.h2 ? filters.h2 : undefined;
    const named = filter ? { filters: ['f'] } : {};
    const { failures } = await host.applies({
      nodes: NODES,
      pools: poolsOf(),
      bgp: { default: { nodeToNodeMeshEnabled: false } },
      filters: { f: filter ?? {} },
      peers: {
        four: { node: 'h1', peerIP: '10.99.0.2', ...named },
        six: { node: 'h1', peerIP: 'fd99::2', ...named },
        back4: { node: 'h3', peerIP: '10.99.0.1' },
        back6: { node: 'h3', peerIP: 'fd99::1' },
      },
      ...more,
    });
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
  await allEstablished(lab.h2, 2);
}

/** Rules of one direction in both families. */
const both = (direction: 'export' | 'import', rules: (net: Net) => readonly Rule[]): Filter =>
  direction === 'export'
    ? { exportV4: rules(V4), exportV6: rules(V6) }
    : { importV4: rules(V4), importV6: rules(V6) };

const everythingOf = ({ workloads, passedOn }: Net): readonly string[] => [...workloads, passedOn];

async function heardByH2({ family }: Net): Promise<readonly string[]> {
  const words = `${family === 4 ? '-4' : '-6'} route show proto bird`;
  const lines = (await lab.h2.namespace.ip(words)).split('\n');
  return lines.filter((line) => line.includes('via')).map((line) => line.split(' ')[0] ?? '');
}

/** Waits until h2 has these routes, and no other, in both families. */
async function settles(expected: (net: Net) => readonly string[]): Promise<void> {
  for (const net of NETS) {
    const wanted = [...expected(net)].sort().join(' ');
    let found = '';
    await until(
      async () => {
        found = [...new Set(await heardByH2(net))].sort().join(' ');
        return found === wanted;
      },
      { timeoutMs: 15_000, what: `IPv${net.family} routes of h2` },
    ).catch((error: Error) => {
      throw new Error(`${error.message}: wanted ${wanted}, found ${found}`);
    });
  }
}

/** birdc(8) ends with 1 while there is no such route. */
async function attributesAtH2(destination: string): Promise<string> {
  const command = ['-s', join(lab.h2.stateDir, 'bird.ctl'), 'show', 'route', 'all', 'for', destination];
  return (await lab.h2.namespace.exec('birdc', command)).stdout;
}

async function addWorkload(host: Host, address: string, metric = 0): Promise<void> {
  const isV6 = address.includes(':');
  const more = metric > 0 ? ` metric ${metric}` : '';
  await host.namespace.ip(
    `${isV6 ? '-6' : '-4'} route add ${address}/${isV6 ? 128 : 32} dev cali1 proto 80${more}`,
  );
}

test.before('three systems in a row, with workloads on the first and the last', async () => {
  lab = await createLab({ h1: 1, h2: 2, h3: 3 });
  for (const { workloads, passedOn } of NETS) {
    for (const [index, address] of workloads.entries())
      await addWorkload(lab.h1, address, index === 2 ? METRIC : 0);
    await addWorkload(lab.h3, passedOn);
  }
});

test.after.always('nothing is left', () => lab?.[Symbol.asyncDispose]());

const filters = test.macro({
  title: (what) => `a BGPFilter rule ${what}, in both families`,
  async exec(t, filter: Filter, owner: 'h1' | 'h2', expected: (net: Net) => readonly string[]) {
    await live({ [owner]: filter });
    await t.notThrowsAsync(settles(expected));
  },
});

const without =
  (...indices: readonly number[]) =>
  (net: Net): readonly string[] =>
    everythingOf(net).filter((_address, index) => !indices.includes(index));
const reject = (condition: (net: Net) => Partial<Rule>) => (net: Net) =>
  [{ action: 'Reject', ...condition(net) }] as const;

test.serial(
  'that matches nothing',
  filters,
  both('export', () => []),
  'h1',
  without(),
);
test.serial(
  'on export, Equal',
  filters,
  both(
    'export',
    reject(({ workloads, length }) => ({
      matchOperator: 'Equal',
      cidr: network(`${workloads[0]}/${length}`),
    })),
  ),
  'h1',
  without(0),
);
test.serial(
  'on export, NotEqual',
  filters,
  both(
    'export',
    reject(({ workloads, length }) => ({
      matchOperator: 'NotEqual',
      cidr: network(`${workloads[0]}/${length}`),
    })),
  ),
  'h1',
  without(1, 2, 3, 4),
);
test.serial(
  'on export, NotIn',
  filters,
  both(
    'export',
    reject(({ half }) => ({ matchOperator: 'NotIn', cidr: network(half) })),
  ),
  'h1',
  without(0, 3, 4),
);
test.serial(
  'on export, NotIn with lengths that all routes have',
  filters,
  both(
    'export',
    reject(({ half, length }) => ({
      matchOperator: 'NotIn',
      cidr: network(half),
      prefixLength: { min: length, max: length },
    })),
  ),
  'h1',
  without(0, 3, 4),
);
test.serial(
  'on export, NotIn with a longest prefix that no route has',
  filters,
  both(
    'export',
    reject(({ half, length }) => ({
      matchOperator: 'NotIn',
      cidr: network(half),
      prefixLength: { max: length - 1 },
    })),
  ),
  'h1',
  () => [],
);
test.serial(
  'on export, Equal with a longest prefix that no route has',
  filters,
  both(
    'export',
    reject(({ workloads, length }) => ({
      matchOperator: 'Equal',
      cidr: network(`${workloads[0]}/${length}`),
      prefixLength: { max: length - 1 },
    })),
  ),
  'h1',
  without(),
);
test.serial(
  'with a longest prefix that no route has',
  filters,
  both(
    'export',
    reject(({ pools, length }) => ({
      matchOperator: 'In',
      cidr: network(pools[0]),
      prefixLength: { max: length - 1 },
    })),
  ),
  'h1',
  without(),
);
test.serial(
  'with a longest prefix that all routes have',
  filters,
  both(
    'export',
    reject(({ pools, length }) => ({
      matchOperator: 'In',
      cidr: network(pools[0]),
      prefixLength: { min: length, max: length },
    })),
  ),
  'h1',
  without(0, 1, 2, 4),
);
test.serial(
  'on export, for routes of other peers',
  filters,
  both(
    'export',
    reject(() => ({ source: 'RemotePeers' })),
  ),
  'h1',
  without(4),
);
test.serial(
  'on export, by interface',
  filters,
  both(
    'export',
    reject(() => ({ interface: 'cali*' })),
  ),
  'h1',
  without(0, 1, 2, 3),
);
test.serial(
  'on export, by the kernel’s priority',
  filters,
  both(
    'export',
    reject(() => ({ priority: METRIC })),
  ),
  'h1',
  without(2),
);
test.serial(
  'on import, In, after one for iBGP at a session that is eBGP',
  filters,
  both('import', ({ half }) => [
    { action: 'Reject', peerType: 'iBGP' },
    { action: 'Reject', peerType: 'eBGP', matchOperator: 'In', cidr: network(half) },
  ]),
  'h2',
  without(1, 2),
);
test.serial(
  'on import, by the beginning of the AS path',
  filters,
  both(
    'import',
    reject(() => ({ asPathPrefix: [65001, 65003] })),
  ),
  'h2',
  without(4),
);
test.serial(
  'on import, by interface',
  filters,
  both(
    'import',
    reject(() => ({ interface: 'eth0' })),
  ),
  'h2',
  without(0, 1, 2, 3, 4),
);

test.serial('operations of a rule change what is told, in both families', async (t) => {
  const operations = [
    { addCommunity: { value: '65000:7' } },
    { addCommunity: { value: '65000:7:8' } },
    { prependASPath: { prefix: [64600, 64601] } },
  ];
  await live({
    h1: both('export', ({ pools }) => [
      { action: 'Accept', matchOperator: 'In', cidr: network(pools[0]), operations },
    ]),
  });
  await settles(without());
  for (const { workloads } of NETS) {
    const changed = () => attributesAtH2(workloads[0]);
    await until(async () => /65000,7\)/.test(await changed()), { what: 'the community' });
    t.regex(await changed(), /BGP\.large_community: \(65000, 7, 8\)/);
    t.regex(await changed(), /BGP\.as_path: 65001 64600 64601\s/);
    t.notRegex(await attributesAtH2(workloads[3]), /65000/);
  }
});

test.serial(
  'prefixAdvertisements mark routes, and a rule knows them by that, in both families',
  async (t) => {
    const bgp: NetworkText['bgp'] = {
      default: {
        nodeToNodeMeshEnabled: false,
        communities: [{ name: 'gold', value: '65000:300' }],
        prefixAdvertisements: NETS.map(({ half }) => ({
          cidr: network(half),
          communities: ['gold', '65000:1:2'],
        })),
      },
    };
    await live({}, { bgp });
    for (const { workloads } of NETS) {
      await until(async () => /65000,300/.test(await attributesAtH2(workloads[1])), {
        what: 'the community',
      });
      t.regex(await attributesAtH2(workloads[1]), /BGP\.large_community: \(65000, 1, 2\)/);
      t.notRegex(await attributesAtH2(workloads[0]), /65000,300/);
    }
    const known = both('import', () => [
      { action: 'Reject', communities: { values: ['65000:9', '65000:1:2'] } },
    ]);
    await live({ h2: known }, { bgp });
    await settles(without(1, 2));
  },
);

test.serial('setPriority is what a rule of the next host knows, within one system', async (t) => {
  const nodes = { ...NODES, h1: { ...NODES.h1, as: 65002 } };
  const set = both('export', ({ half }) => [
    {
      action: 'Accept',
      matchOperator: 'In',
      cidr: network(half),
      operations: [{ setPriority: { value: 200 } }],
    },
  ]);
  await live({ h1: set }, { nodes });
  for (const { workloads } of NETS)
    await until(async () => /BGP\.local_pref: 2147483447/.test(await attributesAtH2(workloads[1])), {
      what: 'the local preference',
    });
  const known = both('import', () => [{ action: 'Reject', priority: 200 }]);
  await live({ h1: set, h2: known }, { nodes });
  await t.notThrowsAsync(settles(without(1, 2)));
});

test.serial('a pool that is kept out of BGP stays in, and a disabled one is announced', async (t) => {
  await live({}, { pools: poolsOf({ disabled: true }, { disableBGPExport: true }) });
  await t.notThrowsAsync(settles(without(3)));
});

test.serial('a filter that accepts lets out even a pool that is kept out of BGP', async (t) => {
  const pools = poolsOf({}, { disableBGPExport: true });
  const accept = (net: Net): readonly Rule[] => [
    { action: 'Accept', matchOperator: 'In', cidr: network(net.pools[1]) },
  ];
  // h2 is of the same mind about the pool, and does not believe it without a filter of its own.
  await live({ h1: both('export', accept) }, { pools });
  await settles(without(3));
  await live({ h1: both('export', accept), h2: both('import', accept) }, { pools });
  await t.notThrowsAsync(settles(without()));
});

test.serial('an address that two hosts announce has both as next hops in the kernel', async (t) => {
  const { h1, h2, h3 } = lab;
  const shared = ['10.65.77.7', 'fd65::77:7'] as const;
  for (const host of [h1, h3]) for (const address of shared) await addWorkload(host, address);
  const nodes = Object.fromEntries(
    Object.entries(NODES).map(([name, { as: _, ...node }]) => [name, node]),
  ) as NonNullable<NetworkText['nodes']>;
  for (const host of Object.values(lab))
    t.deepEqual((await host.applies({ nodes, pools: poolsOf() })).failures, []);
  await allEstablished(h2, 4);
  const nextHops = async (address: string) =>
    [...(await h2.route(address)).matchAll(/via (\S+)/g)].map(([, via]) => via).sort();
  await until(async () => (await nextHops(shared[0])).length === 2, { what: 'two next hops' });
  t.deepEqual(await nextHops(shared[0]), ['10.99.0.1', '10.99.0.3']);
  await until(async () => (await nextHops(shared[1])).length === 2, { what: 'two IPv6 next hops' });
  t.deepEqual(await nextHops(shared[1]), ['fd99::1', 'fd99::3']);
  await h3.namespace.ip(`route del ${shared[0]}/32 dev cali1`);
  await until(async () => (await nextHops(shared[0])).join() === '10.99.0.1', { what: 'one next hop' });
});
