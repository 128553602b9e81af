import { getEventListeners } from 'node:events';
import test from 'ava';
import { eitherSignal } from '../../src/model/either-signal.js';

test('eitherSignal() is aborted with either of the two, also with one that is already', (t) => {
  const [first, second] = [new AbortController(), new AbortController()];
  using either = eitherSignal(first.signal, second.signal);
  t.false(either.signal.aborted);
  second.abort();
  t.true(either.signal.aborted);
  using later = eitherSignal(first.signal, second.signal);
  t.true(later.signal.aborted);
});

test('eitherSignal() leaves nothing in its sources', (t) => {
  const [first, second] = [new AbortController(), new AbortController()];
  {
    using either = eitherSignal(first.signal, second.signal);
    t.is(getEventListeners(first.signal, 'abort').length, 1);
    t.false(either.signal.aborted);
  }
  for (const { signal } of [first, second]) t.deepEqual(getEventListeners(signal, 'abort'), []);
});
