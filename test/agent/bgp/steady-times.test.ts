/** BIRD tells the same moment a little differently each time; what we tell of it stays. */
import test from 'ava';
import type { SessionStatus } from '../../../src/agent/bgp/speaker.js';
import { withSteadyTimes } from '../../../src/agent/bgp/steady-times.js';
import { WELL } from '../status/facts-fixture.js';

const NOON = '2026-11-22T12:00:00.000Z';

function session(part: Partial<SessionStatus>): SessionStatus {
  const [established] = WELL.bgp.sessions;
  if (!established) throw new Error('the fixture has a session');
  return { ...established, since: NOON, ...part };
}

const timesOf = (sessions: readonly SessionStatus[]) => sessions.map(({ since }) => since);

for (const since of ['2026-11-22T12:00:00.001Z', '2026-11-22T11:59:59.999Z', '2026-11-22T12:00:01.000Z'])
  test(`${since} is told as the noon before it`, (t) => {
    t.deepEqual(timesOf(withSteadyTimes([session({})], [session({ since })])), [NOON]);
  });

test('what is told does not creep along with small differences', (t) => {
  let told: readonly SessionStatus[] = [session({})];
  for (let ms = 1; ms < 1000; ms += 1) {
    const since = new Date(Date.parse(NOON) + ms).toISOString();
    told = withSteadyTimes(told, [session({ since })]);
  }
  t.deepEqual(timesOf(told), [NOON]);
});

test('a session that was away for longer has a new time', (t) => {
  const since = '2026-11-22T12:00:01.001Z';
  t.deepEqual(timesOf(withSteadyTimes([session({})], [session({ since })])), [since]);
});

test('another state has its own time, however near', (t) => {
  const since = '2026-11-22T12:00:00.001Z';
  const down = session({ state: 'Active', since });
  t.deepEqual(timesOf(withSteadyTimes([session({})], [down])), [since]);
});

test('times are compared session by session, whatever their order, and may be absent', (t) => {
  const since = '2026-11-22T12:00:00.001Z';
  const before = [session({ name: 'one' }), session({ name: 'two', since: undefined })];
  const now = [
    session({ name: 'two', since }),
    session({ name: 'three', since }),
    session({ name: 'one', since: undefined }),
  ];
  t.deepEqual(timesOf(withSteadyTimes(before, now)), [since, since, undefined]);
});

test('only times are kept: counts of routes are those of now', (t) => {
  const now = session({ since: '2026-11-22T12:00:00.001Z', imported: 99 });
  t.deepEqual(withSteadyTimes([session({})], [now]), [{ ...now, since: NOON }]);
});
