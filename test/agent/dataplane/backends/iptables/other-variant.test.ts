/**
 * Law 4: what is ours in the other variant of iptables is swept, but not before our own rules are in force,
 * and nothing of others. Against fake tools.
 */
import test from 'ava';
import { OtherVariant } from '../../../../../src/agent/dataplane/backends/iptables/other-variant.js';
import { ToolError, type Tools } from '../../../../../src/agent/dataplane/backends/iptables/tools.js';

const SAVED = `*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
:cali-a - [0:0]
:cali-b - [0:0]
-A FORWARD -m comment --comment "cali:0123456789abcdef" -j cali-a
-A FORWARD -m comment --comment "says -j cali-a" -j DOCKER
-A cali-a -j cali-b
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
COMMIT
`;

/** A variant that prints `saved`, or fails as told. */
function variant(saved: string | ToolError) {
  const inputs: string[] = [];
  const state = { saved, refuses: false, inForce: true, looks: 0 };
  const unused = async (): Promise<never> => {
    throw new Error('Not to be called');
  };
  const tools: Tools = {
    saveTables: async () => {
      state.looks += 1;
      if (typeof state.saved !== 'string') throw state.saved;
      return state.saved;
    },
    restoreTables: async (input) => {
      if (state.refuses) throw toolError('refused');
      inputs.push(input);
      state.saved = '';
    },
    listChains: unused,
    hasChain: unused,
    saveSets: unused,
    setNames: unused,
    restoreSets: unused,
  };
  const driver = new OtherVariant({ family: 4, tools, isInForce: () => state.inForce });
  return { driver, state, inputs };
}

function toolError(reason: ToolError['reason']): ToolError {
  return new ToolError('iptables-x-save', reason, `it is ${reason}`);
}

test('OtherVariant removes our rules from chains of others by their text, and our chains', async (t) => {
  const { driver, inputs } = variant(SAVED);
  t.is((await driver.applyUpdates()).changed, 0);
  t.deepEqual(inputs, []);
  t.is((await driver.applyDeletions()).changed, 3);
  t.deepEqual(inputs, [
    [
      '*filter',
      '-D FORWARD -m comment --comment "cali:0123456789abcdef" -j cali-a',
      ':cali-a - [0:0]',
      ':cali-b - [0:0]',
      '-X cali-a',
      '-X cali-b',
      'COMMIT',
      '',
    ].join('\n'),
  ]);
  t.deepEqual(await driver.verify(), []);
});

test('OtherVariant leaves everything until our own rules are in force', async (t) => {
  const { driver, state, inputs } = variant(SAVED);
  state.inForce = false;
  t.deepEqual(await driver.applyDeletions(), { changed: 0, failures: [] });
  t.deepEqual(inputs, []);
  state.inForce = true;
  t.is((await driver.applyDeletions()).changed, 3);
});

test('OtherVariant looks once, and again on a resync', async (t) => {
  const { driver, state } = variant('');
  await driver.applyDeletions();
  await driver.applyDeletions();
  t.deepEqual(await driver.verify('changed'), []);
  t.is(state.looks, 1);
  state.saved = SAVED;
  driver.queueResync();
  t.is((await driver.applyDeletions()).changed, 3);
  t.is(state.looks, 2);
});

for (const reason of ['missing', 'refused'] as const)
  test(`OtherVariant has nothing to sweep where the other tool is ${reason}`, async (t) => {
    const { driver } = variant(toolError(reason));
    t.deepEqual(await driver.applyDeletions(), { changed: 0, failures: [] });
    t.deepEqual(await driver.verify(), []);
  });

test('OtherVariant reports a tool that is locked, and tries again', async (t) => {
  const { driver, state } = variant(toolError('locked'));
  t.is((await driver.applyDeletions()).failures.length, 1);
  t.is((await driver.verify()).length, 1);
  state.saved = SAVED;
  t.is((await driver.applyDeletions()).changed, 3);
});

test('OtherVariant reports what it could not remove', async (t) => {
  const { driver, state } = variant(SAVED);
  state.refuses = true;
  t.deepEqual((await driver.applyDeletions()).failures, [
    { object: 'iptables-4-other-variant', message: 'it is refused' },
  ]);
  t.deepEqual(
    (await driver.verify()).map(({ object }) => object),
    ['cali-a', 'cali-b', 'FORWARD'].map((chain) => `chain ${chain} of iptables-4-other-variant`),
  );
});
