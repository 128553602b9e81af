/**
 * Every reason against a host's readiness has its own code and words, fact by fact; and when its loop counts
 * as stuck.
 */
import test from 'ava';
import { type HealthCode, LoopWatch, readiness } from '../../../src/agent/status/health.js';
import type { HostFacts } from '../../../src/agent/status/host-facts.js';
import { revision, SESSION_DOWN, WELL } from './facts-fixture.js';
import { ManualClock } from './manual-clock.js';

test('readiness() has nothing to say of a host where all is well', (t) => {
  t.deepEqual(readiness(WELL), []);
});

const ROUTE = { object: 'route 10.65.0.1/32', message: 'no such device' };

const red = test.macro({
  exec(t, change: Partial<HostFacts>, code: HealthCode, message: RegExp) {
    const reasons = readiness({ ...WELL, ...change });
    t.deepEqual(
      reasons.map((reason) => reason.code),
      [code],
    );
    t.regex(reasons[0]?.message ?? '', message);
  },
  title: (title, _change, code) => `readiness() says ${code} ${title}`,
});

test(
  'while the store cannot be reached',
  red,
  { datastoreAway: 'connection refused' },
  'datastore-away',
  /connection refused/,
);
test('before the first snapshot is complete', red, { received: undefined }, 'not-in-sync', /first snapshot/);
test(
  'when Ready is not true',
  red,
  { received: { revision: revision(7), ready: false } },
  'store-not-ready',
  /Ready/,
);
test(
  'while a newer state of the store is not in the kernel yet',
  red,
  { received: { revision: revision(8), ready: true } },
  'applying',
  /newer state/,
);
test(
  'while the kernel has not been read back since it was written',
  red,
  { verified: { revision: revision(6), at: 0, differences: [] } },
  'applying',
  /newer state/,
);
test(
  'when something in the store is not enforced',
  red,
  { unenforced: [ROUTE] },
  'not-enforced',
  /no such device/,
);
test(
  'when an object could not be written',
  red,
  { failures: [ROUTE] },
  'write-failed',
  /^route 10.65.0.1\/32: no such device$/,
);
test('until the kernel has been read back once', red, { verified: undefined }, 'not-verified', /read back/);
test(
  'when the kernel is not as desired',
  red,
  { verified: { revision: revision(7), at: 0, differences: [ROUTE] } },
  'verify-failed',
  /no such device/,
);
test(
  'when BIRD cannot be asked',
  red,
  { bgp: { configured: 0, established: 0, sessions: [], problem: 'no BIRD listens' } },
  'bgp-daemon',
  /no BIRD/,
);
test(
  'for each session that is down',
  red,
  { bgp: SESSION_DOWN },
  'bgp-session-down',
  /^Mesh_10_0_0_2 \(host-2\) is Active: Socket: Connection refused$/,
);

test('readiness() gives every reason there is', (t) => {
  const reasons = readiness({ ...WELL, datastoreAway: 'gone', failures: [ROUTE], bgp: SESSION_DOWN });
  t.deepEqual(
    reasons.map(({ code }) => code),
    ['datastore-away', 'write-failed', 'bgp-session-down'],
  );
});

test('a main loop is stuck once it has not turned for longer than the limit', async (t) => {
  const clock = new ManualClock();
  const watch = new LoopWatch(clock, 30_000);
  await clock.advance(30_000);
  t.is(watch.stuck(), undefined);
  await clock.advance(1_000);
  t.is(watch.stuck(), 'the main loop has not turned for 31 s');
  watch.turned();
  t.is(watch.stuck(), undefined);
});
