/**
 * What the other tests of this folder stand on: the kernel in the guest of scripts/qemu.sh is another one, has IPIP,
 * and loads by itself what links and rules ask for; Node and the programs of this machine run on it.
 */
import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import test from 'ava';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { createNamespace, ip, type Namespace, requirePrivateNetns, run } from '../helpers/netns.js';

requirePrivateNetns();

test('this is not the kernel of the machine outside', (t) => {
  const outside = env.HEDDLE_HOST_BOOT;
  if (outside === undefined) return t.fail('Run with "npm run qemu"');
  t.not(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), outside);
});

test('the first ipip link brings tunl0, and by netlink it is there too', async (t) => {
  await using host = await createNamespace();
  await host.ip('link add ipip1 type ipip local 192.0.2.1 remote 192.0.2.2');
  t.regex(await host.ip('-d link show tunl0'), /ipip any remote any local/);

  await ip('link add ipip1 type ipip local 192.0.2.1 remote 192.0.2.2');
  await using rtnetlink = openRtNetlink(openKoffiTransport());
  const names = (await rtnetlink.links()).map(({ name }) => name);
  await ip('link delete ipip1');
  t.deepEqual([...names].sort(), ['ipip1', 'lo', 'tunl0']);
});

test('a ping crosses an ipip tunnel between two hosts, as protocol 4 on the wire', async (t) => {
  await using left = await createNamespace();
  await using right = await createNamespace();
  await ip(`link add wire netns ${left.name} type veth peer name wire netns ${right.name}`);
  await tunnelEnd(left, 1, 2);
  await tunnelEnd(right, 2, 1);
  // 4 is IP in IP (RFC 2003).
  for (const protocol of ['4', 'icmp'])
    await right.run('iptables-nft', [
      '-A',
      'INPUT',
      '-i',
      'wire',
      '-p',
      protocol,
      '-m',
      'comment',
      '--comment',
      'count',
    ]);
  await left.run('ping', ['-c', '1', '-W', '10', '10.65.2.1']);
  const counters = await right.run('iptables-nft', ['-L', 'INPUT', '-vnx']);
  t.deepEqual(packets(counters), [1, 0]);
});

test('rules load their modules: matches, targets and sets, in nft and in legacy tables', async (t) => {
  const rules = [
    'filter -A FORWARD -m conntrack --ctstate INVALID -j DROP',
    'filter -A FORWARD -p tcp -m multiport --dports 80,443 -m set --match-set members src -j ACCEPT',
    'mangle -A FORWARD -m mark --mark 0x1/0x1 -m comment --comment one -j MARK --set-xmark 0x1/0x1',
    'nat -A POSTROUTING -m set ! --match-set members dst -j MASQUERADE --random-fully',
    'raw -A PREROUTING -m rpfilter --invert -j DROP',
  ];
  for (const iptables of ['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy']) {
    await using host = await createNamespace();
    const family = iptables.startsWith('ip6') ? 'inet6' : 'inet';
    await host.run('ipset', ['create', 'members', 'hash:net', 'family', family]);
    for (const rule of rules) await host.run(iptables, ['-w', '10', '-t', ...rule.split(' ')]);
    const listed = await host.run(`${iptables}-save`, []);
    t.is([...listed.matchAll(/^-A /gm)].length, rules.length, iptables);
  }
});

test('links load their modules: bridge and vxlan', async (t) => {
  await using host = await createNamespace();
  await host.ip('link add br0 type bridge');
  await host.ip('link add vxlan.calico type vxlan id 4096 dstport 4789 local 192.0.2.1 nolearning');
  t.regex(await host.ip('-d link show vxlan.calico'), /vxlan id 4096/);
});

test('flows are listed', async (t) => {
  await using host = await createNamespace();
  await host.run('iptables-nft', ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT']);
  await host.run('ping', ['-c', '1', '-W', '10', '127.0.0.1']);
  t.regex(await host.run('conntrack', ['-L']), /^icmp .*src=127\.0\.0\.1 dst=127\.0\.0\.1/m);
});

test('the daemons of a lab run', async (t) => {
  for (const daemon of ['bird', 'etcd']) await t.notThrowsAsync(run(daemon, ['--version']), daemon);
});

/** A host with 192.0.2.`own` on the wire, and 10.65.`own`.1 behind a tunnel to that of the other. */
async function tunnelEnd(host: Namespace, own: number, other: number): Promise<void> {
  await host.ip('link set wire up');
  await host.ip(`addr add 192.0.2.${own}/24 dev wire`);
  await host.ip(`link add ipip1 type ipip local 192.0.2.${own} remote 192.0.2.${other}`);
  await host.ip('link set ipip1 up');
  await host.ip(`addr add 10.65.${own}.1/32 dev ipip1`);
  await host.ip(`route add 10.65.${other}.0/24 dev ipip1`);
}

/** How many packets each rule saw. */
function packets(listing: string): readonly number[] {
  return [...listing.matchAll(/^ *(\d+) +\d+ .*\/\* count \*\//gm)].map((match) => Number(match[1]));
}
