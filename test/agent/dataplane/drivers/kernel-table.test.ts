/** The engine of the drivers, with objects that are nothing but names: what it remembers, overwrites, forgets and tells. */
import test from 'ava';
import {
  type KernelObjects,
  KernelTable,
  type PendingObject,
  type WriteOutcome,
} from '../../../../src/agent/dataplane/drivers/kernel-table.js';
import { applyAll } from './driver-fixture.js';

/** Names and values. */
class Toys implements KernelObjects<string, string, string> {
  readonly name = 'toys';
  readonly kernel = new Map<string, string>();
  readonly outcomes = new Map<string, WriteOutcome<string>>();
  /** Keys in the order in which they were written. */
  readonly written: string[] = [];

  describe(key: string, value: string): string {
    return `${key} = ${value}`;
  }
  equal(desired: string, actual: string): boolean {
    return desired === actual;
  }
  async readBack() {
    return [...this.kernel];
  }
  async waitingFor(pending: readonly PendingObject<string, string, string>[]) {
    return pending.map(({ key }) => {
      const outcome = this.outcomes.get(key);
      return outcome?.type === 'waiting' ? outcome.reason : undefined;
    });
  }
  async write(pending: readonly PendingObject<string, string, string>[]) {
    return pending.map(({ key, desired }): WriteOutcome<string> => {
      const outcome = this.outcomes.get(key);
      if (outcome) return outcome;
      this.kernel.set(key, desired);
      this.written.push(key);
      return { type: 'written', actual: desired };
    });
  }
  async remove(stale: readonly { readonly key: string }[]) {
    for (const { key } of stale) this.kernel.delete(key);
    return stale.map(() => undefined);
  }
}

function setUp(wishes: Readonly<Record<string, string>> = { a: '1', b: '1' }) {
  const toys = new Toys();
  const table = new KernelTable(toys);
  for (const [key, value] of Object.entries(wishes)) table.desired.set(key, value);
  return { toys, table };
}

test('takeDrift() names what is missing, differs, or was added, once; not what this table is about to write', async (t) => {
  const { toys, table } = setUp();
  toys.kernel.set('stale', '1');
  await applyAll(table);
  t.deepEqual(table.takeDrift(), [], 'what was there before is no drift');
  toys.kernel.delete('a');
  toys.kernel.set('b', '2');
  toys.kernel.set('theirs', '3');
  table.desired.set('c', '1');
  table.queueResync();
  await applyAll(table);
  t.deepEqual(
    [...toys.kernel],
    [
      ['b', '1'],
      ['a', '1'],
      ['c', '1'],
    ],
  );
  t.deepEqual([...table.takeDrift()].sort(), ['a = 1', 'b = 1', 'theirs = 3']);
  t.deepEqual(table.takeDrift(), []);
});

test('what verify() finds is drift until it is taken', async (t) => {
  const { toys, table } = setUp();
  await applyAll(table);
  toys.kernel.delete('a');
  t.deepEqual(await table.verify(), [{ object: 'a = 1', message: 'not in the kernel' }]);
  await applyAll(table);
  t.deepEqual(table.takeDrift(), ['a = 1']);
});

test('overwrite() writes over what is there, which is pending from then on, and leaves the rest', async (t) => {
  const { toys, table } = setUp();
  await applyAll(table);
  t.deepEqual(await table.overwrite((key) => (key === 'a' ? 'held' : undefined)), []);
  t.deepEqual(
    [...toys.kernel],
    [
      ['a', 'held'],
      ['b', '1'],
    ],
  );
  toys.written.length = 0;
  t.like(await applyAll(table), { changed: 1 });
  t.deepEqual(toys.written, ['a']);
  t.deepEqual(table.takeDrift(), []);
});

test('overwrite() names what could not be overwritten, and forgets nothing that is impossible', async (t) => {
  const { toys, table } = setUp({ a: '1', never: '1' });
  toys.outcomes.set('never', { type: 'impossible', reason: 'no such thing' });
  await applyAll(table);
  toys.outcomes.set('a', { type: 'failed', error: new Error('no') });
  t.deepEqual(await table.overwrite(() => 'held'), [{ object: 'a = held', message: 'no' }]);
  t.deepEqual(await table.verify(), [], 'what cannot be had is still no difference');
});

test('forget() has what the kernel dropped written anew, and is no drift', async (t) => {
  const { toys, table } = setUp();
  await applyAll(table);
  toys.kernel.delete('a');
  table.forget((key) => key === 'a');
  t.like(await applyAll(table), { changed: 1 });
  t.deepEqual(table.takeDrift(), []);
  t.deepEqual(await table.verify(), []);
});

test('what waits is no difference, and what is impossible is said at each try', async (t) => {
  const { toys, table } = setUp();
  toys.outcomes.set('a', { type: 'waiting', reason: 'not yet' });
  toys.outcomes.set('b', { type: 'impossible', reason: 'never' });
  for (const _ of ['first', 'again'])
    t.deepEqual(await table.applyUpdates(), {
      ...{ changed: 0, failures: [] },
      waiting: [{ object: 'a = 1', message: 'not yet' }],
      impossible: [{ object: 'b = 1', message: 'never' }],
    });
  t.deepEqual(await table.verify(), []);
  toys.outcomes.clear();
  t.like(await applyAll(table), { changed: 2, failures: [], waiting: [] });
  t.deepEqual((await table.applyUpdates()).impossible ?? [], []);
});
