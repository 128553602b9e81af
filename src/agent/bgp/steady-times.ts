/**
 * When sessions came into their states, told the same way each time.
 *
 * BIRD notes that moment on a clock that only counts, and makes a date of it anew for every answer, from two clocks that
 * it has not read at the same instant. The same moment is therefore told a millisecond earlier or later, and where the
 * answer has whole seconds (BIRD 1.6) a second. Told as it comes, it would be news for the store at every look.
 */
import type { SessionStatus } from './speaker.js';

/** Times of one session in one state that are no further apart are the same moment. In ms. */
const SAME_MOMENT_MS = 1_000;

/** The sessions with the times told `before` where they mean the same moments. */
export function withSteadyTimes(
  before: readonly SessionStatus[],
  sessions: readonly SessionStatus[],
): readonly SessionStatus[] {
  const told = new Map(before.map((session) => [session.name, session]));
  return sessions.map((session) => {
    const earlier = told.get(session.name);
    return earlier?.state === session.state && isSameMoment(earlier.since, session.since)
      ? { ...session, since: earlier.since }
      : session;
  });
}

function isSameMoment(one: string | undefined, other: string | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    Math.abs(Date.parse(one) - Date.parse(other)) <= SAME_MOMENT_MS
  );
}
