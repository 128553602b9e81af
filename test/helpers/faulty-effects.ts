/**
 * What a BGP speaker does outside of its process: it writes files, runs BIRD, and speaks over BIRD's control socket.
 * Each of it can be made to fail once, before it has happened or after, on real files and a real daemon.
 *
 * The speaker has no doors for files and sockets, and needs none but for this: here node's own functions are replaced,
 * for what lies below one directory.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import net, { type Socket } from 'node:net';
import { basename } from 'node:path';
import { type Exec, ExecError } from '../../src/kernel/exec.js';

export interface EffectFault {
  /** Counted from 1. */
  readonly number: number;
  /** `after`: it has happened, and who did it is told that it has not. */
  readonly when: 'before' | 'after';
  /** Whether nothing happens any more from then on. */
  readonly dies: boolean;
}

type Fate = 'happens' | 'fails before' | 'fails after';

/** Replaces functions of this whole process until it is disposed of. */
export class FaultyEffects implements Disposable {
  readonly #directory: string;
  readonly #originals = { mkdir: fs.mkdir, rm: fs.rm, rename: fs.rename, open: fs.open };
  readonly #connect = net.createConnection;
  #fault: EffectFault | undefined;
  #count = 0;
  #struck: string | undefined;

  /** @param directory - of the speaker's files and its socket */
  constructor(directory: string) {
    this.#directory = directory;
    const { mkdir, rm, rename, open } = this.#originals;
    Object.assign(fs, {
      mkdir: this.#guarded('mkdir', mkdir),
      rm: this.#guarded('rm', rm),
      rename: this.#guarded('rename', rename),
      open: this.#guarded('open', async (...args: Parameters<typeof open>) =>
        this.#watched(await open(...args)),
      ),
    });
    Object.assign(net, { createConnection: (path: string) => this.#wired(path) });
    syncBuiltinESMExports();
  }

  [Symbol.dispose](): void {
    Object.assign(fs, this.#originals);
    Object.assign(net, { createConnection: this.#connect });
    syncBuiltinESMExports();
  }

  /** Runs this with a fault, and returns what it struck; undefined: so many effects there were not. */
  async during(fault: EffectFault, action: () => Promise<void>): Promise<string | undefined> {
    this.#fault = fault;
    this.#count = 0;
    this.#struck = undefined;
    try {
      await action();
    } finally {
      this.#fault = undefined;
    }
    return this.#struck;
  }

  wrap(exec: Exec): Exec {
    return (command, args, options) => {
      const lost = () => new ExecError(command, 'timeout', 'injected fault');
      return this.#do(`${command} ${args[0]}`, () => exec(command, args, options), lost);
    };
  }

  #next(what: string): Fate {
    if (!this.#fault) return 'happens';
    this.#count += 1;
    const { number, when, dies } = this.#fault;
    if (this.#count === number) {
      this.#struck = what;
      return when === 'before' ? 'fails before' : 'fails after';
    }
    return dies && this.#count > number ? 'fails before' : 'happens';
  }

  async #do<T>(what: string, act: () => Promise<T>, failure: () => Error = ioError): Promise<T> {
    const fate = this.#next(what);
    if (fate === 'fails before') throw failure();
    const result = await act();
    if (fate === 'happens') return result;
    if (isHandle(result)) await result.close();
    throw failure();
  }

  #isOurs(path: unknown): path is string {
    return typeof path === 'string' && path.startsWith(this.#directory);
  }

  #guarded<A extends unknown[], R>(
    name: string,
    act: (...args: A) => Promise<R>,
  ): (...args: A) => Promise<R> {
    return (...args) =>
      this.#isOurs(args[0]) ? this.#do(`${name} ${this.#nameOf(args[0])}`, () => act(...args)) : act(...args);
  }

  #nameOf(path: string): string {
    return path === this.#directory ? 'directory' : basename(path);
  }

  #watched(handle: FileHandle): FileHandle {
    const { chown, chmod, writeFile, sync } = handle;
    return Object.assign(handle, {
      chown: (...args: Parameters<typeof chown>) => this.#do('chown', () => chown.apply(handle, args)),
      chmod: (...args: Parameters<typeof chmod>) => this.#do('chmod', () => chmod.apply(handle, args)),
      writeFile: (...args: Parameters<typeof writeFile>) =>
        this.#do('write', () => writeFile.apply(handle, args)),
      sync: () => this.#do('sync', () => sync.apply(handle)),
    });
  }

  #wired(path: string): Socket {
    const socket = this.#connect(path);
    if (!this.#isOurs(path)) return socket;
    const fate = this.#next('connect');
    if (fate === 'fails before') socket.destroy(ioError());
    if (fate === 'fails after') socket.once('connect', () => socket.destroy());
    const { write } = socket;
    Object.assign(socket, { write: (text: string) => this.#says(socket, text) && write.call(socket, text) });
    return socket;
  }

  /** Whether a command reaches the daemon. */
  #says(socket: Socket, command: string): boolean {
    const fate = this.#next(command.trim());
    if (fate === 'fails before') socket.destroy(ioError());
    // The answer, which nobody gets, is proof that it has happened.
    if (fate === 'fails after') socket.removeAllListeners('data').once('data', () => socket.destroy());
    return fate !== 'fails before';
  }
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === 'object' && value !== null && 'close' in value && 'fd' in value;
}

function ioError(): Error {
  return Object.assign(new Error('injected fault'), { code: 'EIO' });
}
