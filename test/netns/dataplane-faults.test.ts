/**
 * What goes wrong while rules are written: programs that fail, agents that die, locks, names that are no names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import type { IpSetId } from '../../src/agent/calc/updates.js';
import type { PacketFilter } from '../../src/agent/dataplane/backends/backend.js';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import type { ChainName } from '../../src/agent/dataplane/intent.js';
import { DROP, jump, RETURN, rule } from '../../src/agent/dataplane/rules/chain-rule.js';
import type { Exec } from '../../src/kernel/exec.js';
import type { IpFamily } from '../../src/model/address.js';
import { cidr } from '../agent/dataplane/batch.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { applyAll, createHost, queueResync, verifyAll, wishChain, wishHook } from './dataplane-fixture.js';

requirePrivateNetns();

const SET = 's:members' as IpSetId;
const OTHER = 's:others' as IpSetId;

const lookInto = (id: IpSetId) => rule([{ type: 'ip-set', end: 'source', id, negated: false }], DROP);
const to = (name: string) => rule([], jump(name as ChainName));

function wishBefore(filter: PacketFilter): void {
  filter.ipSets.replace(SET, 'hash:net', [cidr('10.0.0.0/8'), cidr('fd00::/8')].filter(isOf(filter.family)));
  wishHook(filter);
  wishChain(filter, 'cali-FORWARD', [to('cali-a'), to('cali-b')]);
  wishChain(filter, 'cali-a', [lookInto(SET)]);
  wishChain(filter, 'cali-b', [rule([], RETURN)]);
}

/** A chain goes, one comes, one changes together with its set, and a set comes. */
function wishAfter(filter: PacketFilter): void {
  filter.ipSets.replace(SET, 'hash:net', []);
  filter.ipSets.replace(OTHER, 'hash:ip', []);
  wishHook(filter);
  wishHook(filter, 'first', 'OUTPUT');
  wishChain(filter, 'cali-FORWARD', [to('cali-a'), to('cali-c')]);
  wishChain(filter, 'cali-a', [rule([], RETURN), lookInto(SET)]);
  wishChain(filter, 'cali-c', [lookInto(OTHER)]);
  filter.chains.delete('filter/cali-b' as never);
}

function isOf(family: IpFamily): (net: string) => boolean {
  return (net) => net.includes(':') === (family === 6);
}

/** Lets the call with this number go wrong, before or after the program has done its work. */
function faultAt(
  number: number,
  when: 'before' | 'after',
): { wrap(exec: Exec): Exec; readonly happened: boolean } {
  let calls = 0;
  return {
    wrap: (exec) => async (command, args, options) => {
      calls += 1;
      if (calls !== number) return exec(command, args, options);
      if (when === 'after') await exec(command, args, options);
      return { code: 1, stdout: '', stderr: 'injected fault' };
    },
    get happened() {
      return calls >= number;
    },
  };
}

const TARGETS = [
  ['iptables', 4],
  ['iptables-legacy', 6],
] as const satisfies readonly (readonly [BackendName, IpFamily])[];

for (const [backend, family] of TARGETS)
  for (const [when, who] of [
    ['before', 'the same agent'],
    ['after', 'the next agent'],
  ] as const)
    test.serial(`${backend}: ${who} converges after any call failed ${when} it did its work`, async (t) => {
      for (let call = 1; ; call += 1) {
        await using host = await createHost(backend, family);
        const before = host.start();
        wishBefore(before);
        t.deepEqual((await applyAll(before)).failures, []);

        const fault = faultAt(call, when);
        const during = host.start(fault.wrap);
        wishBefore(during);
        await during.prepare();
        wishAfter(during);
        await applyAll(during);
        if (!fault.happened) break;

        const after = who === 'the same agent' ? during : host.start();
        wishAfter(after);
        queueResync(after);
        t.deepEqual((await applyAll(after)).failures, [], `call ${call}`);
        t.deepEqual(await verifyAll(after), [], `call ${call}`);
        t.true(call < 30);
      }
    });

test.serial('iptables-legacy: a lock that another program holds is waited for', async (t) => {
  await using host = await createHost('iptables-legacy', 4);
  const holder = spawn('flock', [host.lockFile, 'sh', '-c', 'echo held; exec sleep 60'], { detached: true });
  await once(holder.stdout, 'data');
  const filter = host.start();
  wishBefore(filter);
  let isApplied = false;
  const applying = applyAll(filter).finally(() => {
    isApplied = true;
  });
  await until(() => host.calls().some((call) => call.startsWith('iptables-legacy-restore')));
  t.false(isApplied);
  if (holder.pid !== undefined) process.kill(-holder.pid);
  t.deepEqual((await applying).failures, []);
  t.deepEqual(await verifyAll(filter), []);
});

test.serial(
  'a chain with a name in it that no kernel may be given drops, and is a problem until it changes',
  async (t) => {
    await using host = await createHost('iptables', 4);
    const filter = host.start();
    wishBefore(filter);
    wishChain(filter, 'cali-b', [rule([{ type: 'in-interface', name: 'cali1+', prefix: false }], RETURN)]);
    const { failures } = await applyAll(filter);
    t.deepEqual(failures, [
      {
        object: 'chain cali-b of iptables-4-filter',
        message: 'Not an interface name that iptables can be given: "cali1+"',
      },
    ]);
    t.regex((await host.save('filter')).filter((line) => line.startsWith('-A cali-b')).join(), /-j DROP$/);
    t.is((await verifyAll(filter)).length, 1);
    wishBefore(filter);
    t.deepEqual((await applyAll(filter)).failures, []);
    t.deepEqual(await verifyAll(filter), []);
  },
);

test.serial(
  'a refused chain in any table does not keep the others waiting, nor close the host',
  async (t) => {
    await using host = await createHost('iptables', 4);
    const filter = host.start();
    const nowhere = 's:nowhere' as IpSetId;
    wishBefore(filter);
    wishHook(filter, 'first', 'INPUT', 'cali-INPUT');
    wishChain(filter, 'cali-INPUT', [lookInto(nowhere)]);
    wishChain(filter, 'cali-nat-outgoing', [rule([], RETURN), lookInto(nowhere)], 'nat');
    wishChain(filter, 'cali-POSTROUTING', [to('cali-nat-outgoing')], 'nat');
    const { failures } = await applyAll(filter);
    t.deepEqual(
      failures.map(({ object }) => object),
      [
        'chain cali-nat-outgoing of iptables-4-nat',
        'chain cali-INPUT of iptables-4-filter',
        'chain INPUT of iptables-4-filter',
      ],
    );
    const rules = [...(await host.save('filter')), ...(await host.save('nat'))];
    t.false(rules.some((line) => line.startsWith('-A INPUT') || line.startsWith(':cali-INPUT')));
    t.true(rules.some((line) => line.startsWith('-A FORWARD')));
    t.true(rules.some((line) => line.startsWith('-A cali-POSTROUTING')));
    t.false(filter.inForce);
    filter.ipSets.replace(nowhere, 'hash:ip', []);
    t.deepEqual((await applyAll(filter)).failures.length, 1, 'nat takes no drop');
    t.true(filter.inForce);
  },
);
