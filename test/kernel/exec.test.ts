/** Running programs. */
import test from 'ava';
import { ExecError, exec } from '../../src/kernel/exec.js';

test('exec() returns what a program printed, and takes a non-zero exit for a result', async (t) => {
  const script = 'cat; echo complaint >&2; exit 3';
  t.deepEqual(await exec('sh', ['-c', script], { input: 'given' }), {
    code: 3,
    stdout: 'given',
    stderr: 'complaint\n',
  });
});

test('exec() hands arguments over as they are: there is no shell', async (t) => {
  const { stdout } = await exec('printf', ['%s|', '$HOME', '; echo', 'a b']);
  t.is(stdout, '$HOME|; echo|a b|');
});

test('exec() adds to the environment', async (t) => {
  const { stdout } = await exec('sh', ['-c', 'echo "$GIVEN:$PATH"'], { env: { GIVEN: 'yes' } });
  t.regex(stdout, /^yes:.+/);
});

test('exec() survives a program that does not read its input', async (t) => {
  t.is((await exec('true', [], { input: 'x'.repeat(1 << 20) })).code, 0);
});

test('exec() tells that a program is not there', async (t) => {
  const error = await t.throwsAsync(exec('no-such-program', []), { instanceOf: ExecError });
  t.like(error, { reason: 'not-found', command: 'no-such-program' });
});

test('exec() kills a program that takes too long', async (t) => {
  const error = await t.throwsAsync(exec('sleep', ['60'], { timeoutMs: 20 }), { instanceOf: ExecError });
  t.like(error, { reason: 'timeout', message: 'sleep: timed out after 20 ms' });
});

test('exec() waits for no program that the killed one has started, though it holds the pipes', async (t) => {
  let group = 0;
  const onStart = (pid: number) => {
    group = pid;
  };
  // setsid(1) makes a process group, by which what is left can be ended.
  const running = exec('setsid', ['sh', '-c', 'sleep 600 & wait'], { timeoutMs: 500, onStart });
  t.like(await t.throwsAsync(running, { instanceOf: ExecError }), { reason: 'timeout' });
  process.kill(-group, 'SIGKILL');
});

test('exec() kills a program when it is aborted', async (t) => {
  const error = await t.throwsAsync(exec('sleep', ['60'], { signal: AbortSignal.timeout(20) }), {
    instanceOf: ExecError,
  });
  t.is(error?.reason, 'aborted');
});
