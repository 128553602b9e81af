/** The examples of overlays as whole labs: who is reached, and what the fabric between the hosts sees of it. */
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CommandLine, inNamespace, runOrThrow } from '../../src/kernel/namespaces.js';
import type { IpFamily } from '../../src/model/address.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { hasIpip } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

const FAMILIES = [4, 6] as const;

async function startStory(story: string): Promise<TestLab> {
  const lab = await TestLab.start(exampleFolder(story));
  await lab.live(await lab.head());
  return lab;
}

async function assertAllReached(t: ExecutionContext, lab: TestLab): Promise<void> {
  for (const family of FAMILIES)
    for (const { name: from } of lab.plan.workloads)
      for (const { name: to } of lab.plan.workloads)
        if (from !== to) t.true(await lab.arrives(from, to, 'tcp', family), `${from} -> ${to} IPv${family}`);
}

/** How many packets the tunnels of a host have sent, both families. */
async function sentBy(lab: TestLab, host: string): Promise<readonly number[]> {
  const sent = ['vxlan.calico', 'vxlan-v6.calico'].map(async (device) => {
    const [link] = JSON.parse(await lab.on(host, ['ip', '-s', '-j', 'link', 'show', device]));
    return link.stats64.tx.packets as number;
  });
  return Promise.all(sent);
}

/** How many packets more each tunnel of a host has sent when a workload has been reached. */
async function sentFor(lab: TestLab, host: string, from: string, to: string): Promise<readonly number[]> {
  const before = await sentBy(lab, host);
  for (const family of FAMILIES) await lab.arrives(from, to, 'tcp', family);
  return (await sentBy(lab, host)).map((count, index) => count - (before[index] ?? 0));
}

const PROGRAMS = { 4: 'iptables', 6: 'ip6tables' } as const;
const VXLAN = '-p udp --dport 4789';

/** Has the fabric count the packets that pass it, sight by sight, in one family. */
async function countOnFabric(
  lab: TestLab,
  family: IpFamily,
  sights: readonly string[],
): Promise<() => Promise<readonly number[]>> {
  const on = (...commandLine: CommandLine) =>
    runOrThrow(lab.exec, inNamespace(lab.plan.fabric.namespace, commandLine));
  for (const sight of sights)
    await on(PROGRAMS[family], '-t', 'raw', '-A', 'PREROUTING', ...sight.split(' '));
  return async () => {
    const { stdout } = await on(PROGRAMS[family], '-t', 'raw', '-vnxL', 'PREROUTING');
    const lines = stdout.trim().split('\n').slice(2);
    return lines.map((line) => Number.parseInt(line, 10));
  };
}

test.serial(
  'overlay: without BGP every workload is reached through the tunnels, in both families',
  async (t) => {
    await using lab = await startStory('overlay');
    const seen = await Promise.all([
      countOnFabric(lab, 4, [VXLAN, '-s 192.168.0.0/16']),
      countOnFabric(lab, 6, [VXLAN, '-s fd80:24e2:f998:72d6::/64']),
    ]);
    await assertAllReached(t, lab);
    for (const counts of seen) {
      const [tunnelled = 0, bare] = await counts();
      t.true(tunnelled > 0);
      t.is(bare, 0, 'the fabric sees no address of a workload');
    }
    t.regex(await lab.probed('overlay'), /[1-9]\d* probes, 0 mismatches/);
    for (const [from, to] of [
      ['web-1', 'web-2'],
      ['web-2', 'web-3'],
    ] as const) {
      const host = from.replace('web', 'host');
      const sent = await sentFor(lab, host, from, to);
      t.true(
        sent.every((count) => count > 0),
        `${from} -> ${to} is encapsulated: ${sent}`,
      );
    }
    // The fabric has an MTU of 1500: 50 and 70 octets of it are the encapsulation's.
    for (const [device, mtu] of [
      ['vxlan.calico', 1450],
      ['vxlan-v6.calico', 1430],
    ] as const) {
      const [link] = JSON.parse(await lab.on('host-1', ['ip', '-j', 'link', 'show', device]));
      t.is(link.mtu, mtu);
    }
    // Policy only: nothing is rendered for BIRD, and none runs.
    const { stdout } = await lab.heddle(['render', 'bird', '--node', 'host-1', exampleFolder('overlay')]);
    t.is(stdout, '');
    for (const { name } of lab.plan.hosts) {
      await t.throwsAsync(access(join(lab.stateDirOf(name), 'bird/bird.pid')), { code: 'ENOENT' });
      t.is(await lab.on(name, ['ip', 'route', 'show', 'proto', 'bird']), '');
    }
  },
);

test.serial(
  'overlay-cross-subnet: what stays in the subnet is routed, what leaves it is encapsulated',
  async (t) => {
    await using lab = await startStory('overlay-cross-subnet');
    await assertAllReached(t, lab);
    t.regex(await lab.probed('overlay-cross-subnet'), /[1-9]\d* probes, 0 mismatches/);
    t.deepEqual(await sentFor(lab, 'host-2', 'web-2', 'web-3'), [0, 0], 'within a subnet');
    const sent = await sentFor(lab, 'host-2', 'web-2', 'web-1');
    t.true(
      sent.every((count) => count > 0),
      `between subnets: ${sent}`,
    );
    // BIRD hears of the routes and announces those of its host; the kernel it leaves to the agent.
    const socket = join(lab.stateDirOf('host-2'), 'bird/bird.ctl');
    for (const [workload, peer] of [
      ['192.168.3.10', 'Mesh_10_99_2_3'],
      ['192.168.1.10', 'Mesh_10_99_1_1'],
      ['fd80:24e2:f998:72d6::3:10', 'Mesh_fd99_2__3'],
    ] as const) {
      const heard = () => lab.on('host-2', ['birdc', '-s', socket, 'show', 'route', 'for', workload]);
      await until(async () => (await heard()).includes(`[${peer} `), { what: `${workload} from ${peer}` });
    }
    t.regex(await lab.on('host-2', ['ip', 'route', 'get', '192.168.3.10']), /via 10\.99\.2\.3 dev eth0/);
    for (const { name } of lab.plan.hosts)
      for (const family of FAMILIES)
        t.is(await lab.on(name, ['ip', `-${family}`, 'route', 'show', 'proto', 'bird']), '', name);
  },
);

/** Ends the conversation of the example; IPv4 and IPv6 alike. */
const DENY = `apiVersion: heddle/v1
kind: GlobalNetworkPolicy
metadata: { name: silence }
spec: { selector: app == 'web', types: [Ingress], ingress: [{ action: Deny }] }
`;

test.serial(
  'overlay-ipip: encapsulated between subnets; where the kernel has no IPIP every host says so, and nothing else suffers',
  async (t) => {
    await using lab = await TestLab.start(exampleFolder('overlay-ipip'));
    const fabric = lab.plan.fabric.namespace;
    const present = await hasIpip({
      exec: (command, args) => {
        const [enter, ...rest] = inNamespace(fabric, [command, ...args]);
        return lab.exec(enter, rest);
      },
    });
    t.log(
      present ? 'this kernel has IPIP: its packets are asserted' : 'this kernel has none: the refusal is',
    );
    // All of web-1's packets are between subnets. What stays in one is bridged, and netfilter may see that too.
    const seen = await countOnFabric(lab, 4, ['-p 4', '-s 192.168.1.10', '-d 192.168.1.10']);
    const reached = (from: string, to: string, family: IpFamily) =>
      until(() => lab.reaches(from, to, 'tcp', family), { what: `${from} -> ${to} IPv${family}` });

    if (present) {
      await lab.live(await lab.head());
      await assertAllReached(t, lab);
      t.regex(await lab.probed('overlay-ipip'), /[1-9]\d* probes, 0 mismatches/);
    } else {
      const message =
        'tunnel ipip.calico: this kernel has no IPIP (module ipip): use vxlanMode, or load the module';
      const saying = async () =>
        (await lab.status()).hosts.filter(
          ({ state, error }) => state === 'degraded' && error?.includes(message),
        );
      await until(async () => (await saying()).length === 3, {
        what: 'hosts that say so',
        timeoutMs: 60_000,
      });
      const { stdout } = await lab.heddle(['status', '--etcd', lab.state.etcdOutside]);
      t.is(stdout.split(message).length - 1, 3, stdout);
      await reached('web-2', 'web-3', 4);
      for (const [from, to] of [
        ['web-1', 'web-2'],
        ['web-3', 'web-1'],
      ] as const) {
        await reached(from, to, 6);
        t.false(await lab.reaches(from, to, 'tcp', 4), `${from} -> ${to} would leave the subnet`);
      }
    }
    const [tunnelled = 0, ...bare] = await seen();
    t.is(tunnelled > 0, present);
    t.deepEqual(bare, [0, 0], 'between subnets the fabric sees no address of a workload');
    for (const { name } of lab.plan.hosts)
      t.is(await lab.on(name, ['ip', 'route', 'show', 'proto', 'bird']), '', "the routes are the agent's");

    await rm(join(lab.state.workTree, 'tests.yaml'));
    await writeFile(join(lab.state.workTree, 'silence.yaml'), DENY);
    await lab.push('Nobody talks');
    for (const [from, to, family] of [
      ['web-2', 'web-3', 4],
      ['web-1', 'web-2', 6],
    ] as const)
      await until(async () => !(await lab.reaches(from, to, 'tcp', family)), { what: `${from} is cut off` });
    t.pass('policy is in force');
  },
);
