/** Which flows are deleted, when, and what a failure leaves. test/netns asks the real program. */
import test from 'ava';
import { ConntrackTable, tellWhatLeft } from '../../../../src/agent/dataplane/drivers/conntrack.js';
import type { Route } from '../../../../src/agent/dataplane/intent.js';
import { type Exec, ExecError, type ExecResult } from '../../../../src/kernel/exec.js';
import type { Cidr } from '../../../../src/model/address.js';
import { DeltaTracker } from '../../../../src/model/delta-tracker.js';
import { applyAll, route } from './driver-fixture.js';

const CIDR = '192.168.1.1/32' as Cidr;

function setUp(answer: (args: readonly string[]) => ExecResult) {
  const runs: string[] = [];
  const exec: Exec = async (command, args) => {
    runs.push([command, ...args].join(' '));
    return answer(args);
  };
  return { conntrack: new ConntrackTable(exec), runs };
}

function deleted(count: number): ExecResult {
  const stderr = `conntrack v1.4.7 (conntrack-tools): ${count} flow entries have been deleted.\n`;
  return { code: count === 0 ? 1 : 0, stdout: '', stderr };
}

test('ConntrackTable asks for both ends, before and after translation, in the family of the address', async (t) => {
  const { conntrack, runs } = setUp(() => deleted(0));
  conntrack.addressLeft('fd65::1/128' as Cidr);
  t.deepEqual(await applyAll(conntrack), { changed: 0, failures: [], waiting: [] });
  t.deepEqual(runs, [
    'conntrack -D -f ipv6 --orig-src fd65::1',
    'conntrack -D -f ipv6 --orig-dst fd65::1',
    'conntrack -D -f ipv6 --reply-src fd65::1',
    'conntrack -D -f ipv6 --reply-dst fd65::1',
  ]);
  await applyAll(conntrack);
  t.is(runs.length, 4, 'once is enough');
});

test('ConntrackTable asks for a network only where the program takes one', async (t) => {
  const { conntrack, runs } = setUp(() => deleted(0));
  conntrack.addressLeft('192.168.1.64/26' as Cidr);
  t.deepEqual((await applyAll(conntrack)).failures, []);
  t.deepEqual(runs, [
    'conntrack -D -f ipv4 --orig-src 192.168.1.64/26',
    'conntrack -D -f ipv4 --orig-dst 192.168.1.64/26',
  ]);
});

test('ConntrackTable counts flows, and takes "none" (exit 1) for success', async (t) => {
  const { conntrack } = setUp((args) => deleted(args.includes('--orig-dst') ? 3 : 0));
  conntrack.addressLeft(CIDR);
  t.like(await applyAll(conntrack), { changed: 3, failures: [] });
  t.deepEqual(await conntrack.verify(), []);
});

test('ConntrackTable tries again what did not work', async (t) => {
  let broken = true;
  const { conntrack } = setUp(() =>
    broken ? { code: 1, stdout: '', stderr: 'Operation failed: Operation not permitted' } : deleted(0),
  );
  conntrack.addressLeft(CIDR);
  const message =
    'conntrack -D -f ipv4 --orig-src 192.168.1.1: exit 1: Operation failed: Operation not permitted';
  t.deepEqual((await applyAll(conntrack)).failures, [{ object: 'flows of 192.168.1.1/32', message }]);
  t.deepEqual(await conntrack.verify(), [{ object: 'flows of 192.168.1.1/32', message: 'not deleted yet' }]);
  broken = false;
  t.deepEqual((await applyAll(conntrack)).failures, []);
  t.deepEqual(await conntrack.verify(), []);
});

test('ConntrackTable reports a program that is not there, and goes on with the next address', async (t) => {
  const { conntrack } = setUp((args) => {
    if (args.includes('192.168.1.1'))
      throw new ExecError('conntrack', 'not-found', 'conntrack: spawn conntrack ENOENT');
    return deleted(1);
  });
  conntrack.addressLeft(CIDR);
  conntrack.addressLeft('192.168.1.2/32' as Cidr);
  t.deepEqual(await applyAll(conntrack), {
    changed: 4,
    failures: [{ object: 'flows of 192.168.1.1/32', message: 'conntrack: spawn conntrack ENOENT' }],
    waiting: [],
  });
});

test('tellWhatLeft() tells an address that is taken back or moves, and passes every wish on', (t) => {
  const left: Cidr[] = [];
  const tracker = new DeltaTracker<Cidr, Route>();
  const routes = tellWhatLeft(tracker.desired, (cidr) => left.push(cidr));
  const wish = route('192.168.1.1', 'cali1');
  routes.set(CIDR, wish);
  routes.set(CIDR, { ...wish });
  t.deepEqual(left, []);
  routes.set(CIDR, route('192.168.1.1', 'cali2'));
  t.deepEqual(left, [CIDR]);
  t.deepEqual([...routes.entries()], [...tracker.desired.entries()]);
  t.deepEqual([routes.size, routes.has(CIDR), [...routes.keys()]], [1, true, [CIDR]]);
  t.is(routes.get(CIDR)?.interfaceName, 'cali2');
  routes.delete(CIDR);
  routes.delete(CIDR);
  t.deepEqual(left, [CIDR, CIDR]);
  t.is(tracker.desired.size, 0);
});
