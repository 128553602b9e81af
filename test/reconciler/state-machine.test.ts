/**
 * What the reconciler decides is right in whatever order things happen: random histories of a world of
 * numbers (world.ts), and stories one by one.
 */
import test from 'ava';
import fc from 'fast-check';
import type { ReconcilerEvent } from '../../src/reconciler/reconciler-state.js';
import { FREE_REPAIRS, MAX_CONFLICTS, reduce } from '../../src/reconciler/state-machine.js';
import { World } from './world.js';

type Step = (world: World) => void;

/** Everything that may happen to a reconciler, in any order. */
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(5).map(
    (index): Step =>
      (world) =>
        world.answer(index),
  ),
  fc.constantFrom<Step>(
    (world) => world.send({ type: 'poll' }),
    (world) => world.see(),
    (world) => world.disturb(),
    (world) => world.rival(),
    (world) => world.rollback(),
    (world) => {
      world.forgotten = !world.forgotten;
    },
  ),
  fc.constantFrom<'good' | 'invalid' | 'refused'>('good', 'invalid', 'refused').map(
    (quality): Step =>
      (world) =>
        world.push(quality),
  ),
  fc.boolean().map(
    (leading): Step =>
      (world) =>
        world.lead(leading),
  ),
  fc.boolean().map(
    (up): Step =>
      (world) => {
        world.sourceUp = up;
      },
  ),
  fc.boolean().map(
    (up): Step =>
      (world) => {
        world.storeUp = up;
      },
  ),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })).map(
    ([transactions, losesAfter]): Step =>
      (world) => {
        world.transactions = transactions;
        world.losesAfter = losesAfter;
      },
  ),
  fc.boolean().map(
    (suspended): Step =>
      (world) => {
        world.suspended = suspended;
      },
  ),
);
const arbitraryHistory = fc.array(arbitraryStep, { maxLength: 60, size: 'max' });

test('reduce() never has two applies under way, whatever happens', (t) => {
  fc.assert(
    fc.property(arbitraryHistory, (steps) => {
      const world = new World();
      for (const step of steps) step(world);
      return world.appliesAtOnce <= 1;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('reduce() ends live at the newest commit once every trouble is over', (t) => {
  fc.assert(
    fc.property(arbitraryHistory, (steps) => {
      const world = new World();
      for (const step of steps) step(world);
      const ended = world.settle();
      return ended && world.stored === world.commit && world.state.phase === 'live';
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('reduce() writes no older commit over a newer one, whoever wrote that', (t) => {
  fc.assert(
    fc.property(arbitraryHistory, (steps) => {
      const world = new World();
      for (const step of steps) step(world);
      world.settle();
      return !world.wentBack;
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('reduce() keeps the last good commit whole while a newer one is invalid or refused, and nothing else', (t) => {
  const quality = fc.constantFrom<'invalid' | 'refused'>('invalid', 'refused');
  fc.assert(
    fc.property(arbitraryHistory, quality, (steps, last) => {
      const world = new World();
      for (const step of steps) step(world);
      // What a series has begun, and a store that was written by hand alone, are nobody's last good commit.
      const ended = world.settle(last);
      world.disturb();
      world.see();
      return ended && world.run() && !world.wroteRefused && (world.head === 0 || world.stored === world.head);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('reduce() looks up what is live after a restart while the newest commit is invalid or the source away', (t) => {
  for (const trouble of ['invalid', 'away'] as const) {
    const world = new World();
    world.rival();
    world.disturb();
    if (trouble === 'invalid') world.push('invalid');
    else world.sourceUp = false;
    world.lead(true);
    world.send({ type: 'poll' });
    for (let answers = 0; answers < 40 && world.stored !== 1; answers += 1) world.answer(0);
    t.is(world.stored, 1, trouble);
    t.is(world.state.good, undefined);
    t.like(world.state.conditions.Defended, { status: 'True', reason: 'LiveCommit' });
    t.is(world.state.conditions[trouble === 'away' ? 'SourceReady' : 'Valid'].status, 'False');
  }
});

test('reduce() says that it cannot defend a live commit that the source no longer has', (t) => {
  const world = liveWorld();
  world.push('refused');
  world.send({ type: 'poll' });
  world.forgotten = true;
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.state.conditions.Applied.reason, 'Refused');
  t.like(world.state.conditions.Defended, { status: 'False', message: 'forgotten' });
  world.push('good');
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.state.conditions.Defended.reason, 'NewestIsLive');
});

test('reduce() goes on after a rollback with the commit after the one that was left', (t) => {
  const world = liveWorld();
  world.push('good');
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  world.rollback();
  t.true(world.run());
  t.is(world.stored, 1);
  t.is(world.state.conditions.Applied.reason, 'RolledBack');
  world.disturb();
  t.true(world.run());
  t.is(world.stored, 1, 'drift is repaired');
  world.push('invalid');
  world.send({ type: 'poll' });
  t.true(world.run());
  t.is(world.stored, 1, 'an invalid commit does not bring the one before it back');
  world.push('good');
  world.send({ type: 'poll' });
  t.true(world.run());
  t.is(world.stored, 4);
  t.is(world.state.phase, 'live');
});

test('reduce() says that history was rewritten until the next commit', (t) => {
  const world = liveWorld();
  const read = (commit: string, changed: boolean, rewritten?: string) => {
    world.send({ type: 'poll' });
    world.underWay.length = 0;
    const { generation } = world.state;
    world.send({ type: 'read', generation, commit, changed, ...(rewritten && { rewritten }) });
    return world.state.conditions.SourceReady;
  };
  t.like(read('b', true, 'a'), { status: 'True', reason: 'HistoryRewritten' });
  t.regex(world.state.conditions.SourceReady.message, /commit b does not descend from a,/);
  world.underWay.length = 0;
  world.send({ type: 'loaded', generation: world.state.generation, commit: 'b', problem: 'bad' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(read('b', false).reason, 'HistoryRewritten');
  while (world.underWay.length > 0) world.answer(0);
  t.is(read('c', true).reason, 'Read');
});

test('reduce() never applies what somebody went back from', (t) => {
  fc.assert(
    fc.property(arbitraryHistory, (steps) => {
      const world = new World();
      for (const step of steps) step(world);
      world.rollback();
      const { head, held } = world;
      world.calm();
      const ended = world.run();
      const stays = held === 0 || held !== world.commit || world.head === head;
      return ended && stays && !world.wroteHeld;
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('reduce() reads the source before it writes over a commit that it has never seen', (t) => {
  const world = liveWorld();
  world.push('good');
  world.rival();
  world.see();
  t.is(world.state.phase, 'planning');
  world.answer(0);
  t.is(world.state.phase, 'reading');
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.state.phase, 'live');
  t.is(world.state.good, '2');
  t.is(world.stored, 2);
});

test('reduce() leaves a commit that it has never seen while the source is away, and says so', (t) => {
  const world = liveWorld();
  world.push('good');
  world.rival();
  world.sourceUp = false;
  world.see();
  for (let answers = 0; answers < 10; answers += 1) world.answer(0);
  t.is(world.stored, 2);
  t.is(world.state.conditions.Applied.reason, 'SourceBehind');
  world.sourceUp = true;
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.state.phase, 'live');
  t.is(world.state.good, '2');
});

test('reduce() defends what others applied while the newest commit is invalid, and does not go back', (t) => {
  const world = liveWorld();
  world.push('good');
  world.rival();
  world.push('invalid');
  world.send({ type: 'poll' });
  t.true(world.run());
  t.is(world.stored, 2);
  t.is(world.state.good, '1');
  world.disturb();
  t.true(world.run());
  t.is(world.stored, 2);
  t.is(world.state.conditions.Applied.reason, 'SourceBehind');
});

test('reduce() drops results of an older generation', (t) => {
  fc.assert(
    fc.property(arbitraryHistory, (steps) => {
      const world = new World();
      for (const step of steps) step(world);
      const { state } = world;
      const generation = state.generation - 1;
      const late: readonly ReconcilerEvent[] = [
        { type: 'applied', generation, revision: 99 },
        { type: 'conflict', generation, jitter: 0 },
        { type: 'too-large', generation, message: 'late' },
        { type: 'store-failed', generation, message: 'late', jitter: 0 },
      ];
      return late.every((event) => {
        const next = reduce(state, event);
        return next.state === state && next.effects.length === 0;
      });
    }),
  );
  t.pass();
});

test('reduce() goes from the first poll to live', (t) => {
  const world = new World();
  world.lead(true);
  world.send({ type: 'poll' });
  const phases = [world.state.phase];
  while (world.underWay.length > 0) {
    world.answer(0);
    phases.push(world.state.phase);
  }
  t.deepEqual(phases, ['reading', 'loading', 'planning', 'applying', 'live']);
  t.is(world.stored, 1);
});

test('reduce() takes its own write for no news, and a foreign one for drift', (t) => {
  const world = liveWorld();
  world.see();
  t.is(world.state.phase, 'live');
  world.disturb();
  world.see();
  t.is(world.state.phase, 'planning');
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 1);
});

test('reduce() tells how far a series has come, and takes its transactions for no news', (t) => {
  const world = liveWorld();
  world.transactions = 3;
  world.push('good');
  world.send({ type: 'poll' });
  const told: string[] = [];
  world.onState = ({ conditions: { Applied } }) =>
    told.push(`${Applied.status} ${Applied.reason} ${Applied.message}`);
  while (world.underWay.length > 0) world.answer(0);
  t.deepEqual(
    [...new Set(told)],
    [
      'True StoreMatches commit 1',
      'Unknown Applying 1 of 3 changes of commit 2 are written',
      'Unknown Applying 2 of 3 changes of commit 2 are written',
      'True StoreMatches commit 2',
    ],
  );
  while (world.unseen.length > 0) world.see();
  t.is(world.state.phase, 'live');
  t.deepEqual(world.underWay, []);
});

test('reduce() goes on with a series that lost a race, and with patience as long as it gets on', (t) => {
  const world = new World();
  world.lead(true);
  world.transactions = 3;
  world.losesAfter = 1;
  world.send({ type: 'poll' });
  for (let answers = 0; answers < 2 + 4 * MAX_CONFLICTS; answers += 1) world.answer(0);
  t.is(world.state.conditions.Applied.reason, 'Applying');
  world.losesAfter = Number.POSITIVE_INFINITY;
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 1);
});

test('reduce() holds a plan that this server does not take, until the commit changes', (t) => {
  const world = new World();
  world.lead(true);
  world.send({ type: 'poll' });
  for (let answers = 0; answers < 3; answers += 1) world.answer(0);
  const { generation, plannedAt } = world.state;
  world.underWay.length = 0;
  world.send({ type: 'progress', generation, revision: plannedAt + 1, applied: 1, total: 2 });
  world.send({ type: 'too-large', generation, message: 'a set is too large' });
  world.send({ type: 'store-changed', revision: plannedAt + 1, jitter: 0 });
  t.is(world.state.phase, 'idle');
  t.like(world.state.conditions.Applied, {
    status: 'False',
    reason: 'TooLarge',
    message: 'a set is too large',
  });
  t.deepEqual(world.underWay, []);
  world.push('good');
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 2);
});

test('reduce() plans again when a key was changed between a plan and its apply', (t) => {
  const world = new World();
  world.lead(true);
  world.send({ type: 'poll' });
  world.answer(0);
  world.answer(0);
  world.answer(0);
  t.is(world.state.phase, 'applying');
  const { plannedAt, generation } = world.state;
  world.send({ type: 'store-changed', revision: plannedAt, jitter: 0 });
  world.send({ type: 'store-changed', revision: plannedAt + 1, jitter: 0 });
  world.send({ type: 'store-changed', revision: plannedAt + 2, jitter: 0 });
  world.send({ type: 'applied', generation, revision: plannedAt + 2 });
  t.is(world.state.phase, 'planning', 'revision + 1 was not ours');
});

test('reduce() does not try an invalid commit again, and goes on defending the last good one', (t) => {
  const world = liveWorld();
  world.push('invalid');
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.state.conditions.Valid.status, 'False');
  t.is(world.state.phase, 'live');

  world.send({ type: 'poll' });
  t.deepEqual(
    world.underWay.map(({ type }) => type),
    ['read'],
  );
  world.answer(0);
  t.deepEqual(world.underWay, [], 'the same commit is not loaded again');

  world.disturb();
  world.see();
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 1);
});

test('reduce() repairs drift while a read of the source hangs, once', (t) => {
  const world = liveWorld();
  world.send({ type: 'poll' });
  t.is(world.state.phase, 'reading');
  world.disturb();
  world.see();
  t.is(world.state.phase, 'planning', 'the read is put off');
  const hung = world.underWay.findIndex((effect) => effect.type === 'read');
  world.underWay.splice(hung, 1);
  world.answer(0);
  world.answer(0);
  t.is(world.state.phase, 'reading', 'and taken up again');
  world.disturb();
  world.see();
  world.see();
  t.is(world.state.phase, 'reading', 'it is not put off a second time');
});

test('reduce() plans again after a lost race, at most five times in a row', (t) => {
  const world = new World();
  world.lead(true);
  world.send({ type: 'poll' });
  world.answer(0);
  world.answer(0);
  for (let race = 0; race < MAX_CONFLICTS + 1; race += 1) {
    t.is(world.state.phase, 'planning');
    world.answer(0);
    world.disturb();
    world.answer(0);
  }
  t.is(world.state.phase, 'idle');
  t.is(world.state.conditions.Applied.reason, 'Conflict');
  t.deepEqual(
    world.underWay.map(({ type }) => type),
    ['wait'],
  );
});

test('reduce() asks a source that refuses us again at the next poll, and not before', (t) => {
  const world = new World();
  world.send({ type: 'poll' });
  world.underWay.length = 0;
  const { generation } = world.state;
  world.send({ type: 'source-failed', generation, message: 'denied', retryable: false, jitter: 0 });
  world.answer(0);
  t.deepEqual(world.underWay, []);
  t.is(world.state.phase, 'idle');
  t.is(world.state.conditions.SourceReady.message, 'denied');
});

test('reduce() slows a fight over its keys down, tells of it, and forgets it after a quiet poll', (t) => {
  const world = liveWorld();
  const delays: number[] = [];
  for (let round = 0; round < FREE_REPAIRS + 4; round += 1) {
    world.disturb();
    world.see();
    const [effect] = world.underWay;
    if (effect?.type === 'wait') delays.push(effect.delayMs);
    while (world.underWay.length > 0) world.answer(0);
    world.see();
    t.is(world.stored, 1, 'it is put back all the same');
  }
  t.deepEqual(delays, [250, 500, 1000]);
  world.disturb();
  world.see();
  t.is(world.state.conditions.Applied.reason, 'Conflict');
  while (world.underWay.length > 0) world.answer(0);
  while (world.unseen.length > 0) world.see();
  world.send({ type: 'poll' });
  world.answer(0);
  world.disturb();
  world.see();
  t.is(world.state.phase, 'planning', 'at once again');
});

test('reduce() waits longer after each failure of the source, and not for ever', (t) => {
  const world = new World();
  world.sourceUp = false;
  world.send({ type: 'poll' });
  const delays: number[] = [];
  while (delays.length < 10) {
    const [effect] = world.underWay;
    if (effect?.type === 'wait') delays.push(effect.delayMs);
    world.answer(0);
  }
  t.deepEqual(delays, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000]);
});

test('reduce() applies nothing while it does not lead, and says so', (t) => {
  const world = new World();
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 0);
  t.is(world.state.phase, 'idle');
  t.is(world.state.conditions.Applied.reason, 'NotLeading');
  world.lead(true);
  while (world.underWay.length > 0) world.answer(0);
  t.is(world.stored, 1);
});

function liveWorld(): World {
  const world = new World();
  world.lead(true);
  world.send({ type: 'poll' });
  while (world.underWay.length > 0) world.answer(0);
  while (world.unseen.length > 0) world.see();
  return world;
}
