/**
 * Echo requests one after the other, none of which may stay without an answer.
 *
 * ping(8) does not wait for the answers to its last requests, so more are sent than count: with `-w` it goes on
 * until one more than these has been answered.
 */
import type { Namespace } from './netns.js';

const DEADLINE_S = 20;

export interface Flood {
  /** How many requests count. */
  readonly count: number;
  readonly everyMs: number;
}

/** The numbers of the requests that were not answered. */
export async function flood(
  from: Pick<Namespace, 'exec'>,
  target: string,
  { count, everyMs }: Flood,
): Promise<readonly number[]> {
  const end = ['-c', String(count + 1), '-w', String(DEADLINE_S)];
  const { stdout } = await from.exec('ping', ['-n', '-i', String(everyMs / 1_000), ...end, target]);
  const answers = stdout.matchAll(/ bytes from .*? icmp_seq=(\d+) /g);
  const answered = new Set(Array.from(answers, ([, number]) => Number(number)));
  return Array.from({ length: count }, (_, index) => index + 1).filter((number) => !answered.has(number));
}
