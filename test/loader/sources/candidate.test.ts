/**
 * A source that is too large is refused with the file, the limit and the number (law 8): budgets filled
 * without any file.
 */
import test from 'ava';
import { FileBudget } from '../../../src/loader/sources/candidate.js';
import { SourceError } from '../../../src/loader/sources/source.js';

const refuses = test.macro({
  exec(t, fill: (budget: FileBudget) => void, message: RegExp) {
    const error = t.throws(() => fill(new FileBudget()), { instanceOf: SourceError, message });
    t.is(error?.code, 'limit');
  },
  title: (title = '') => `FileBudget refuses ${title}, and names the file, the limit and what was found`,
});

test(
  'more than 50,000 files',
  refuses,
  (budget) => {
    for (let index = 0; index <= 50_000; index += 1) budget.add(`f${index}.yaml`, 1);
  },
  /^f50000\.yaml: the number of .* 50001 with this one, and 50000 at most/,
);
test(
  'more than 256 MiB in all',
  refuses,
  (budget) => {
    for (let index = 0; index <= 32; index += 1) budget.add(`f${index}.yaml`, 2 ** 23);
  },
  /^f32\.yaml: the size of .* together .* 276824064 bytes with this one, and 268435456 bytes at most/,
);
test(
  'folders deeper than 64',
  refuses,
  (budget) => budget.enter(`${'a/'.repeat(64)}b`),
  /the depth of folders .* 65, and 64 at most/,
);
