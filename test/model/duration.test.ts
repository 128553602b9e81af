/** Durations as people write them in settings, in milliseconds, and what is none: a table. */
import test from 'ava';
import { parseDurationMs } from '../../src/model/duration.js';

const parses = test.macro({
  exec(t, text: string, expected: number | undefined) {
    t.is(parseDurationMs(text), expected);
  },
  title: (_ = '', text, expected) =>
    expected === undefined
      ? `parseDurationMs() refuses ${JSON.stringify(text)}`
      : `parseDurationMs() reads ${JSON.stringify(text)} as ${expected} ms`,
});
test(parses, '90s', 90_000);
test(parses, '2m', 120_000);
test(parses, '1.5h', 5_400_000);
test(parses, '500ms', 500);
test(parses, '0s', 0);
test(parses, '30', 30_000);
test(parses, '', undefined);
test(parses, '-1s', undefined);
test(parses, '1d', undefined);
test(parses, '1 s', undefined);
test(parses, 's', undefined);
