/** A verb that waits for standard input ends by the first Ctrl-C, as at a terminal where nobody types an end of file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import test from 'ava';
import { MAIN } from '../helpers/heddle.js';
import { until } from '../helpers/until.js';

/** True once the program has taken signals into its own hands: SIGHUP is the last (proc(5), SigCgt). */
async function catchesSignals(pid: number): Promise<boolean> {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << BigInt(constants.signals.SIGHUP - 1))) !== 0n;
}

for (const args of [
  ['import', '-'],
  ['trace', '--batch', '-'],
])
  test(`heddle ${args.join(' ')} ends when it is interrupted`, async (t) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until(() => catchesSignals(child.pid ?? 0), {
      timeoutMs: 60_000,
      what: `heddle ${args[0]} to start`,
    });
    child.kill('SIGINT');
    t.deepEqual(await ended, [128 + constants.signals.SIGINT, null]);
    t.is(said, 'heddle: interrupted (SIGINT)\n');
  });
