/**
 * Law 1 for objects: batches and snapshots of whatever size end in the same. What cannot be read is as if
 * gone (law 5), and is named by key (law 8). A layout of one letter, and the real one.
 */
import test from 'ava';
import fc from 'fast-check';
import { ObjectAssembler } from '../../../src/agent/syncer/object-assembler.js';
import type { Update } from '../../../src/agent/syncer/update.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import type { KeyEvent, StoreEntry, StoreKey } from '../../../src/model/store.js';
import { del, entry, HEAD, headValue, key, LETTERS, put } from './helpers.js';

const show = ({ id, resource, problem }: Update): string =>
  `${id.slice('Profile/'.length)}: ${resource?.metadata.labels.parts ?? 'none'}${problem ? ` (${problem})` : ''}`;

test('an object is the sum of its keys, and is decoded again when one of them changes', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  t.deepEqual(assembler.apply([put('/r/a/x', '1'), put('/r/a/y', '1'), put('/r/b/x', '1')]).map(show), [
    'a: x=1 y=1',
    'b: x=1',
  ]);
  t.deepEqual(assembler.apply([put('/r/a/y', '2')]).map(show), ['a: x=1 y=2']);
  t.deepEqual(assembler.apply([del('/r/a/x')]).map(show), ['a: y=2']);
  t.deepEqual(assembler.apply([del('/r/a/y')]).map(show), ['a: none']);
});

test('the same value again and the delete of an unknown key are no updates', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  assembler.apply([put('/r/a/x', '1')]);
  t.deepEqual(assembler.apply([put('/r/a/x', '1', 9), del('/r/z/x')]), []);
});

test('replace() yields the differences, deletions included', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  assembler.apply([put('/r/a/x', '1'), put('/r/a/y', '1'), put('/r/b/x', '1'), put('/r/c/x', '1')]);
  const updates = assembler.replace(
    new Map(
      [
        ['/r/a/x', entry('1')],
        ['/r/b/x', entry('1')],
        ['/r/d/x', entry('1')],
      ].map(([k, e]) => [key(String(k)), e as StoreEntry]),
    ),
  );
  t.deepEqual(updates.map(show).sort(), ['a: x=1', 'c: none', 'd: x=1']);
  t.deepEqual(assembler.replace(new Map()).map(show).sort(), ['a: none', 'b: none', 'd: none']);
});

test('heads and readiness follow their keys', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  t.false(assembler.ready);
  t.deepEqual(assembler.apply([put(HEAD, headValue(7)), put('/r/v1/Ready', 'true')]), []);
  t.is(assembler.heads.get('git')?.commit, 'c7');
  t.true(assembler.ready);
  const before = assembler.heads;
  assembler.apply([put(HEAD, '{"seq":"eight"}'), put('/r/v1/Ready', 'false')]);
  t.is(assembler.heads.get('git'), undefined);
  t.is(before.get('git')?.seq, 7, 'a batch that was handed out does not change');
  t.false(assembler.ready);
  assembler.apply([put(HEAD, headValue(8))]);
  assembler.replace(new Map());
  t.is(assembler.heads.size, 0);
});

test('a kind that nobody knows is a problem until its key goes', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  const [update] = assembler.apply([put('/r/new/thing', '{}')]);
  t.is(update?.kind, 'unknown');
  t.regex(update?.problem ?? '', /^\/r\/new\/thing is of a kind that this agent does not know/);
  t.deepEqual(assembler.apply([put('/r/new/thing', '{}')]), []);
  const [gone] = assembler.apply([del('/r/new/thing')]);
  t.deepEqual([gone?.kind, gone?.problem], ['unknown', undefined]);
});

test('a value that cannot be decoded is as if gone, names key, value and fault, and heals', (t) => {
  const assembler = new ObjectAssembler(LETTERS);
  assembler.apply([put('/r/a/x', '1')]);
  t.deepEqual(assembler.apply([put('/r/a/x', 'bad'), put('/r/b/x', '1')]).map(show), [
    'a: none (/r/a/x: expected something better; the value is "bad")',
    'b: x=1',
  ]);
  t.deepEqual(assembler.apply([put('/r/a/x', '2')]).map(show), ['a: x=2']);
});

test('real layout: a long value is shortened, and what is not enforced yet is a problem', (t) => {
  const assembler = new ObjectAssembler(createLayout('/calico'));
  const pool = '/calico/v1/ipam/v4/pool/10.0.0.0-8';
  const [broken] = assembler.apply([put(pool, `{"cidr": "${'x'.repeat(500)}`)]);
  t.is(broken?.resource, undefined);
  t.regex(
    broken?.problem ?? '',
    /^\/calico\/v1\/ipam\/v4\/pool\/10\.0\.0\.0-8: .*; the value is ".{80,100}\.\.\."$/s,
  );
  const [selected] = assembler.apply([put(pool, '{"cidr":"10.0.0.0/8","node_selector":"has(rack)"}')]);
  t.is(selected?.resource?.kind, 'IPPool');
  t.regex(
    selected?.problem ?? '',
    /^IPPool\/.*: spec\.nodeSelector = "has\(rack\)" is not enforced by this agent yet$/,
  );
  const [ipip] = assembler.apply([put(pool, '{"cidr":"10.0.0.0/8","ipip":"tunl0","ipip_mode":"always"}')]);
  t.is(ipip?.problem, undefined);
});

test('real layout: of settings, one that cannot be read takes none of the others away', (t) => {
  const assembler = new ObjectAssembler(createLayout('/calico'));
  const [update] = assembler.apply([
    put('/calico/v1/config/InterfacePrefix', 'cali,tap'),
    put('/calico/v1/config/NoPolicyEgress', 'DENY'),
    put('/calico/v1/config/Ipv6Support', 'perhaps'),
  ]);
  t.deepEqual(update?.resource?.spec, { noPolicyEgress: 'Deny' });
  t.is(update?.resource?.origin.file, '/calico/v1/config/InterfacePrefix');
  t.regex(
    update?.problem ?? '',
    /^\/calico\/v1\/config\/InterfacePrefix: expected one prefix .* found "cali,tap"; \/v1\/config\/Ipv6Support: expected true or false, found "perhaps"/,
  );
});

const PARTS = ['/r/a/x', '/r/a/y', '/r/b/x', '/r/c/x', '/r/c/y'];
const histories = fc.array(
  fc.record({ name: fc.constantFrom(...PARTS), value: fc.constantFrom('1', '2', 'bad', undefined) }),
  { maxLength: 30 },
);

test('any split of a history into batches, and any snapshot, ends in the same objects', (t) => {
  fc.assert(
    fc.property(histories, fc.array(fc.nat(8)), fc.nat(30), (history, sizes, cut) => {
      const events = history.map(
        ({ name, value }): KeyEvent => (value === undefined ? del(name) : put(name, value)),
      );
      const one = new Consumer();
      one.take(one.assembler.apply(events));
      const many = new Consumer();
      for (const batch of split(events, sizes)) many.take(many.assembler.apply(batch));
      const late = new Consumer();
      late.take(late.assembler.apply(events.slice(0, cut)));
      late.take(late.assembler.replace(contentsOf(events)));
      t.deepEqual(many.sorted, one.sorted);
      t.deepEqual(late.sorted, one.sorted);
    }),
  );
});

class Consumer {
  readonly assembler = new ObjectAssembler(LETTERS);
  readonly objects = new Map<string, string>();
  get sorted(): [string, string][] {
    return [...this.objects].sort();
  }
  take(updates: readonly Update[]): void {
    for (const update of updates) {
      if (update.resource === undefined && update.problem === undefined) this.objects.delete(update.id);
      else this.objects.set(update.id, show(update));
    }
  }
}

function split(events: readonly KeyEvent[], sizes: readonly number[]): KeyEvent[][] {
  const batches: KeyEvent[][] = [];
  let start = 0;
  for (const size of sizes) {
    batches.push(events.slice(start, start + size));
    start += size;
  }
  return [...batches, events.slice(start)];
}

function contentsOf(events: readonly KeyEvent[]): Map<StoreKey, StoreEntry> {
  const contents = new Map<StoreKey, StoreEntry>();
  for (const event of events) {
    if (event.type === 'put') contents.set(event.key, event.entry);
    else contents.delete(event.key);
  }
  return contents;
}
