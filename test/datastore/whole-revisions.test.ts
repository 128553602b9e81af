/**
 * Law 7 begins here: a revision is delivered whole and once, however etcd cuts its responses. Random cuts,
 * against the same events uncut.
 */
import test from 'ava';
import type { IEvent } from 'etcd3';
import fc from 'fast-check';
import { RevisionAssembler, type WholeRevision } from '../../src/datastore/etcd/whole-revisions.js';
import { revision } from './helpers.js';

function event(at: number, name: string): IEvent {
  const kv = {
    key: Buffer.from(name),
    value: Buffer.from('v'),
    create_revision: String(at),
    mod_revision: String(at),
    version: '1',
    lease: '0',
  };
  return { type: 'Put', kv, prev_kv: kv };
}

const show = (whole: readonly WholeRevision[]): string[] =>
  whole.map(({ revision: at, events }) => `${at}:${events.map(({ key }) => key).join('')}`);

test('a revision that is cut between fragments is delivered once it is whole', (t) => {
  const assembler = new RevisionAssembler(revision(1));
  t.deepEqual(show(assembler.push([event(5, 'a'), event(6, 'b')], true)), ['5:a']);
  t.true(assembler.unfinished);
  t.deepEqual(show(assembler.push([event(6, 'c')], true)), []);
  t.deepEqual(show(assembler.push([event(6, 'd'), event(7, 'e')], false)), ['6:bcd', '7:e']);
  t.false(assembler.unfinished);
});

test('RevisionAssembler drops what it has delivered before', (t) => {
  const assembler = new RevisionAssembler(revision(6));
  t.deepEqual(show(assembler.push([event(5, 'a'), event(6, 'b')], false)), ['6:b']);
  t.deepEqual(show(assembler.push([event(6, 'b'), event(7, 'c')], false)), ['7:c']);
});

test('law: however responses are cut, the same whole revisions come out', (t) => {
  const responses = fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(responses, fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (sizes, cuts) => {
      let at = 1;
      const whole = new RevisionAssembler(revision(1));
      const cut = new RevisionAssembler(revision(1));
      const expected: string[] = [];
      const found: string[] = [];
      for (const response of sizes) {
        const events = response.flatMap((count) => {
          at += 1;
          return Array.from({ length: count }, (_, index) => event(at, `${index}`));
        });
        expected.push(...show(whole.push(events, false)));
        for (let start = 0; start < events.length; ) {
          const end = start + (cuts.next().value ?? 1);
          found.push(...show(cut.push(events.slice(start, end), end < events.length)));
          start = end;
        }
      }
      t.deepEqual(found, expected);
    }),
  );
});
