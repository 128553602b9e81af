/**
 * The iptables backend on the real kernel: both variants, both families.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { IpSetId } from '../../src/agent/calc/updates.js';
import type { PacketFilter } from '../../src/agent/dataplane/backends/backend.js';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import type { ChainName, ChainRule } from '../../src/agent/dataplane/intent.js';
import { DROP, jump, RETURN, rule } from '../../src/agent/dataplane/rules/chain-rule.js';
import { type IpFamily, maskCidr } from '../../src/model/address.js';
import { cidr } from '../agent/dataplane/batch.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import {
  applyAll,
  createHost,
  dropFrom,
  type Host,
  queueResync,
  unwishChain,
  verifyAll,
  wishChain,
  wishHook,
} from './dataplane-fixture.js';

requirePrivateNetns();

const NETS = {
  4: {
    net: cidr('10.1.0.0/24'),
    other: cidr('10.2.0.0/24'),
    hosts: [cidr('10.1.0.1/32'), cidr('10.1.0.2/32')],
  },
  6: { net: cidr('fd01::/64'), other: cidr('fd02::/64'), hosts: [cidr('fd01::1/128'), cidr('fd01::2/128')] },
} as const;

const SET = 's:0123456789abcdefghijklmnopqrst' as IpSetId;

const DENIES = new Map([[SET, { joining: true, leaving: false }]]);

function fromSet(id: IpSetId): ChainRule {
  return rule([{ type: 'ip-set', end: 'source', id, negated: false }], DROP);
}

/** FORWARD -> cali-FORWARD -> cali-a, which looks into a set. */
function wishExample(filter: PacketFilter): void {
  const { net, hosts } = NETS[filter.family];
  filter.ipSets.replace(SET, 'hash:net', hosts);
  wishHook(filter);
  wishChain(filter, 'cali-FORWARD', [rule([], jump('cali-a' as ChainName)), rule([], RETURN)]);
  wishChain(filter, 'cali-a', [dropFrom(net), fromSet(SET), rule([], RETURN, 'The end')], 'filter', DENIES);
}

const FOREIGN = [
  '*filter',
  ':DOCKER - [0:0]',
  '-A FORWARD -m comment --comment "not cali:aaaaaaaaaaaaaaaa ours -j cali-old" -j DOCKER',
  '-A DOCKER -j RETURN',
  'COMMIT',
  '*mangle',
  ':KUBE - [0:0]',
  '-A PREROUTING -j KUBE',
  'COMMIT',
];

const STALE = [
  '*filter',
  ':cali-old - [0:0]',
  ':cali-older - [0:0]',
  ':felix-FORWARD - [0:0]',
  '-A cali-old -j cali-older',
  '-A cali-older -j RETURN',
  '-A felix-FORWARD -j DROP',
  '-A FORWARD -j felix-FORWARD',
  '-A FORWARD -m comment --comment "cali:0123456789abcdef" -j cali-old',
  'COMMIT',
  // Felix has one for policy before DNAT.
  '*mangle',
  ':cali-PREROUTING - [0:0]',
  '-A cali-PREROUTING -j DROP',
  '-A PREROUTING -m comment --comment "cali:0123456789abcdef" -j cali-PREROUTING',
  'COMMIT',
];

function variants(title: string, body: (t: ExecutionContext, host: Host) => Promise<void>): void {
  for (const backend of ['iptables', 'iptables-legacy'] satisfies BackendName[])
    for (const family of [4, 6] satisfies IpFamily[])
      test.serial(`${backend} IPv${family}: ${title}`, async (t) => {
        await using host = await createHost(backend, family);
        await body(t, host);
      });
}

variants('writes once, and nothing again while wishes stay equal', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  const report = await applyAll(filter);
  t.deepEqual(report.failures, []);
  t.is(report.changed, 4);
  t.deepEqual(await verifyAll(filter), []);

  host.calls();
  wishExample(filter);
  t.deepEqual(await applyAll(filter), { changed: 0, failures: [] });
  t.deepEqual(host.calls(), []);
});

variants('verifies a change by reading what it wrote, and nothing else', async (t, host) => {
  const { net, other } = NETS[host.family];
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  t.deepEqual(await verifyAll(filter, 'changed'), []);
  host.calls();
  t.deepEqual(await verifyAll(filter, 'changed'), []);
  t.deepEqual(host.calls(), [], 'nothing was written since');

  filter.ipSets.addMembers(SET, [other]);
  unwishChain(filter, 'cali-a');
  wishChain(filter, 'cali-b', [dropFrom(net), fromSet(SET)]);
  wishChain(filter, 'cali-FORWARD', [rule([], jump('cali-b' as ChainName))]);
  t.deepEqual((await applyAll(filter)).failures, []);
  host.calls();
  t.deepEqual(await verifyAll(filter, 'changed'), []);
  const generation = `cali${host.family}1${SET}`.slice(0, 31);
  t.deepEqual(host.calls(), [
    'ipset list -name',
    `ipset save ${generation}`,
    `${host.tool} --wait 5 -t filter -S cali-a`,
    `${host.tool}-restore --noflush --wait 5`,
  ]);

  wishChain(filter, 'cali-b', [dropFrom(other)]);
  t.deepEqual((await applyAll(filter)).failures, []);
  await host.restore(['*filter', '-A cali-b -j ACCEPT', 'COMMIT']);
  t.deepEqual(await verifyAll(filter, 'changed'), [
    `chain cali-b of iptables-${host.family}-filter: not as desired`,
  ]);
  wishChain(filter, 'cali-b', [dropFrom(net)]);
  t.deepEqual((await applyAll(filter)).failures, []);
  await host.restore(['*filter', '-F cali-FORWARD', '-F cali-b', '-X cali-b', 'COMMIT']);
  t.deepEqual(
    await verifyAll(filter, 'changed'),
    ['cali-FORWARD', 'cali-b'].map(
      (name) => `chain ${name} of iptables-${host.family}-filter: not as desired`,
    ),
    'a chain that is gone has everything read',
  );
});

variants(
  'takes members as the kernel prints them for its own, however it writes an address',
  async (t, host) => {
    const filter = host.start();
    wishExample(filter);
    const random = fc.sample(host.family === 4 ? fc.ipV4().map((ip) => `${ip}/32`) : ZERO_RICH, 200);
    const members = [...new Set([...random, ...ODD[host.family]].map((text) => maskCidr(text)))];
    filter.ipSets.replace(
      SET,
      'hash:net',
      members.flatMap((net) => net ?? []),
    );
    t.deepEqual((await applyAll(filter)).failures, []);
    t.deepEqual(await verifyAll(filter), []);
    queueResync(filter);
    t.like(await applyAll(filter), { changed: 0, failures: [] });
  },
);

/** Of IPv6 those that inet_ntop(3) writes in part as IPv4, and their neighbours. */
const ODD = {
  4: ['0.0.0.0/8', '255.255.255.255/32', '128.0.0.0/1'],
  6: ['::ffff:0:0/96', '::1.2.3.4/128', '::1/128', '::1:0/112', '::ffff:1.2.3.4/128', '64:ff9b::/96', '::/8'],
} as const;

/** Random octets have no zeros to shorten. */
const ZERO_RICH = fc
  .array(
    fc.oneof(
      fc.constant('0'),
      fc.constant('ffff'),
      fc.nat(0xffff).map((part) => part.toString(16)),
    ),
    {
      minLength: 8,
      maxLength: 8,
    },
  )
  .map((parts) => `${parts.join(':')}/128`);

variants('after a restart, sweeps what is stale and touches nothing of others', async (t, host) => {
  await host.restore(FOREIGN);
  const first = host.start();
  wishExample(first);
  await applyAll(first);
  const clean = await host.save('filter');
  const mangle = await host.save('mangle');
  await host.restore(STALE);
  await host.ns.run('ipset', ['create', `cali${host.family}0stale`, 'hash:ip', 'family', inet(host.family)]);
  await host.ns.run('ipset', ['create', `theirs${host.family}`, 'hash:ip', 'family', inet(host.family)]);

  const second = host.start();
  wishExample(second);
  host.calls();
  t.deepEqual((await applyAll(second)).failures, []);
  t.deepEqual(await host.save('filter'), clean);
  t.deepEqual(await host.save('mangle'), mangle);
  t.true(clean.some((line) => line.endsWith('-j DOCKER')) && mangle.some((line) => line.endsWith('-j KUBE')));
  t.deepEqual(
    (await host.ns.run('ipset', ['list', '-n'])).trim().split('\n').sort(),
    [`cali${host.family}0${SET}`.slice(0, 31), `theirs${host.family}`].sort(),
  );

  const third = host.start();
  wishExample(third);
  host.calls();
  t.is((await applyAll(third)).changed, 0);
  t.deepEqual(
    host.calls().filter((call) => call.includes('restore')),
    [],
  );
});

variants('repairs a flush by someone else, keeping what they added', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  const clean = await host.save('filter');
  await host.restore(['*filter', '-F', '-A FORWARD -p 47 -j ACCEPT', 'COMMIT']);

  t.true((await verifyAll(filter)).length > 0);
  t.deepEqual((await applyAll(filter)).failures, []);
  const repaired = await host.save('filter');
  t.deepEqual(
    repaired.filter((line) => !line.includes('-p gre')),
    clean,
  );
  t.true(repaired.some((line) => line.includes('-p gre')));
});

variants('puts its jump back into first place above what others inserted', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  await host.restore(['*filter', '-I FORWARD 1 -p 47 -j ACCEPT', '-A cali-a -j ACCEPT', 'COMMIT']);

  queueResync(filter);
  t.deepEqual((await applyAll(filter)).failures, []);
  const rules = await host.save('filter');
  const forward = rules.filter((line) => line.startsWith('-A FORWARD'));
  t.regex(forward[0] ?? '', /-j cali-FORWARD$/);
  t.regex(forward[1] ?? '', /-p gre .*ACCEPT$/);
  t.is(forward.length, 2);
  t.false(rules.some((line) => line.startsWith('-A cali-a') && line.endsWith('-j ACCEPT')));
});

variants('keeps its jump last when told so', async (t, host) => {
  await host.restore(FOREIGN);
  const filter = host.start();
  wishExample(filter);
  wishHook(filter, 'last');
  await applyAll(filter);
  await host.restore(['*filter', '-A FORWARD -p 47 -j ACCEPT', 'COMMIT']);
  queueResync(filter);
  await applyAll(filter);
  const forward = (await host.save('filter')).filter((line) => line.startsWith('-A FORWARD'));
  t.regex(forward.at(-1) ?? '', /-j cali-FORWARD$/);
  t.is(forward.length, 3);
});

variants('keeps the counters of rules that stay', async (t, host) => {
  const { net, other } = NETS[host.family];
  const filter = host.start();
  const loopback = cidr(host.family === 4 ? '127.0.0.1/32' : '::1/128');
  const fromLoopback = rule([{ type: 'net', end: 'source', net: loopback, negated: false }], RETURN);
  wishHook(filter, 'first', 'OUTPUT');
  wishChain(filter, 'cali-FORWARD', [fromLoopback, dropFrom(net)]);
  await applyAll(filter);
  await host.ns.run('ping', ['-c', '1', '-W', '1', loopback.split('/')[0] ?? '']);
  const counted = await counters(host, 'cali-FORWARD');
  t.regex(counted[0] ?? '', /^\[[1-9]/);

  wishChain(filter, 'cali-FORWARD', [fromLoopback, dropFrom(other), dropFrom(net)]);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await counters(host, 'cali-FORWARD'), [counted[0], '[0:0]', '[0:0]']);
  t.deepEqual(await verifyAll(filter), []);
});

variants('repairs a set that someone flushed', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  const before = await members(host, 0);
  t.is(before.length, 2);
  await host.ns.run('ipset', ['flush']);
  t.true((await verifyAll(filter)).some((line) => line.includes('not as desired')));
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await members(host, 0), before);
});

variants('lets one refused chain wait, closed, while the others go on', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  const nowhere = 's:nowhere' as IpSetId;
  wishChain(filter, 'cali-a', [fromSet(nowhere)]);
  wishChain(filter, 'cali-b', [fromSet(nowhere)]);
  wishChain(filter, 'cali-c', [rule([], RETURN)]);
  wishChain(filter, 'cali-FORWARD', [
    rule([], jump('cali-a' as ChainName)),
    rule([], jump('cali-b' as ChainName)),
    rule([], jump('cali-c' as ChainName)),
  ]);
  const { failures } = await applyAll(filter);
  t.deepEqual(
    failures.map(({ object }) => object),
    ['cali-a', 'cali-b'].map((name) => `chain ${name} of iptables-${host.family}-filter`),
  );
  t.regex(failures[0]?.message ?? '', /nowhere doesn't exist/);
  const rules = await host.save('filter');
  t.is(rules.filter((line) => line.startsWith('-A cali-a')).length, 3, 'it keeps its old rules');
  t.deepEqual(
    rules.filter((line) => line.startsWith('-A cali-b')),
    ['-A cali-b -j DROP'],
  );
  t.is(rules.filter((line) => line.startsWith('-A cali-FORWARD')).length, 3);

  filter.ipSets.replace(nowhere, 'hash:ip', []);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await verifyAll(filter), []);
});

variants('switches a set together with the rule that looks into it', async (t, host) => {
  const { hosts, other } = NETS[host.family];
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  filter.ipSets.addMembers(SET, [other]);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.is((await members(host, 0)).length, 3, 'no rule changed: the set changes in place');

  filter.ipSets.removeMembers(SET, [hosts[0]]);
  wishChain(filter, 'cali-a', [rule([], RETURN), fromSet(SET)]);
  wishChain(filter, 'cali-b', [fromSet(SET)]);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.is((await members(host, 1)).length, 2);
  t.is((await host.ns.run('ipset', ['list', '-n'])).trim().split('\n').length, 1, 'the old one is gone');
  t.is((await host.save('filter')).filter((line) => line.includes(`cali${host.family}1s:`)).length, 2);

  const restarted = host.start();
  restarted.ipSets.replace(SET, 'hash:net', [hosts[1], other]);
  wishHook(restarted);
  wishChain(restarted, 'cali-FORWARD', [rule([], jump('cali-a' as ChainName)), rule([], RETURN)]);
  wishChain(restarted, 'cali-a', [rule([], RETURN), fromSet(SET)]);
  wishChain(restarted, 'cali-b', [fromSet(SET)]);
  t.deepEqual(await applyAll(restarted), { changed: 0, failures: [] });
});

variants('changes the type of a set that is in use', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  await applyAll(filter);
  filter.ipSets.replace(SET, 'hash:ip', NETS[host.family].hosts);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await verifyAll(filter), []);
  t.true((await host.ns.run('ipset', ['save'])).includes('hash:ip'));
});

variants('removes chains that refer to each other, and their sets', async (t, host) => {
  const filter = host.start();
  wishExample(filter);
  wishChain(filter, 'cali-b', [rule([], jump('cali-c' as ChainName)), fromSet(SET)]);
  wishChain(filter, 'cali-c', [rule([], jump('cali-d' as ChainName))]);
  wishChain(filter, 'cali-d', []);
  await applyAll(filter);
  for (const name of ['cali-a', 'cali-b', 'cali-c', 'cali-d']) unwishChain(filter, name);
  wishChain(filter, 'cali-FORWARD', []);
  filter.ipSets.delete(SET);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await verifyAll(filter), []);
  const chains = (await host.save('filter')).filter((line) => line.startsWith(':cali'));
  t.deepEqual(chains, [':cali-FORWARD - [0:0]']);
  t.is(await host.ns.run('ipset', ['list', '-n']), '');
});

variants('wants everything: 0.0.0.0/0 and ::/0 fit into a set', async (t, host) => {
  const everything = cidr(host.family === 4 ? '0.0.0.0/0' : '::/0');
  const half = cidr(host.family === 4 ? '0.0.0.0/1' : '::/1');
  const filter = host.start();
  filter.ipSets.replace(SET, 'hash:net', [everything, half]);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.is((await members(host, 0)).length, 2);
  filter.ipSets.removeMembers(SET, [everything]);
  t.deepEqual((await applyAll(filter)).failures, []);
  t.deepEqual(await members(host, 0), [half]);
  t.deepEqual(await verifyAll(filter), []);
});

async function counters(host: Host, chain: string): Promise<(string | undefined)[]> {
  const lines = (await host.ns.run(`${host.tool}-save`, ['-c', '-t', 'filter'])).split('\n');
  return lines.filter((line) => line.includes(` -A ${chain} `)).map((line) => line.split(' ')[0]);
}

async function members(host: Host, generation: number): Promise<string[]> {
  const name = `cali${host.family}${generation}${SET}`.slice(0, 31);
  const lines = (await host.ns.run('ipset', ['save', name])).split('\n');
  return lines.flatMap((line) => (line.startsWith('add ') ? [line.split(' ')[2] ?? ''] : [])).sort();
}

function inet(family: IpFamily): string {
  return family === 4 ? 'inet' : 'inet6';
}
