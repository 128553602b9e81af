/**
 * A time limit holds although nobody keeps its signal: garbage is collected while it runs
 * (src/datastore/deadline.ts says why).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { withDeadline } from '../../src/datastore/deadline.js';
import { until } from '../helpers/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('withDeadline() is aborted when its time is up, whatever garbage is collected meanwhile', async (t) => {
  const signal = withDeadline(new AbortController().signal, 50);
  t.false(signal.aborted, 'before any time has passed');
  for (let i = 0; i < 3; i += 1) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => signal.aborted, { what: 'the deadline' });
  t.is(signal.reason.name, 'TimeoutError');
});

test('withDeadline() is aborted with the signal that it was given, at once when that has been', (t) => {
  const controller = new AbortController();
  const signal = withDeadline(controller.signal, 60_000);
  controller.abort('enough');
  t.is(signal.reason, 'enough');
  t.is(withDeadline(controller.signal, 60_000).reason, 'enough');
});
