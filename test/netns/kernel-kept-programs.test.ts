/** Programs that stay open say and do what one started anew would, whatever others do in between. */
import { kill } from 'node:process';
import test from 'ava';
import { type ExecOptions, type ExecResult, exec } from '../../src/kernel/exec.js';
import { keepOpen } from '../../src/kernel/kept-programs.js';
import { requirePrivateNetns, run } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

requirePrivateNetns();

const TOOLS = ['iptables', 'ip6tables'] as const;
const ARGS = ['--noflush', '--wait', '5'];

const chain = (...rules: readonly string[]): string =>
  ['*filter', ':kept - [0:0]', ...rules.map((rule) => `-A kept ${rule}`), 'COMMIT', ''].join('\n');
const list = (...names: readonly string[]): string =>
  ['*filter', ...names.map((name) => `-S ${name}`), 'COMMIT', ''].join('\n');

/** Where the legacy tables were used once, a program warns of them as it starts: what stays open does so once. */
const withoutWarning = (result: ExecResult): ExecResult => ({
  ...result,
  stderr: result.stderr.replace(/^# Warning:.*\n/gm, ''),
});
const anew = async (tool: (typeof TOOLS)[number], input: string): Promise<ExecResult> =>
  withoutWarning(await exec(`${tool}-nft-restore`, ARGS, { input }));

/** Programs of this test, and the process ids of those that answered. */
function open() {
  const programs = keepOpen(exec);
  const pids: number[] = [];
  return {
    pids,
    restore: async (tool: (typeof TOOLS)[number], input: string, options: ExecOptions = {}) =>
      withoutWarning(
        await programs.exec(`${tool}-nft-restore`, ARGS, {
          onStart: (pid) => pids.push(pid),
          ...options,
          input,
        }),
      ),
    [Symbol.dispose]: () => programs[Symbol.dispose](),
  };
}

test.afterEach.always(async () => {
  for (const tool of TOOLS) await run(`${tool}-nft-restore`, [], { input: '*filter\nCOMMIT\n' });
});

for (const tool of TOOLS)
  test.serial(`${tool}: one process writes and lists, and answers as one started anew does`, async (t) => {
    using kept = open();
    for (const input of [
      chain('-p tcp -j RETURN', '-j DROP'),
      list('kept', 'INPUT'),
      chain('-j RETURN'),
      list('kept'),
    ])
      t.deepEqual(await kept.restore(tool, input), await anew(tool, input));
    t.is(new Set(kept.pids).size, 1);
    t.is((await kept.restore(tool, list('kept'))).stdout, '-N kept\n-A kept -j RETURN\n');
  });

test.serial('calls at once are answered one after the other, each with its own answer', async (t) => {
  using kept = open();
  await kept.restore('iptables', '*filter\n:one - [0:0]\n:two - [0:0]\nCOMMIT\n');
  const names = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'one' : 'two'));
  const answers = await Promise.all(names.map((name) => kept.restore('iptables', list(name))));
  t.deepEqual(
    answers.map(({ stdout }) => stdout),
    names.map((name) => `-N ${name}\n`),
  );
});

test.serial('what others change in between is seen, and written over', async (t) => {
  using kept = open();
  const wanted = { code: 0, stdout: '-N kept\n-A kept -j DROP\n', stderr: '' };
  const jump = '*filter\n-I FORWARD 1 -j kept\nCOMMIT\n';
  await kept.restore('iptables', chain('-j DROP'));
  await kept.restore('iptables', jump);
  for (const hand of [
    ['-A', 'kept', '-j', 'ACCEPT'],
    ['-F', 'kept'],
    ['-I', 'FORWARD', '1', '-j', 'ACCEPT'],
    ['-D', 'FORWARD', '-j', 'kept'],
  ]) {
    await run('iptables-nft', hand);
    const input = list('kept', 'FORWARD');
    t.deepEqual(await kept.restore('iptables', input), await anew('iptables', input));
    await kept.restore('iptables', chain('-j DROP'));
    t.deepEqual(await kept.restore('iptables', list('kept')), wanted, hand.join(' '));
  }
  await run('iptables-nft', ['-F', 'kept']);
  await run('iptables-nft', ['-X', 'kept']);
  await kept.restore('iptables', chain('-j DROP'));
  t.deepEqual(await kept.restore('iptables', list('kept')), wanted, 'the chain was deleted');
  await run('iptables-nft-restore', [], { input: '*filter\nCOMMIT\n' });
  await kept.restore('iptables', chain('-j DROP'));
  t.deepEqual(await anew('iptables', list('kept')), wanted, 'the table was emptied');
  t.is(new Set(kept.pids).size, 1, 'all by one process');
});

test.serial(
  'what the kernel refuses is said as one started anew says it, and the next call is carried out',
  async (t) => {
    using kept = open();
    for (let round = 0; round < 3; round += 1) await kept.restore('iptables', chain('-j DROP'));
    for (const input of [
      '*filter\n-A kept -j nowhere\nCOMMIT\n',
      '*filter\n-D kept -p udp -j DROP\nCOMMIT\n',
      '*nothing\n',
    ]) {
      const fresh = await anew('iptables', input);
      t.not(fresh.code, 0, input);
      t.deepEqual(await kept.restore('iptables', input), fresh);
      t.is((await kept.restore('iptables', list('kept'))).stdout, '-N kept\n-A kept -j DROP\n');
    }
  },
);

test.serial(
  'a program that is killed is an answer without a code, and another one takes its place',
  async (t) => {
    using kept = open();
    await kept.restore('iptables', chain('-j DROP'));
    const onStart = (pid: number) => kill(pid, 'SIGKILL');
    t.is((await kept.restore('iptables', chain('-j ACCEPT'), { onStart })).code, null);
    t.is((await kept.restore('iptables', chain('-j RETURN'))).code, 0);
    t.is((await kept.restore('iptables', list('kept'))).stdout, '-N kept\n-A kept -j RETURN\n');
  },
);

test.serial('one that does not answer in time is ended, and another one takes its place', async (t) => {
  using kept = open();
  await kept.restore('iptables', chain('-j DROP'));
  const onStart = (pid: number) => kill(pid, 'SIGSTOP');
  await t.throwsAsync(kept.restore('iptables', list('kept'), { onStart, timeoutMs: 50 }), {
    message: 'iptables-nft-restore: timed out after 50 ms',
  });
  t.is((await kept.restore('iptables', list('kept'))).stdout, '-N kept\n-A kept -j DROP\n');
});

test.serial('what is given much to do is not kept open', async (t) => {
  using kept = open();
  const input = chain(...Array.from({ length: 4_000 }, (_, port) => `-p tcp --dport ${port + 1} -j RETURN`));
  t.is((await kept.restore('iptables', input)).code, 0);
  t.is((await kept.restore('iptables', input)).code, 0);
  t.is(new Set(kept.pids).size, 2);
});

test.serial('they end when they are disposed of', async (t) => {
  const kept = open();
  await kept.restore('iptables', chain('-j DROP'));
  kept[Symbol.dispose]();
  const isGone = () => {
    try {
      return !kill(kept.pids[0] ?? 0, 0);
    } catch {
      return true;
    }
  };
  await until(isGone, { what: 'the program to end' });
  t.is(kept.pids.length, 1);
});

test.serial('what is asked after that is done by a program of its own', async (t) => {
  const kept = open();
  await kept.restore('iptables', chain('-j DROP'));
  kept[Symbol.dispose]();
  t.is((await kept.restore('iptables', chain('-j RETURN'))).code, 0);
  t.is((await anew('iptables', list('kept'))).stdout, '-N kept\n-A kept -j RETURN\n');
  t.is(new Set(kept.pids).size, 2);
});
