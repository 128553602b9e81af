/**
 * Law 3: an object that fails is found and left out, and its neighbours are written. Against a kernel of
 * strings that refuses on demand.
 */
import test from 'ava';
import { RenderError } from '../../../../../src/agent/dataplane/backends/iptables/render.js';
import { ToolError } from '../../../../../src/agent/dataplane/backends/iptables/tools.js';
import {
  type BatchWriter,
  writeBatch,
} from '../../../../../src/agent/dataplane/backends/iptables/write-batch.js';

const noPause = async () => {};

function refusal(reason: ToolError['reason'] = 'refused'): ToolError {
  return new ToolError('iptables-restore', reason, 'it said no');
}

/** A kernel that takes strings, and what it was asked. */
function fakeWriter(wanted: readonly string[], refuse: (items: readonly string[]) => Error | undefined) {
  const written = new Set<string>();
  const asked: string[] = [];
  const writer: BatchWriter<string> = {
    name: 'fake',
    pending: () => wanted.filter((item) => !written.has(item)),
    async write(items) {
      asked.push(items.join('+'));
      const error = refuse(items);
      if (error) throw error;
      for (const item of items) written.add(item);
    },
    async readBack() {
      asked.push('read back');
    },
    async prepareEach() {
      asked.push('prepare');
    },
    describe: (item) => `object ${item}`,
  };
  return { writer, written, asked };
}

test('writeBatch() writes all at once, and nothing when nothing is pending', async (t) => {
  const some = fakeWriter(['a', 'b'], () => undefined);
  t.deepEqual(await writeBatch(some.writer, noPause), { changed: 2, failures: [] });
  t.deepEqual(some.asked, ['a+b']);
  const none = fakeWriter([], () => undefined);
  t.deepEqual(await writeBatch(none.writer, noPause), { changed: 0, failures: [] });
  t.deepEqual(none.asked, []);
});

test('writeBatch() reads back and tries again', async (t) => {
  let failures = 2;
  const { writer, asked } = fakeWriter(['a', 'b'], () => (failures-- > 0 ? refusal() : undefined));
  t.deepEqual(await writeBatch(writer, noPause), { changed: 2, failures: [] });
  t.deepEqual(asked, ['a+b', 'read back', 'a+b', 'read back', 'a+b']);
});

for (const [what, error] of [
  ['the kernel refuses', refusal()],
  ['cannot be rendered', new RenderError('a chain name', 'x y')],
] as const)
  test(`writeBatch() leaves out an object that ${what}`, async (t) => {
    const { writer, written, asked } = fakeWriter(['a', 'bad', 'c'], (items) =>
      items.includes('bad') ? error : undefined,
    );
    t.deepEqual(await writeBatch(writer, noPause), {
      changed: 2,
      failures: [{ object: 'object bad', message: error.message }],
    });
    t.deepEqual([...written], ['a', 'c']);
    t.deepEqual(asked.slice(-4), ['prepare', 'a', 'bad', 'c']);
  });

for (const reason of ['locked', 'unusable'] as const)
  test(`writeBatch() does not repeat for each object what a tool that is ${reason} cannot do for all`, async (t) => {
    const { writer, asked } = fakeWriter(['a', 'b'], () => refusal(reason));
    t.deepEqual(await writeBatch(writer, noPause), {
      changed: 0,
      failures: [{ object: 'fake', message: 'it said no' }],
    });
    t.deepEqual(asked, ['a+b']);
  });

test('writeBatch() does not hide a fault in the program', async (t) => {
  const { writer } = fakeWriter(['a'], () => new TypeError('a bug'));
  await t.throwsAsync(writeBatch(writer, noPause), { instanceOf: TypeError });
});
