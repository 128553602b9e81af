/**
 * A lab that crashed leaves no program behind, and nobody else's is ended for it: real processes, known by
 * their arguments.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import test from 'ava';
import { exec } from '../../src/kernel/exec.js';
import { removeLab } from '../../src/lab/lab.js';
import { processesWith, startTimeIn } from '../../src/lab/lab-processes.js';
import { labFolder } from '../../src/lab/lab-state.js';

const SERVE = 'setInterval(() => {}, 1000)';

test('removeLab() ends a relay that a crash kept from being recorded, and no other program', async (t) => {
  const name = `p${process.pid}`;
  const socket = `${labFolder(name)}/etcd.sock`;
  const relay = spawn(execPath, ['-e', SERVE, 'relay', socket], { stdio: 'ignore' });
  const other = spawn(execPath, ['-e', SERVE, 'relay', `${socket}.other`], { stdio: 'ignore' });
  try {
    await Promise.all([once(relay, 'spawn'), once(other, 'spawn')]);
    t.deepEqual(
      processesWith(socket).map(({ pid }) => pid),
      [relay.pid],
    );
    const ended = once(relay, 'close');
    await removeLab(exec, name);
    await ended;
    t.is(other.exitCode, null);
  } finally {
    relay.kill('SIGKILL');
    other.kill('SIGKILL');
  }
});

test('startTimeIn() takes a program for gone when the last of its threads is', (t) => {
  const stat = (state: string, threads: number) =>
    `42 (a (b) c) ${state} 1 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 ${threads} 0 1234567 0 0`;
  t.is(startTimeIn(stat('S', 1)), '1234567');
  t.is(startTimeIn(stat('Z', 7)), '1234567', 'the first thread is dead, the others hold what they had open');
  t.is(startTimeIn(stat('Z', 1)), undefined);
});
