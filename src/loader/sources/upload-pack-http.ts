/**
 * An `http` plugin for isomorphic-git that talks to a `git-upload-pack` process instead of a server.
 *
 * isomorphic-git speaks git's protocol over HTTP only. The smart HTTP exchange (gitprotocol-http(5)) is the plain
 * exchange (gitprotocol-pack(5)) cut in two: GET info/refs gives the advertisement, POST git-upload-pack sends the
 * request and gives the pack. So one process serves both: its output up to the first flush packet answers the
 * GET, the rest the POST. The process may be local, or the far end of ssh.
 *
 * An advertisement that is cut short reads like one of an emptier repository, so nothing is answered before its
 * flush packet has come; a process that ends earlier is an error, with what it said on stderr.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { endOfList, FLUSH_PACKET, withoutShallow } from './pkt-line.js';
import { SourceError, type SourceErrorCode } from './source.js';

export interface UploadPackCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** For messages: the repository. */
  readonly repository: string;
  /** Without a byte for this long, the other end is taken to be away. In ms. */
  readonly idleTimeoutMs: number;
  /** What it means when the program that connects us (exit code 255) said so. */
  readonly explain?: (said: string) => { readonly code: SourceErrorCode; readonly remedy: string };
}

/** The URL to give to isomorphic-git; it goes no further than this plugin. */
export const UPLOAD_PACK_URL = 'http://upload-pack.invalid/repository';

/** Serves one exchange: one GET, and one POST after it or none. Disposing it ends the process. */
export class UploadPackHttp implements HttpClient, AsyncDisposable {
  readonly #command: UploadPackCommand;
  readonly #signal: AbortSignal;
  #process: UploadPackProcess | undefined;

  constructor(command: UploadPackCommand, signal: AbortSignal) {
    this.#command = command;
    this.#signal = signal;
  }

  // A property, because isomorphic-git calls it without its object.
  readonly request = async ({ method, body }: GitHttpRequest): Promise<GitHttpResponse> => {
    if (method !== 'POST') {
      this.#process = new UploadPackProcess(this.#command, this.#signal);
      const advertisement = await this.#process.advertisement();
      return answer('advertisement', chunks([SERVICE_HEADER, withoutShallow(advertisement)]));
    }
    if (!this.#process) throw new TypeError('POST before GET');
    await this.#process.send(body);
    return answer('result', this.#process.rest());
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.end();
  }
}

const SERVICE_HEADER = Buffer.from(`001e# service=git-upload-pack\n${FLUSH_PACKET}`);
/** ssh(1): its own failure, as opposed to that of the command it runs. */
const SSH_FAILED = 255;
const MAX_STDERR = 4096;
const MAX_ADVERTISEMENT = 64 * 1024 * 1024;

function answer(type: string, body: AsyncIterableIterator<Uint8Array>): GitHttpResponse {
  const headers = { 'content-type': `application/x-git-upload-pack-${type}` };
  return { url: UPLOAD_PACK_URL, statusCode: 200, statusMessage: 'OK', headers, body };
}

async function* chunks(buffers: readonly Uint8Array[]): AsyncIterableIterator<Uint8Array> {
  yield* buffers;
}

class UploadPackProcess {
  readonly #command: UploadPackCommand;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output: AsyncIterator<Buffer>;
  /** Listened for from the start: a child that ends before anyone waits must not be waited for. */
  readonly #closed: Promise<number | null>;
  #spawnError: Error | undefined;
  #stderr = '';
  /** Read, but beyond the advertisement. */
  #surplus: Buffer = Buffer.alloc(0);

  constructor(command: UploadPackCommand, signal: AbortSignal) {
    this.#command = command;
    this.#child = spawn(command.file, command.args, { stdio: 'pipe', signal, killSignal: 'SIGKILL' });
    this.#child.on('error', (error) => {
      this.#spawnError = error;
    });
    this.#closed = once(this.#child, 'close').then(
      ([code]: (number | null)[]) => code ?? null,
      () => null,
    );
    // The other end may be gone before the request is written; `close` tells why.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR);
    });
    this.#output = this.#child.stdout[Symbol.asyncIterator]();
  }

  /** Everything up to and including the first flush packet. */
  async advertisement(): Promise<Buffer> {
    let read = Buffer.alloc(0);
    for (;;) {
      const end = endOfList(read);
      if (end !== undefined) {
        this.#surplus = read.subarray(end);
        return read.subarray(0, end);
      }
      const next = await this.#next();
      if (next.done) throw await this.#failure('not-found');
      read = Buffer.concat([read, next.value]);
      if (read.length > MAX_ADVERTISEMENT)
        throw new SourceError('limit', `${this.#command.repository}: it lists more refs than heddle reads`);
    }
  }

  async send(body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
    for await (const chunk of body ?? []) this.#child.stdin.write(chunk);
    this.#child.stdin.end();
  }

  async *rest(): AsyncIterableIterator<Uint8Array> {
    if (this.#surplus.length > 0) yield this.#surplus;
    for (;;) {
      const next = await this.#next();
      if (next.done) break;
      yield next.value;
    }
    if ((await this.#closed) !== 0) throw await this.#failure('corrupt');
  }

  /** Ends the process, whether or not it has been asked for anything. */
  async end(): Promise<void> {
    this.#child.stdin.end(FLUSH_PACKET);
    this.#kill();
    await this.#closed;
  }

  /** The next output. Neither a process nor a network that hangs is waited for without end. */
  async #next(): Promise<IteratorResult<Buffer, unknown>> {
    const { repository, file, idleTimeoutMs } = this.#command;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#kill();
        const said = this.#said();
        const last = said === '' ? '' : `; last it said: ${said}`;
        const why = `${repository}: ${file} has sent nothing for ${idleTimeoutMs / 1000} s${last}`;
        reject(new SourceError('unreachable', why));
      }, idleTimeoutMs);
    });
    try {
      return await Promise.race([this.#output.next(), silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** At once, and without waiting for children of the child that hold the pipes. */
  #kill(): void {
    this.#child.kill('SIGKILL');
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #said(): string {
    return this.#stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
  }

  async #failure(code: SourceErrorCode): Promise<Error> {
    const status = await this.#closed;
    const { repository, file } = this.#command;
    const error = this.#spawnError;
    if (error?.name === 'AbortError') return error;
    if (error)
      return new SourceError(
        'unreachable',
        `${repository}: cannot run ${file}: ${error.message}. Install git`,
        {
          cause: error,
        },
      );
    const said = this.#said() || `${file} ended with code ${status}`;
    const failed = status === SSH_FAILED ? this.#command.explain?.(said) : undefined;
    return new SourceError(
      failed?.code ?? code,
      `${repository}: cannot be read as a git repository: ${said}${failed ? `. ${failed.remedy}` : ''}`,
    );
  }
}
