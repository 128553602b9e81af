/**
 * iptables-nft-restore and ip6tables-nft-restore, kept open on a pipe.
 *
 * They carry out what they read at each COMMIT and read on. A program that is started for one change costs some 15 ms on
 * a host with a thousand endpoints, most of it at its end, where the kernel makes the socket wait for what the change has
 * replaced; one that stays open takes a quarter of a millisecond, and 3 MB. It knows nothing from before: a transaction of
 * an older generation is refused by the kernel, and the program fetches and tries again (nfnetlink, NFNL_BATCH_GENID), so
 * what others change in between is seen (test/netns/kernel-kept-programs.test.ts).
 *
 * Where an answer ends they do not say. With --verbose they repeat comments, so a comment behind the input marks the end;
 * stdbuf(1) has it come at once. At the first error they end, as they would otherwise, and the next call starts another.
 *
 * Not kept: the legacy variant, which moves the whole table at every COMMIT anyway, and whatever is given much to do, as
 * the program would hold on to that much memory.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Turns } from '../model/turns.js';
import { type Exec, ExecError, type ExecOptions, type ExecResult } from './exec.js';

/** Programs to run, some of which stay open until this is disposed. */
export interface Programs extends Disposable {
  readonly exec: Exec;
}

const KEPT = new Set(['iptables-nft-restore', 'ip6tables-nft-restore']);
const MAX_INPUT_LENGTH = 64 << 10;
/** Of stdbuf(1) itself: nothing was read. */
const STDBUF_FAILED = 125;
const DEFAULT_TIMEOUT_MS = 30_000;

/** @param exec - runs what is not kept open */
export function keepOpen(exec: Exec): Programs {
  const kept = new Map<string, KeptProgram>();
  let isDisposed = false;
  return {
    async exec(command, args, options = {}) {
      const { input = '', env = {}, signal } = options;
      const isSmall = input.length <= MAX_INPUT_LENGTH && Object.keys(env).length === 0 && !signal;
      if (!KEPT.has(command) || !isSmall || isDisposed) return exec(command, args, options);
      const key = [command, ...args].join(' ');
      const program = kept.get(key) ?? new KeptProgram(command, args);
      kept.set(key, program);
      try {
        const result = await program.run(input, options);
        return result.code === STDBUF_FAILED ? exec(command, args, options) : result;
      } catch (error) {
        // Without stdbuf there is no way to hear where an answer ends.
        if (error instanceof ExecError && error.reason === 'not-found') return exec(command, args, options);
        throw error;
      }
    },
    [Symbol.dispose]() {
      isDisposed = true;
      for (const program of kept.values()) program.close();
    },
  };
}

/** What is being waited for. */
interface Call {
  readonly mark: string;
  /** The lines that the program had read before. */
  readonly linesBefore: number;
  readonly settle: (outcome: ExecResult | ExecError) => void;
}

class KeptProgram {
  readonly #command: string;
  readonly #args: readonly string[];
  #child: ChildProcessWithoutNullStreams | undefined;
  #call: Call | undefined;
  readonly #turns = new Turns();
  #calls = 0;
  #lines = 0;
  #stdout = '';
  #stderr = '';

  constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#args = args;
  }

  /** One call after the other. @throws {ExecError} as {@link Exec} */
  run(input: string, options: ExecOptions): Promise<ExecResult> {
    return this.#turns.take(() => this.#say(input, options));
  }

  /** What was told is done; nothing more can be. */
  close(): void {
    this.#child?.stdin.end();
  }

  #say(input: string, { onStart, timeoutMs = DEFAULT_TIMEOUT_MS }: ExecOptions): Promise<ExecResult> {
    this.#calls += 1;
    const mark = `# heddle ${this.#calls}\n`;
    const text = `${input}${input === '' || input.endsWith('\n') ? '' : '\n'}${mark}`;
    [this.#stdout, this.#stderr] = ['', ''];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#child?.kill('SIGKILL');
        this.#child = undefined;
        this.#settle(
          new ExecError(this.#command, 'timeout', `${this.#command}: timed out after ${timeoutMs} ms`),
        );
      }, timeoutMs);
      const settle = (outcome: ExecResult | ExecError): void => {
        clearTimeout(timer);
        if (outcome instanceof ExecError) reject(outcome);
        else resolve(outcome);
      };
      const isOpen = this.#child !== undefined;
      this.#call = { mark, linesBefore: isOpen ? this.#lines : 0, settle };
      const child = this.#child ?? this.#open();
      // It could not be started: the error is on its way.
      if (child.pid === undefined) return;
      onStart?.(child.pid);
      this.#lines += text.split('\n').length - 1;
      child.stdin.write(text);
    });
  }

  #open(): ChildProcessWithoutNullStreams {
    const child = spawn('stdbuf', ['-oL', this.#command, ...this.#args, '--verbose']);
    this.#lines = 0;
    child.on('error', (error: NodeJS.ErrnoException) => {
      this.#forget(child);
      const reason = error.code === 'ENOENT' ? 'not-found' : 'failed';
      this.#settle(new ExecError('stdbuf', reason, `stdbuf: ${error.message}`, { cause: error }));
    });
    // Without descriptors to spare it has no pipes either.
    if (child.pid === undefined) return child;
    this.#child = child;
    // What a program still says that was given up is no answer to what another was asked.
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (this.#child !== child) return;
      this.#stdout += text;
      const mark = this.#call?.mark;
      if (mark === undefined || !this.#stdout.endsWith(mark)) return;
      this.#settle({ code: 0, stdout: this.#stdout.slice(0, -mark.length), stderr: this.#stderr });
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.#child === child) this.#stderr += text;
    });
    // A program may end before it has read its input: that shows in its exit code, not here.
    child.stdin.on('error', () => {});
    child.on('close', (code) => {
      if (!this.#forget(child)) return;
      const linesBefore = this.#call?.linesBefore ?? 0;
      if (code === 0)
        this.#settle(new ExecError(this.#command, 'failed', `${this.#command}: ended without an answer`));
      this.#settle({ code, stdout: this.#stdout, stderr: ofThisInput(this.#stderr, linesBefore) });
    });
    return child;
  }

  /** False when another has taken its place. */
  #forget(child: ChildProcessWithoutNullStreams): boolean {
    if (this.#child !== child) return false;
    this.#child = undefined;
    return true;
  }

  #settle(outcome: ExecResult | ExecError): void {
    const call = this.#call;
    this.#call = undefined;
    call?.settle(outcome);
  }
}

/** The program counts lines from its start. */
function ofThisInput(stderr: string, linesBefore: number): string {
  return stderr.replace(/\b(line:? )(\d+)/g, (_, words, line) => `${words}${Number(line) - linesBefore}`);
}
