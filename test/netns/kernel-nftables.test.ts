/** What a real kernel says of changes of nf_tables. */
import { readlink } from 'node:fs/promises';
import test from 'ava';
import { exec } from '../../src/kernel/exec.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openNftables } from '../../src/kernel/open-nftables.js';
import { requirePrivateNetns } from '../helpers/netns.js';

requirePrivateNetns();

/** PROC_PID_INIT_INO in include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = `pid:[${0xeffffffc}]`;

test.serial(
  'events() tells of each transaction of nf_tables, with the process that made it, and of no look',
  async (t) => {
    await using nftables = openNftables(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
    const stop = new AbortController();
    const events = nftables.events(stop.signal);
    const started: number[] = [];
    const run = (command: string, args: readonly string[], input = '') =>
      exec(command, args, { input, onStart: (pid) => started.push(pid) });
    const rules = '*filter\n:watched - [0:0]\n-A watched -j RETURN\nCOMMIT\n';
    t.is((await run('iptables-nft-restore', ['--noflush'], rules)).code, 0);
    t.is((await run('iptables-nft-save', [])).code, 0);
    t.is((await run('iptables-nft', ['-F', 'watched'])).code, 0);
    const [restore = 0, , flush = 0] = started;
    const seen = new Set<number>();
    for await (const event of events ?? []) {
      if (event.type === 'change') seen.add(event.pid);
      if (seen.size === 2) break;
    }
    // The kernel means the ids of the initial namespace, which a container with one of its own does not know.
    if ((await readlink('/proc/self/ns/pid')) === INITIAL_PID_NAMESPACE)
      t.deepEqual([...seen], [restore, flush]);
    else t.log('the process ids are not compared: this is not the initial PID namespace');
    t.is(seen.size, 2);
  },
);

test.serial('events() end with their signal', async (t) => {
  await using nftables = openNftables(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
  const events = nftables.events(AbortSignal.abort());
  for await (const event of events ?? []) t.fail(JSON.stringify(event));
  t.pass();
});
