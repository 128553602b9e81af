/** Our marks stay within the mask that an operator leaves us, and too narrow a mask is none. By example. */
import test from 'ava';
import { markBits } from '../../../../src/agent/dataplane/rules/mark-bits.js';

test('markBits() deals out the lowest bits of the mask', (t) => {
  t.deepEqual(markBits(0xff000000), {
    accept: 0x1000000,
    pass: 0x2000000,
    allBlocks: 0x4000000,
    thisBlock: 0x8000000,
  });
  t.deepEqual(markBits(0x80010101), { accept: 0x1, pass: 0x100, allBlocks: 0x10000, thisBlock: 0x80000000 });
});

test('markBits() needs four bits', (t) => {
  t.is(markBits(0x7), undefined);
  t.is(markBits(0), undefined);
});
