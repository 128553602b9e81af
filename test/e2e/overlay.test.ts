/** The examples of overlays as whole labs: who is reached, and what the fabric between the hosts sees of it. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CommandLine, inNamespace, runOrThrow } from '../../src/kernel/namespaces.js';
import type { IpFamily } from '../../src/model/address.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
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
        if (from !== to) t.true(await lab.reaches(from, to, 'tcp', family), `${from} -> ${to} IPv${family}`);
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
  for (const family of FAMILIES) await lab.reaches(from, to, 'tcp', family);
  return (await sentBy(lab, host)).map((count, index) => count - (before[index] ?? 0));
}

const SIGHTS = {
  4: { program: 'iptables', workloads: '192.168.0.0/16' },
  6: { program: 'ip6tables', workloads: 'fd80:24e2:f998:72d6::/64' },
} as const;

/** Has the fabric count what passes it: packets that are encapsulated, and packets of workloads that are not. */
async function countOnFabric(lab: TestLab): Promise<() => Promise<readonly (readonly number[])[]>> {
  const on = (commandLine: CommandLine) =>
    runOrThrow(lab.exec, inNamespace(lab.plan.fabric.namespace, commandLine));
  for (const family of FAMILIES) {
    const { program, workloads } = SIGHTS[family];
    await on([program, '-t', 'raw', '-A', 'PREROUTING', '-p', 'udp', '--dport', '4789']);
    await on([program, '-t', 'raw', '-A', 'PREROUTING', '-s', workloads]);
  }
  const countsOf = async (family: IpFamily) => {
    const { stdout } = await on([SIGHTS[family].program, '-t', 'raw', '-vnxL', 'PREROUTING']);
    return stdout
      .trim()
      .split('\n')
      .slice(2)
      .map((line) => Number.parseInt(line, 10));
  };
  return () => Promise.all(FAMILIES.map(countsOf));
}

test.serial(
  'overlay: without BGP every workload is reached through the tunnels, in both families',
  async (t) => {
    await using lab = await startStory('overlay');
    const seen = await countOnFabric(lab);
    await assertAllReached(t, lab);
    for (const [tunnelled = 0, bare] of await seen()) {
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
