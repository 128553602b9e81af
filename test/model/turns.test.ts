import test from 'ava';
import { Turns } from '../../src/model/turns.js';

test('Turns runs one task after the other, in the order in which they were asked for, past those that fail', async (t) => {
  const [turns, seen] = [new Turns(), [] as string[]];
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const first = turns.take(async () => {
    seen.push('first begins');
    await held;
    seen.push('first ends');
    return 1;
  });
  const second = turns.take(async () => {
    seen.push('second');
    throw new Error('told to fail');
  });
  const third = turns.take(async () => {
    seen.push('third');
    return 3;
  });
  const failing = t.throwsAsync(second, { message: 'told to fail' });
  goOn();
  t.is(await first, 1);
  await failing;
  t.is(await third, 3);
  await turns.over();
  t.deepEqual(seen, ['first begins', 'first ends', 'second', 'third']);
});
