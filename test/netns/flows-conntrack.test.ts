/**
 * The kernel's connection tracking table over both transports; conntrack(8) makes the flows and is the second
 * opinion.
 */
import test, { type ExecutionContext } from 'ava';
import type { Conntrack, Flow } from '../../src/kernel/conntrack.js';
import { exec } from '../../src/kernel/exec.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { type NetlinkTransportName, netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { cidr } from '../agent/dataplane/batch.js';
import { bringUpLoopback, requirePrivateNetns, run } from '../helpers/netns.js';

requirePrivateNetns();
// Before the first declaration: ava takes no more after an await.
const unavailable = await netlinkTransports['node-netlink'].available();
test.before(bringUpLoopback);
test.afterEach(() => exec('conntrack', ['-F']));

const TABLE = [
  '-p tcp -s 10.65.0.1 -d 10.65.0.2 --sport 1000 --dport 80 --state ESTABLISHED -u SEEN_REPLY',
  '-p tcp -s 10.65.0.1 -d 8.8.8.8 --sport 1001 --dport 80 -r 8.8.8.8 -q 192.0.2.1 --reply-port-src 80 --reply-port-dst 4242 --state ESTABLISHED',
  '-p tcp -s 8.8.8.8 -d 192.0.2.1 --sport 1002 --dport 8080 -r 10.65.0.1 -q 8.8.8.8 --reply-port-src 80 --reply-port-dst 1002 --state ESTABLISHED',
  '-p icmp -s 10.65.0.2 -d 10.65.0.1 --icmp-type 8 --icmp-code 0 --icmp-id 7',
  '-p gre -s 10.65.0.1 -d 10.65.0.2 --srckey 0x7 --dstkey 0x8',
  '-p 99 -s 10.65.0.2 -d 10.65.0.1',
  '-w 5 -p udp -s 10.65.0.1 -d 10.65.0.2 --sport 5 --dport 5',
  '-p udp -s 10.65.0.8 -d 10.65.0.9 --sport 5 --dport 5',
  '-p udp -s fd65::1 -d fd65::2 --sport 1000 --dport 53',
  '-p icmpv6 -s fd65::2 -d fd65::1 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 9',
  '-p udp -s fd65::8 -d fd65::9 --sport 1000 --dport 53',
];

conntrackTests('koffi');
if (unavailable === undefined) conntrackTests('node-netlink');
// Whether the reason is a good one is asked in kernel-node-netlink.test.ts.
else test(`flows over node-netlink: not available: ${unavailable}`, (t) => t.truthy(unavailable));

function conntrackTests(transport: NetlinkTransportName): void {
  const serial = (title: string, body: (t: ExecutionContext, conntrack: Conntrack) => Promise<void>) =>
    test.serial(`flows over ${transport}: ${title}`, async (t) => {
      for (const words of TABLE) await run('conntrack', ['-I', ...words.split(' '), '--timeout', '600']);
      await using conntrack = openConntrack(
        await netlinkTransports[transport].open({ protocol: NETLINK_NETFILTER }),
      );
      await body(t, conntrack);
    });

  serial(
    'flowsOf() finds the flows that an address opened or answers, in both families',
    async (t, conntrack) => {
      t.deepEqual(await described(conntrack, '10.65.0.1/32', 'fd65::1/128'), [
        '1 10.65.0.2 > 10.65.0.1 8/0',
        '17 10.65.0.1:5 > 10.65.0.2:5',
        '17 fd65::1:1000 > fd65::2:53',
        '47 10.65.0.1:7 > 10.65.0.2:8',
        '58 fd65::2 > fd65::1 128/0',
        '6 10.65.0.1:1000 > 10.65.0.2:80',
        '6 10.65.0.1:1001 > 8.8.8.8:80 (192.0.2.1:4242)',
        '6 8.8.8.8:1002 > 10.65.0.1:80',
        '99 10.65.0.2 > 10.65.0.1',
      ]);
    },
  );

  serial('flowsOf() says the same, whether the kernel picks the flows or we do', async (t, conntrack) => {
    const one = await described(conntrack, '10.65.0.1/32');
    t.is(one.length, 7);
    t.deepEqual(await described(conntrack, '10.65.0.1/32', '10.65.0.2/32'), one);
    t.deepEqual(await described(conntrack, '10.65.0.1/32', '10.65.0.5/32', '10.65.0.6/32'), one);
    t.deepEqual(await described(conntrack, '10.65.0.0/31'), one);
    t.deepEqual(await described(conntrack, '10.65.0.5/32', 'fd65::5/128'), []);
  });

  serial(
    'delete() deletes these flows and no others, and takes one that is gone for deleted',
    async (t, conntrack) => {
      const flows = await conntrack.flowsOf([cidr('10.65.0.1/32'), cidr('fd65::1/128')]);
      for (const round of ['there', 'gone'])
        t.deepEqual(
          (await conntrack.delete(flows)).filter((error) => error !== undefined),
          [],
          round,
        );
      for (const [family, left] of [
        ['ipv4', /src=10\.65\.0\.8/],
        ['ipv6', /src=fd65::8/],
      ] as const) {
        const listed = (await run('conntrack', ['-L', '-f', family])).trim().split('\n');
        t.is(listed.length, 1, family);
        t.regex(listed[0] ?? '', left);
      }
    },
  );
}

async function described(conntrack: Conntrack, ...networks: readonly string[]): Promise<readonly string[]> {
  return (await conntrack.flowsOf(networks.map(cidr))).map(describe).sort();
}

/** Protocol, source, where it went, and in brackets whom it was taken for. */
function describe({ original, reply }: Flow): string {
  const port = (number: number | undefined) => (number === undefined ? '' : `:${number}`);
  const from = `${original.source}${port(original.sourcePort)}`;
  const to = `${reply.source}${port(reply.sourcePort)}`;
  const icmp = original.icmp ? ` ${original.icmp.type}/${original.icmp.code}` : '';
  const taken =
    reply.destination === original.source ? '' : ` (${reply.destination}${port(reply.destinationPort)})`;
  return `${original.protocol} ${from} > ${to}${icmp}${taken}`;
}
