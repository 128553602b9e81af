/** What a host believes of a daemon that is not ours: a real BIRD with a configuration of its own, beside a mesh. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { type NetworkText, network } from '../topology/topology-fixture.js';
import { allEstablished, appears, createLab, type Host, type Lab, vanishes } from './bgp-fixture.js';

requirePrivateNetns();

const NODES = { h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' }, h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64' } };
const POOLS = { '10.65.0.0/16': {}, 'fd65::/48': {}, '10.66.0.0/16': { disableBGPExport: true } };
const PEERS = {
  tor4: { node: 'h1', peerIP: '10.99.0.9', asNumber: 65100 },
  tor6: { node: 'h1', peerIP: 'fd99::9', asNumber: 65100 },
};
/** A workload of h2, and what a foreign daemon has no business to say. */
const THEIRS = ['10.65.2.1/32', 'fd65::2:1/128'] as const;
const FORBIDDEN = [
  ...THEIRS,
  '10.65.7.7/32',
  '10.65.0.0/17',
  '10.65.0.0/16',
  '10.65.1.0/26',
  '10.66.1.1/32',
  'fd65::7:7/128',
  'fd65::/49',
  'fd65::1:0/122',
];
const DEFAULTS = ['0.0.0.0/0', '::/0'];
const OUTSIDE = ['203.0.113.0/24', '2001:db8:f00::/48'] as const;
const LATER = ['198.51.100.0/24', '2001:db8:e00::/48'] as const;

let lab: Lab<'h1' | 'h2' | 'tor'>;

const socketOf = (host: Host, name: string): string => join(host.stateDir, `${name}.ctl`);
const birdc = (host: Host, socket: string, ...command: string[]): Promise<string> =>
  host.namespace.run('birdc', ['-s', socketOf(host, socket), ...command]);

/** Networks that the BIRD behind this socket knows from its BGP peers, or from one of them, sorted. */
async function heard(host: Host, socket: string, from = '"*_*"'): Promise<readonly string[]> {
  const said = await birdc(host, socket, `show route where source = RTS_BGP && proto ~ ${from}`);
  return [...said.matchAll(/^([0-9a-f.:]+\/\d+) /gm)].map(([, net]) => net ?? '').sort();
}

const isFamily = (family: 4 | 6) => (net: string) => net.includes(':') === (family === 6);

/** A router that says all of this to its two peers, and passes on what one tells it to the other. */
function routerConfig(routes: readonly string[]): string {
  const family = (of: 4 | 6, peers: readonly string[]) => `
    protocol static say_${of} { ipv${of}; ${routes
      .filter(isFamily(of))
      .map((net) => `route ${net} blackhole;`)
      .join(' ')} }
    ${peers
      .map(
        (peer, index) => `protocol bgp peer_${of}_${index} {
          local as 65100; neighbor ${peer} external; multihop; passive;
          ipv${of} { import all; export where source = RTS_STATIC || source = RTS_BGP; next hop self; };
        }`,
      )
      .join('\n')}`;
  return `log "${join(lab.tor.stateDir, 'tor.log')}" all;
    router id 10.99.0.9;
    protocol device {}
    protocol direct { ipv4; ipv6; interface "eth0"; }
    ${family(4, ['10.99.0.1', '10.99.0.2'])}
    ${family(6, ['fd99::1', 'fd99::2'])}`;
}

async function says(routes: readonly string[]): Promise<void> {
  await writeFile(join(lab.tor.stateDir, 'tor.conf'), routerConfig(routes));
  await birdc(lab.tor, 'tor', 'configure');
}

async function live(more: NetworkText = {}): Promise<void> {
  for (const host of [lab.h1, lab.h2]) {
    const { failures } = await host.applies({ nodes: NODES, pools: POOLS, peers: PEERS, ...more });
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
}

test.before('two hosts of ours, and a router that is not', async () => {
  lab = await createLab({ h1: 1, h2: 2, tor: 9 });
  for (const [index, host] of [lab.h1, lab.h2].entries()) {
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
    await host.namespace.ip(`-6 route add fd65::${index + 1}:1/128 dev cali1 proto 80`);
  }
  const config = join(lab.tor.stateDir, 'tor.conf');
  await writeFile(config, routerConfig([]));
  const pidFile = join(lab.tor.stateDir, 'tor.pid');
  await lab.tor.namespace.run('bird', ['-c', config, '-s', socketOf(lab.tor, 'tor'), '-P', pidFile]);
});

test.after.always('nothing is left', async () => {
  if (lab) await birdc(lab.tor, 'tor', 'down');
  await lab?.[Symbol.asyncDispose]();
});

test.serial('a foreign peer is not believed our pools nor a default route, and all else', async (t) => {
  const { h1, h2 } = lab;
  await live({ blocks: { '10.65.1.0/26': { h1: 'confirmed' } } });
  await says([...FORBIDDEN, ...DEFAULTS, ...OUTSIDE]);
  await allEstablished(h1, 4);
  for (const net of OUTSIDE) await appears(h1, net);
  // What is said after all that has come after all that.
  await says([...FORBIDDEN, ...DEFAULTS, ...OUTSIDE, ...LATER]);
  for (const net of LATER) await appears(h1, net);
  await says([...FORBIDDEN, ...DEFAULTS, ...OUTSIDE]);
  for (const net of LATER) await vanishes(h1, net);
  t.regex(await h1.route(OUTSIDE[0]), /via 10\.99\.0\.9 dev eth0 proto bird/);
  t.regex(await h1.route(OUTSIDE[1]), /via fd99::9 dev eth0 proto bird/);
  t.deepEqual(await heard(h1, 'bird', '"Node_*"'), [...OUTSIDE].sort());
  t.regex(await h1.route('default'), /^default via 10\.99\.0\.254 dev eth0 *$/);
  t.regex(await appears(h1, '10.65.2.1'), /via 10\.99\.0\.2 /, "the other host's workload is where it is");
  t.regex(await h1.route('10.65.1.0/26'), /^blackhole /);
  const { sessions } = await h2.speaker.status();
  t.is(sessions.length, 2);
  for (const net of OUTSIDE)
    t.is(await h2.route(net), '', 'what a peer says stays on the host it says it to');
});

test.serial('a foreign peer is told the workloads and blocks of all hosts, and nothing else', async (t) => {
  const { tor } = lab;
  const told = ['10.65.1.0/26', '10.65.2.1/32', 'fd65::1:1/128', 'fd65::2:1/128'];
  await until(async () => (await heard(tor, 'tor', '"peer_*"')).join() === told.join(), {
    what: `${told} at the router`,
  });
  t.deepEqual(await heard(tor, 'tor', '"peer_*"'), told);
});

test.serial('a BGPFilter that accepts beats the import protection, rule by rule', async (t) => {
  const { h1 } = lab;
  const peers = Object.fromEntries(
    Object.entries(PEERS).map(([name, peer]) => [name, { ...peer, filters: ['allow'] }]),
  );
  await live({
    peers,
    filters: {
      allow: {
        importV4: [
          { action: 'Accept', matchOperator: 'Equal', cidr: network('10.65.7.7/32') },
          { action: 'Accept', matchOperator: 'Equal', cidr: network('0.0.0.0/0') },
          { action: 'Reject', matchOperator: 'In', cidr: network('203.0.113.0/24') },
        ],
        importV6: [
          { action: 'Accept', matchOperator: 'Equal', cidr: network('fd65::7:7/128') },
          { action: 'Accept', matchOperator: 'Equal', cidr: network('::/0') },
        ],
      },
    },
  });
  const wanted = [...DEFAULTS, '10.65.7.7/32', 'fd65::7:7/128', OUTSIDE[1]].sort();
  await until(async () => (await heard(h1, 'bird', '"Node_*"')).join() === wanted.join(), {
    what: `${wanted} at h1`,
  });
  t.regex(await appears(h1, '10.65.7.7'), /via 10\.99\.0\.9 /);
  t.regex(await appears(h1, 'fd65::7:7'), /via fd99::9 /);
});

/** Each rack is a system of its own, and hosts of different racks hear of each other through the switch only. */
test.serial(
  'racks that are systems of their own reach each other through a switch that a filter trusts',
  async (t) => {
    const { h1, h2 } = lab;
    const racks = (filters: readonly string[]): NetworkText => ({
      nodes: { h1: { ...NODES.h1, as: 65001 }, h2: { ...NODES.h2, as: 65002 } },
      bgp: { default: { nodeToNodeMeshEnabled: false } },
      peers: {
        tor4: { peerIP: '10.99.0.9', asNumber: 65100, filters },
        tor6: { peerIP: 'fd99::9', asNumber: 65100, filters },
      },
      filters: {
        racks: {
          importV4: [{ action: 'Accept', matchOperator: 'In', cidr: network('10.65.0.0/16') }],
          importV6: [{ action: 'Accept', matchOperator: 'In', cidr: network('fd65::/48') }],
        },
      },
    });
    await says([]);
    await live(racks([]));
    for (const host of [h1, h2]) await allEstablished(host, 2);
    await vanishes(h1, '10.65.2.1');
    await live(racks(['racks']));
    for (const address of ['10.65.2.1', 'fd65::2:1']) await appears(h1, address);
    for (const address of ['10.65.1.1', 'fd65::1:1']) await appears(h2, address);
    t.regex(await h1.route('10.65.2.1'), /via 10\.99\.0\.9 /);
    t.regex(await h2.route('fd65::1:1'), /via fd99::9 /);
  },
);
