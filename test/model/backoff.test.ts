import test from 'ava';
import { backoffMs } from '../../src/model/backoff.js';

const LIMITS = { firstMs: 100, maxMs: 1_000 };

test('backoffMs() doubles from failure to failure up to its limit, and spreads over the upper half', (t) => {
  const range = (failures: number) => [backoffMs(failures, LIMITS, 0), backoffMs(failures, LIMITS, 1)];
  t.deepEqual([1, 2, 3, 4, 5, 2_000].map(range), [
    [50, 100],
    [100, 200],
    [200, 400],
    [400, 800],
    [500, 1_000],
    [500, 1_000],
  ]);
});
