/**
 * BIRD's control socket, spoken directly: what birdc(8) does, without a process per question.
 *
 * A reply is lines `NNNN-text`, the last of which is `NNNN text`; a line that begins with a space continues with the
 * code of the one before. Codes below 8000 tell what a line is, 8000 and above that the command failed. One command
 * is under way at a time. BIRD answers in well under a millisecond unless it is hung, so every question has a limit.
 */

import { createConnection, type Socket } from 'node:net';
import { Turns } from '../../../model/turns.js';

export interface BirdReplyLine {
  readonly code: number;
  readonly text: string;
}

export type BirdControlErrorCode = 'not-running' | 'timeout' | 'closed' | 'refused';

/** `not-running`: nobody listens. `refused`: BIRD answered that it cannot do this, in its own words. */
export class BirdControlError extends Error {
  override readonly name = 'BirdControlError';
  constructor(
    readonly code: BirdControlErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface BirdControl extends Disposable {
  /** BIRD's greeting: `BIRD 2.0.12 ready.` */
  readonly greeting: string;
  /** Sends one command; resolves with every line of the reply. @throws {BirdControlError} */
  command(text: string): Promise<readonly BirdReplyLine[]>;
  /** Resolves when the connection is gone: the daemon died, or this end was closed. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface BirdControlOptions {
  /** Limit for connecting and for each command, in ms. Default 5000. */
  readonly timeoutMs?: number;
}

/** Connects to the daemon behind `path`. @throws {BirdControlError} `not-running`, `timeout` or `closed`. */
export async function connectBird(path: string, options: BirdControlOptions = {}): Promise<BirdControl> {
  const socket = createConnection(path);
  const connection = new Connection(socket, path, options.timeoutMs ?? 5_000);
  const [greeting] = await connection.reply('the greeting');
  return {
    greeting: greeting?.text ?? '',
    command: (text) => connection.command(text),
    closed: connection.closed,
    close: () => socket.destroy(),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

interface Waiting {
  resolve(lines: readonly BirdReplyLine[]): void;
  reject(error: BirdControlError): void;
}

const FIRST_FAILURE_CODE = 8000;

class Connection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #path: string;
  readonly #timeoutMs: number;
  #received = '';
  #lines: BirdReplyLine[] = [];
  #waiting: Waiting | undefined;
  #end: BirdControlError | undefined;
  readonly #turns = new Turns();

  constructor(socket: Socket, path: string, timeoutMs: number) {
    this.#socket = socket;
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(connectionError(path, error)));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(new BirdControlError('closed', `BIRD closed the connection at ${path}`));
        resolve();
      });
    });
  }

  command(text: string): Promise<readonly BirdReplyLine[]> {
    return this.#turns.take(async () => {
      this.#socket.write(`${text}\n`);
      const lines = await this.reply(text);
      const failure = lines.find(({ code }) => code >= FIRST_FAILURE_CODE);
      if (failure) throw new BirdControlError('refused', failure.text);
      return lines;
    });
  }

  /** Waits for one whole reply. */
  reply(to: string): Promise<readonly BirdReplyLine[]> {
    return new Promise<readonly BirdReplyLine[]>((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      // A reply that comes too late would be taken for the next one's: the connection is of no more use.
      const timer = setTimeout(() => {
        const waited = `no answer to ${JSON.stringify(to)} at ${this.#path} within ${this.#timeoutMs} ms`;
        this.#fail(new BirdControlError('timeout', `BIRD gave ${waited}`));
        this.#socket.destroy();
      }, this.#timeoutMs);
      this.#waiting = {
        resolve: (lines) => {
          clearTimeout(timer);
          resolve(lines);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  #take(chunk: string): void {
    const rows = (this.#received + chunk).split('\n');
    this.#received = rows.pop() ?? '';
    for (const row of rows) {
      const [, code, mark, text] = /^(\d{4})([ -])(.*)$/.exec(row) ?? [];
      if (code === undefined) {
        this.#lines.push({ code: this.#lines.at(-1)?.code ?? 0, text: row.slice(1) });
        continue;
      }
      this.#lines.push({ code: Number(code), text: text ?? '' });
      if (mark === ' ') this.#deliver();
    }
  }

  #deliver(): void {
    const lines = this.#lines;
    this.#lines = [];
    this.#waiting?.resolve(lines);
    this.#waiting = undefined;
  }

  #fail(error: BirdControlError): void {
    this.#end ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

function connectionError(path: string, error: NodeJS.ErrnoException): BirdControlError {
  const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
  return absent
    ? new BirdControlError('not-running', `no BIRD listens at ${path}`, { cause: error })
    : new BirdControlError('closed', `control socket ${path}: ${error.message}`, { cause: error });
}
