/**
 * Which programs are run for which family and variant, and what each way of theirs to fail means: against a
 * recorder in place of programs.
 */
import test from 'ava';
import { createTools, ToolError } from '../../../../../src/agent/dataplane/backends/iptables/tools.js';
import { type Exec, ExecError, type ExecResult } from '../../../../../src/kernel/exec.js';

function recorder(result: Partial<ExecResult> = {}) {
  const calls: unknown[][] = [];
  const exec: Exec = async (command, args, options) => {
    calls.push([command, args.join(' '), options?.input, options?.env]);
    return { code: 0, stdout: 'out', stderr: '', ...result };
  };
  return { calls, exec };
}

test('createTools() calls the programs of its family and variant by name, with the lock file of the host', async (t) => {
  const { calls, exec } = recorder();
  const tools = createTools({ family: 6, variant: 'legacy', exec, lockFile: '/run/h1.lock' });
  t.is(await tools.saveTables(), 'out');
  await tools.restoreTables('rules');
  t.is(await tools.listChains('raw', ['cali-a', 'cali-b']), 'out');
  t.true(await tools.hasChain('nat', 'cali-a'));
  t.is(await tools.saveSets(), 'out');
  await tools.saveSets('cali60x');
  t.deepEqual(await tools.setNames(), new Set(['out']));
  await tools.restoreSets('sets');
  const env = { XTABLES_LOCKFILE: '/run/h1.lock' };
  t.deepEqual(calls, [
    ['ip6tables-legacy-save', '', '', env],
    ['ip6tables-legacy-restore', '--noflush --wait 5', 'rules', env],
    ['ip6tables-legacy-restore', '--noflush --wait 5', '*raw\n-S cali-a\n-S cali-b\nCOMMIT\n', env],
    ['ip6tables-legacy', '--wait 5 -t nat -S cali-a', '', env],
    ['ipset', 'save', '', env],
    ['ipset', 'save cali60x', '', env],
    ['ipset', 'list -name', '', env],
    ['ipset', 'restore', 'sets', env],
  ]);
});

const fails = test.macro({
  async exec(t, variant: 'nft' | 'legacy', code: number, reason: ToolError['reason']) {
    const { exec } = recorder({ code, stderr: "# Warning: old\nversion 1:\n line 3 failed\nTry `x -h'" });
    const tools = createTools({ family: 4, variant, exec });
    const error = await t.throwsAsync(tools.restoreTables('rules'), { instanceOf: ToolError });
    t.like(error, {
      reason,
      message: `iptables-${variant}-restore: version 1: line 3 failed (exit ${code})`,
    });
  },
  title: (_, variant, code, reason) => `exit ${code} of the ${variant} variant means ${reason}`,
});
test(fails, 'legacy', 4, 'locked');
test(fails, 'legacy', 1, 'refused');
test(fails, 'nft', 4, 'refused');
test(fails, 'nft', 2, 'refused');
test(fails, 'legacy', 127, 'missing');

test('a program that is not there is missing', async (t) => {
  const exec: Exec = async (command) => {
    throw new ExecError(command, 'not-found', `${command}: not found`);
  };
  const tools = createTools({ family: 4, variant: 'nft', exec });
  t.like(await t.throwsAsync(tools.saveTables(), { instanceOf: ToolError }), {
    reason: 'missing',
    message: 'iptables-nft-save: not found',
  });
});

test('hasChain() says no when the tool does, and does not guess when it cannot run', async (t) => {
  const refused = createTools({ family: 4, variant: 'nft', exec: recorder({ code: 1 }).exec });
  t.false(await refused.hasChain('filter', 'cali-a'));
  const locked = createTools({ family: 4, variant: 'legacy', exec: recorder({ code: 4 }).exec });
  await t.throwsAsync(locked.hasChain('filter', 'cali-a'), { instanceOf: ToolError });
});
