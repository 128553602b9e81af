/**
 * What others do to the kernel behind the agent's back is put right within seconds, and what is theirs stays.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { CommandLine } from '../../src/kernel/namespaces.js';
import { connectWorkload } from '../../src/lab/lab-network.js';
import { labFolder } from '../../src/lab/lab-state.js';
import { DENIED, FaultLab } from '../helpers/fault-lab.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
let fault: FaultLab;

test.before('traffic flows', async () => {
  fault = await FaultLab.start();
});
test.after.always('the lab goes', () => fault?.[Symbol.asyncDispose]());

const HOST = 'host-1';
const AGENT = `agent ${HOST}`;
const FAMILIES = ['iptables', 'ip6tables'];
const both = (words: string): readonly CommandLine[] =>
  FAMILIES.map((tool) => [`${tool}-nft`, ...words.split(' ')] as const);
const one = (words: string): CommandLine => words.split(' ') as [string, ...string[]];
const iface = (name: string): string => {
  const found = fault.lab.plan.workloads.find((workload) => workload.name === name);
  if (!found) throw new Error(`There is no workload ${name}`);
  return found.interfaceName;
};

/** Everything that an agent and others may write on a host: rules in their order, the rest sorted. */
async function kernelOf(host: string): Promise<readonly string[]> {
  const sysctl = (path: string) => ['cat', `/proc/sys/net/ipv4/${path}`] as const;
  const unordered: readonly CommandLine[] = [
    ['ipset', 'save'],
    ['ip', 'route'],
    ['ip', '-6', 'route'],
    ['ip', 'neigh', 'show', 'nud', 'permanent'],
    ['ip', '-6', 'neigh', 'show', 'nud', 'permanent'],
    sysctl('ip_forward'),
    ...['proxy_arp', 'rp_filter', 'forwarding'].map((name) => sysctl(`conf/${iface('web-1')}/${name}`)),
  ];
  const lines: string[] = [];
  // Save files say when they were made, and count packets.
  for (const tool of FAMILIES)
    lines.push(...(await linesOf(host, [`${tool}-nft-save`])).map((line) => `${tool} ${line}`));
  for (const command of unordered)
    lines.push(...(await linesOf(host, command)).map((line) => `${command.join(' ')}: ${line}`).sort());
  return lines;
}

async function linesOf(host: string, command: CommandLine): Promise<readonly string[]> {
  const lines = (await fault.lab.on(host, command)).split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/ \[\d+:\d+\]$| initval \S+/, '').trimEnd())
    .map(withoutGeneration);
}

/** A set may come back as its next generation; by its name the hashes of rules differ, too. */
function withoutGeneration(line: string): string {
  return line.replace(/\bcali([46])\d(?=[a-z])/g, 'cali$1').replace(/"cali:[\w-]{16}"/, '"cali"');
}

function isTheirs(line: string): boolean {
  return line.includes('--comment theirs');
}

/** What the agent has put right, as its log tells. */
async function repairsTold(): Promise<string> {
  const file = join(labFolder(fault.lab.plan.name), 'logs', `${AGENT.replace(' ', '-')}.log`);
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.filter((line) => line.includes('not as it was left')).join('\n');
}

/** Whether the first rule of FORWARD is our jump, in both families. */
function isOursFirst(kernel: readonly string[]): boolean {
  return FAMILIES.every((tool) =>
    kernel.find((line) => line.startsWith(`${tool} -A FORWARD `))?.endsWith(' -j cali-FORWARD'),
  );
}

interface Disturbance {
  readonly title: string;
  /** What the agent says that it has put right. */
  readonly told: RegExp;
  readonly commands: () => readonly CommandLine[];
  /** Whether nothing may pass that must not even while it lasts. */
  readonly closed?: boolean;
  /** Takes away what of it is theirs, and stays. */
  readonly undo?: () => readonly CommandLine[];
}

const DISTURBANCES: readonly Disturbance[] = [
  {
    title: 'FORWARD is flushed',
    told: /chain FORWARD of iptables-4-filter/,
    commands: () => both('-F FORWARD'),
  },
  {
    title: 'the table filter is flushed',
    told: /chain cali-FORWARD of iptables-6-filter/,
    commands: () => both('-F'),
  },
  {
    title: 'the table filter is emptied',
    told: /chain cali-FORWARD of iptables-4-filter/,
    commands: () => [...both('-F'), ...both('-X')],
  },
  {
    title: 'our own chains are flushed',
    told: /chain cali-FORWARD of iptables-4-filter/,
    commands: () => both('-F cali-FORWARD'),
  },
  {
    title: 'a rule of theirs is put into a chain of ours',
    told: /chain cali-FORWARD of iptables-6-filter/,
    commands: () => both('-I cali-FORWARD -j ACCEPT'),
  },
  {
    title: 'a rule of theirs is put before our jump',
    told: /chain FORWARD of iptables-6-filter/,
    commands: () => both('-I FORWARD -m comment --comment theirs -j ACCEPT'),
    undo: () => both('-D FORWARD -m comment --comment theirs -j ACCEPT'),
  },
  {
    title: 'our rule is deleted from the table raw',
    told: /chain PREROUTING of iptables-6-raw/,
    commands: () => [one('ip6tables-nft -t raw -F')],
  },
  { title: 'our sets are flushed', told: /ipset cali4/, commands: () => [one('ipset flush')], closed: true },
  {
    title: 'rules and sets are gone altogether',
    told: /chain cali-POSTROUTING of iptables-4-nat/,
    commands: () => [...both('-F'), ...both('-X'), ...both('-t nat -F'), one('ipset destroy')],
  },
  {
    title: 'routes to workloads are deleted',
    told: /route 192\.168\.\S+ dev cali/,
    commands: () => [one('ip route flush proto 80'), one('ip -6 route flush proto 80')],
    closed: true,
  },
  {
    title: 'a route with our mark and a permanent neighbour are added',
    told: /route 192\.0\.2\.0\/24 dev cali.*neighbor 192\.0\.2\.1 dev cali|neighbor 192\.0\.2\.1 dev cali.*route 192\.0\.2\.0\/24 dev cali/s,
    commands: () => [
      one(`ip route add 192.0.2.0/24 dev ${iface('web-1')} proto 80`),
      one(`ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:07 dev ${iface('web-1')} nud permanent`),
    ],
    closed: true,
  },
  {
    title: 'neighbour entries are deleted',
    told: /neighbor 192\.168\.\S+ dev cali/,
    commands: () => [one(`ip neigh flush dev ${iface('web-1')} nud permanent`)],
    closed: true,
  },
  {
    title: 'sysctls of an interface and of the host are changed',
    told: /net\/ipv4\/ip_forward/,
    commands: () => [
      one(`sysctl -qw net.ipv4.conf.${iface('web-1')}.proxy_arp=0`),
      one(`sysctl -qw net.ipv4.conf.${iface('web-1')}.rp_filter=0`),
      one('sysctl -qw net.ipv4.ip_forward=0'),
      one('sysctl -qw net.ipv6.conf.all.forwarding=0'),
    ],
    closed: true,
  },
];

for (const { title, told, commands, closed, undo = () => [] } of DISTURBANCES)
  test(`${title}: put right and told, and nothing else is touched`, async (t) => {
    const before = await kernelOf(HOST);
    const start = fault.traffic.now();
    const said = await repairsTold();
    fault.programs.signal(AGENT, 'SIGSTOP');
    for (const command of commands()) await fault.lab.on(HOST, command);
    t.notDeepEqual(await kernelOf(HOST), before, 'it did something');
    fault.programs.signal(AGENT, 'SIGCONT');

    let now: readonly string[] = [];
    const isRight = async () => {
      now = await kernelOf(HOST);
      return now.filter((line) => !isTheirs(line)).join('\n') === before.join('\n') && isOursFirst(now);
    };
    await until(isRight, { timeoutMs: 30_000 }).catch(() => t.deepEqual(now, before));
    await until(async () => told.test((await repairsTold()).slice(said.length)), {
      what: `${told} in the log`,
    });
    if (!closed) await fault.everythingDeniedIsCut();
    await fault.nothingDeniedPassed(closed ? start : fault.traffic.now());
    await fault.everythingAllowedPasses();
    t.is(now.filter(isTheirs).length, undo().length, 'what is theirs is there');
    for (const command of undo()) await fault.lab.on(HOST, command);
  });

/** Those of which the kernel tells. Of sets it does not. */
const HEARD = DISTURBANCES.filter(({ title }) => !/sets|sysctls/.test(title));

test('what the kernel tells of is put right when it happens: no timer is due for an hour', async (t) => {
  await fault.refreshEvery('3600s');
  t.true(HEARD.length >= 8);
  for (const { title, commands, undo = () => [] } of HEARD) {
    const before = await kernelOf(HOST);
    // The agent may be faster: a chain that it has filled again cannot be deleted.
    let refused = 0;
    for (const command of commands())
      await fault.lab.on(HOST, command).catch(() => {
        refused += 1;
      });
    t.true(refused < commands().length, `${title}: one command at least did something`);
    let now: readonly string[] = [];
    const isRight = async () => {
      now = await kernelOf(HOST);
      return now.filter((line) => !isTheirs(line)).join('\n') === before.join('\n') && isOursFirst(now);
    };
    await until(isRight, { timeoutMs: 30_000 }).catch(() => t.deepEqual(now, before, title));
    for (const command of undo()) await fault.lab.on(HOST, command);
  }
  await fault.everythingDeniedIsCut();
  await fault.nothingDeniedPassed(fault.traffic.now());
  await fault.everythingAllowedPasses();
  await fault.refreshEvery('1s');
});

test('an agent without memory sweeps what is ours and stale, and leaves what is theirs', async (t) => {
  const before = await kernelOf(HOST);
  await fault.programs.kill(AGENT);
  const start = fault.traffic.now();
  const stale = [
    ...both('-N cali-fw-calistale'),
    ...both('-A cali-fw-calistale -j ACCEPT'),
    one('ipset create cali40stale hash:net'),
    one('ip route add 192.168.99.1/32 dev eth0 proto 80'),
    one('ip -6 route add fd80:24e2:f998:72d6::99:1/128 dev eth0 proto 80'),
    one(`ip neigh add 192.168.99.1 lladdr 02:00:00:00:00:99 dev ${iface('web-1')} nud permanent`),
  ];
  const theirs = [
    ...both('-N THEIRS'),
    ...both('-A THEIRS -m comment --comment theirs -j RETURN'),
    ...both('-A FORWARD -j THEIRS'),
    ...both('-t nat -A POSTROUTING -m comment --comment theirs -o nowhere -j MASQUERADE'),
    one('ipset create theirs hash:ip'),
    one('ipset add theirs 192.0.2.1'),
    one('ip route add 192.168.98.0/24 via 10.99.0.254 proto static'),
    one('ip -6 route add fd80:24e2:f998:72d6:98::/80 via fd99::fe proto static'),
    one('ip route add unreachable 192.168.97.0/24 metric 9'),
    one('ip neigh add 10.99.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent'),
  ];
  for (const command of theirs) await fault.lab.on(HOST, command);
  const wanted = await kernelOf(HOST);
  for (const command of stale) await fault.lab.on(HOST, command);
  t.true((await kernelOf(HOST)).length > wanted.length && wanted.length > before.length);
  await fault.programs.start(AGENT);
  let now: readonly string[] = [];
  const isRight = async () => {
    now = await kernelOf(HOST);
    return now.join('\n') === wanted.join('\n');
  };
  await until(isRight, { timeoutMs: 30_000 }).catch(() => t.deepEqual(now, wanted));
  await fault.nothingDeniedPassed(start);
  await fault.nothingAllowedWasLost(start);
});

test('what was let in while no agent ran is cut by the next one', async (t) => {
  await fault.programs.kill(AGENT);
  for (const command of both('-F FORWARD')) await fault.lab.on(HOST, command);
  await fault.traffic.untilAllowed(['batch-1', 'web-1']);
  await fault.programs.start(AGENT);
  await fault.everythingDeniedIsCut();
  await t.notThrowsAsync(fault.nothingDeniedPassed(fault.traffic.now()));
});

test('a pair of interfaces that is deleted and made anew under its name is connected again', async (t) => {
  const { plan } = fault.lab;
  const workload = plan.workloads.find(({ name }) => name === 'web-1');
  const host = plan.hosts.find(({ name }) => name === HOST);
  if (!workload || !host) throw new Error('web-1 is not in the lab');
  const start = fault.traffic.now();
  const before = (await kernelOf(HOST)).join('\n');
  for (let round = 0; round < 3; round += 1) {
    await fault.lab.on(HOST, ['ip', 'link', 'delete', workload.interfaceName]);
    await connectWorkload(fault.lab.exec, host, workload);
    await fault.everythingAllowedPasses();
  }
  await until(async () => (await kernelOf(HOST)).join('\n') === before);
  await t.notThrowsAsync(fault.nothingDeniedPassed(start));
});

test('the prober sees what passes: with FORWARD flushed and nobody to put it right, everything does', async (t) => {
  fault.programs.signal(AGENT, 'SIGSTOP');
  const [pair] = DENIED;
  if (!pair) throw new Error('There is no denied pair');
  await t.notThrowsAsync(fault.traffic.assertNeverAllowed(pair, fault.traffic.now()));
  for (const command of both('-F FORWARD')) await fault.lab.on(HOST, command);
  await fault.traffic.untilAllowed(pair);
  await t.throwsAsync(fault.traffic.assertNeverAllowed(pair, fault.traffic.now()));
  fault.programs.signal(AGENT, 'SIGCONT');
  await fault.everythingDeniedIsCut();
  t.true(isOursFirst(await kernelOf(HOST)));
  await fault.nothingDeniedPassed(fault.traffic.now());
});
