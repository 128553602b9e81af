/**
 * A host that has just started, and one whose x_tables lock is held: with the legacy backend, which has one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { CommandLine } from '../../src/kernel/namespaces.js';
import { buildWorkload } from '../../src/lab/lab-network.js';
import type { LabWorkload } from '../../src/lab/lab-plan.js';
import { address } from '../helpers/build-resources.js';
import { FaultLab } from '../helpers/fault-lab.js';
import { flowsBetween, type Pair, PROBE_PORT, TrafficProber } from '../helpers/traffic-prober.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
const LOCK = `/run/heddle-test-${process.pid}.lock`;
let fault: FaultLab;

test.before('traffic flows', async () => {
  const agentFlags = ['--backend', 'iptables-legacy', '--xtables-lock', LOCK];
  fault = await FaultLab.start({ agentFlags });
});
test.after.always('the lab goes', async () => {
  await fault?.[Symbol.asyncDispose]();
  await rm(LOCK, { force: true });
});

const HOST = 'host-1';
const AGENT = `agent ${HOST}`;
const words = (text: string): CommandLine => text.split(' ') as [string, ...string[]];
const both = (text: string): readonly CommandLine[] =>
  ['iptables', 'ip6tables'].map((tool) => words(`${tool}-legacy ${text}`));

/** What a reboot leaves of a host, interfaces of workloads excepted: nothing forwards, nothing filters. */
const REBOOT: readonly CommandLine[] = [
  words('sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0'),
  ...['filter', 'nat', 'raw'].flatMap((table) => [...both(`-t ${table} -F`), ...both(`-t ${table} -X`)]),
  words('ipset destroy'),
  words('ip route flush proto 80'),
  words('ip -6 route flush proto 80'),
];

test('on a host that starts with its workloads there, nothing passes before policy is in force', async (t) => {
  for (const etcd of ['is there', 'comes later'] as const) {
    const start = fault.traffic.now();
    await fault.programs.kill(AGENT);
    for (const command of REBOOT) await fault.lab.on(HOST, command);
    if (etcd === 'comes later') await fault.programs.kill('etcd');
    const since = fault.traffic.now();
    await fault.programs.start(AGENT);
    if (etcd === 'comes later') {
      await until(() => fault.programs.log(AGENT).trimEnd().split('\n').at(-1)?.includes('store is away'));
      await fault.traffic.assertNeverAllowed(['web-1', 'web-2'], since);
      t.is(
        await fault.lab.on(HOST, words('iptables-legacy -S')),
        '-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n',
      );
      await fault.programs.start('etcd');
    }
    await fault.everythingAllowedPasses();
    await fault.nothingDeniedPassed(start);
    t.is(await fault.lab.on(HOST, words('sysctl -n net.ipv4.ip_forward')), '1\n');
  }
});

test('while another program holds the x_tables lock the old rules hold, and a push is made up for', async (t) => {
  const start = fault.traffic.now();
  const holder = spawn('flock', [LOCK, 'sh', '-c', 'echo held; exec sleep 300'], { detached: true });
  const release = () => {
    if (holder.pid !== undefined && holder.exitCode === null && holder.signalCode === null)
      process.kill(-holder.pid, 'SIGKILL');
  };
  t.teardown(release);
  await once(holder.stdout, 'data');
  const commit = await fault.pushVariant(1);
  const { error } = await fault.untilHost(HOST, ({ state }) => state === 'failed', 60_000);
  t.regex(error ?? '', /lock/);
  await fault.nothingDeniedPassed(start);
  await fault.nothingAllowedWasLost(start);
  release();
  await once(holder, 'exit');
  await fault.lab.live(commit);
  await fault.nothingDeniedPassed(start);
  await fault.nothingAllowedWasLost(start);
});

test('an interface of a workload that nobody knows is closed, routes to it or not', async (t) => {
  const { plan, exec } = fault.lab;
  const host = plan.hosts.find(({ name }) => name === HOST);
  const model = plan.workloads.find(({ name }) => name === 'web-1');
  if (!host || !model) throw new Error('web-1 is not in the lab');
  const stranger: LabWorkload = {
    ...model,
    name: 'stranger',
    namespace: `${plan.name}-w-stranger`,
    interfaceName: 'calistranger',
    addresses: ['192.168.1.99', 'fd80:24e2:f998:72d6::1:99'].map(address),
  };
  // The lab does not know of it, and leaves it.
  t.teardown(() => exec('ip', ['netns', 'delete', stranger.namespace]));
  await buildWorkload(exec, plan, host, stranger);
  const toGateway = `lladdr ${stranger.hostMac} dev eth0 nud permanent`;
  await exec('ip', ['-n', stranger.namespace, ...words(`neigh replace 169.254.1.1 ${toGateway}`)]);
  for (const own of stranger.addresses) {
    const family = own.includes(':') ? '-6' : '-4';
    await fault.lab.on(HOST, words(`ip ${family} route add ${own} dev calistranger proto static`));
    const toStranger = `lladdr ${stranger.mac} dev calistranger nud permanent`;
    await fault.lab.on(HOST, words(`ip neigh replace ${own} ${toStranger}`));
  }
  const pairs: readonly Pair[] = [
    ['stranger', 'web-1'],
    ['stranger', 'web-2'],
    ['web-1', 'stranger'],
  ];
  await using traffic = await TrafficProber.start({
    plan: { ...plan, workloads: [...plan.workloads, stranger] },
    flows: flowsBetween(pairs, ['udp', 'icmp']).map((flow) => ({ ...flow, port: PROBE_PORT + 1 })),
  });
  for (const pair of pairs) await t.notThrowsAsync(traffic.assertNeverAllowed(pair));

  // Nothing but policy was in the way.
  const endpoint = {
    ...{ apiVersion: 'heddle/v1', kind: 'WorkloadEndpoint', metadata: { name: stranger.name } },
    spec: {
      ...{ node: HOST, interfaceName: stranger.interfaceName, mac: stranger.mac },
      ...{ ipNetworks: stranger.addresses, profiles: ['web'] },
    },
  };
  await writeFile(join(fault.lab.state.workTree, 'stranger.yaml'), JSON.stringify(endpoint));
  await fault.lab.push('No stranger any more');
  for (const pair of pairs) await t.notThrowsAsync(traffic.untilAllowed(pair, 60_000));
});
