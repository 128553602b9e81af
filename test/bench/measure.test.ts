/** A benchmark does not try what this machine cannot run, and says why. With a contender made up here. */
import test from 'ava';
import { measure } from '../../bench/measure.js';

test('measure() says of a contender that this machine cannot run why, in one line', async (t) => {
  const contender = {
    name: 'addon',
    unavailable: async () => 'Cannot find package\nat Module.load',
    prepare: () => Promise.reject(new Error('it was prepared all the same')),
  };
  const row = { name: 'row', work: 'do nothing', sizes: [10], contenders: [contender] };
  t.deepEqual(await measure(row, 10, 3), [
    { row: 'row', work: 'do nothing', size: 10, contender: 'addon', notAvailable: 'Cannot find package' },
  ]);
});
