/**
 * The BIRD daemon that belongs to an agent, without being its child.
 *
 * BIRD puts itself into the background, so it outlives the agent: stopping or upgrading the agent costs no session.
 * (A service manager must not kill it either: systemd.kill(5), KillMode=process.) Whoever runs next adopts it through
 * the control socket. A connection kept open to that socket tells at once when the daemon dies, adopted or not; it is
 * then started again with -R, graceful restart (RFC 4724), so that peers and kernel keep their routes meanwhile.
 *
 * A pid file that is still there when nobody listens is the mark of a daemon that did not end by itself.
 */
import { access } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from '../../../kernel/exec.js';
import type { Log } from '../../../model/log.js';
import { type BirdPaths, birdPathsIn } from './bird-paths.js';
import { readText } from './config-file.js';
import {
  type BirdControl,
  BirdControlError,
  type BirdControlOptions,
  connectBird,
} from './control-socket.js';

export interface BirdProcessOptions {
  /** Default: `bird`. */
  readonly program?: string;
  readonly paths: BirdPaths;
  readonly exec: Exec;
  readonly log: Log;
  /** Waits before the nth start in a row that did not last, in ms; n counts from 0. */
  readonly backoffMs?: (failures: number) => number;
  /** Monotonic clock in ms. */
  readonly now?: () => number;
}

/** A daemon that lived this long had no trouble starting. */
const LASTING_MS = 60_000;
const DROPPED_ATTEMPTS = 20;
const DROPPED_PAUSE_MS = 10;

export class BirdProcess {
  readonly #program: string;
  readonly #paths: BirdPaths;
  readonly #exec: Exec;
  readonly #log: Log;
  readonly #backoffMs: (failures: number) => number;
  readonly #now: () => number;
  readonly #end = new AbortController();
  #connection: BirdControl | undefined;
  #starting: Promise<void> | undefined;
  #failures = 0;

  constructor(options: BirdProcessOptions) {
    this.#program = options.program ?? 'bird';
    this.#paths = options.paths;
    this.#exec = options.exec;
    this.#log = options.log;
    this.#backoffMs = options.backoffMs ?? exponentialBackoff;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Adopts the daemon that runs, or starts one. @throws {Error} with BIRD's own words when it does not start. */
  ensureRunning(): Promise<void> {
    if (this.#connection || this.#end.signal.aborted) return Promise.resolve();
    this.#starting ??= this.#adoptOrStart().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Stops watching. The daemon runs on. */
  close(): void {
    this.#end.abort();
    this.#connection?.close();
  }

  async #adoptOrStart(): Promise<void> {
    const running = await connectIfRunning(this.#paths.controlSocket);
    if (running) {
      this.#log.info('adopted the running BIRD', { socket: this.#paths.controlSocket });
      this.#watch(running);
      return;
    }
    const recovering = await exists(this.#paths.pidFile);
    const { config, controlSocket, pidFile } = this.#paths;
    const args = ['-c', config, '-s', controlSocket, '-P', pidFile, ...(recovering ? ['-R'] : [])];
    const { code, stderr } = await this.#exec(this.#program, args);
    if (code !== 0) throw new Error(`${this.#program} ${args.join(' ')}: exit ${code}: ${stderr.trim()}`);
    this.#log.info('started BIRD', { config, recovering });
    this.#watch(await connectBird(controlSocket));
  }

  #watch(connection: BirdControl): void {
    if (this.#end.signal.aborted) {
      connection.close();
      return;
    }
    const since = this.#now();
    this.#connection = connection;
    connection.closed.then(() => {
      this.#connection = undefined;
      if (this.#end.signal.aborted) return;
      this.#log.warn('BIRD is gone', { socket: this.#paths.controlSocket });
      if (this.#now() - since >= LASTING_MS) this.#failures = 0;
      void this.#restart();
    });
  }

  async #restart(): Promise<void> {
    const { signal } = this.#end;
    while (!this.#connection && !signal.aborted) {
      const delayMs = this.#backoffMs(this.#failures);
      this.#failures += 1;
      try {
        await pause(delayMs, undefined, { signal });
        await this.ensureRunning();
      } catch (error) {
        if (!signal.aborted) this.#log.error('BIRD does not start', { error: String(error) });
      }
    }
  }
}

/**
 * Ends the daemon of this state directory: its sessions close, its routes stay in the kernel. For taking down a lab
 * or a host; an agent never does it. False: none was running.
 */
export async function stopBird(stateDir: string, timeoutMs = 5_000): Promise<boolean> {
  const { controlSocket, pidFile } = birdPathsIn(stateDir);
  try {
    using control = await connectIfRunning(controlSocket, { timeoutMs });
    if (!control) return false;
    await control.command('down');
    const late = pause(timeoutMs, 'late', { ref: false });
    if ((await Promise.race([control.closed, late])) !== 'late') return true;
  } catch (error) {
    if (!(error instanceof BirdControlError)) throw error;
  }
  await killByPidFile(pidFile, controlSocket);
  return true;
}

async function killByPidFile(pidFile: string, controlSocket: string): Promise<void> {
  const pid = Number(await readText(pidFile));
  const commandLine = await readText(`/proc/${pid}/cmdline`);
  // The number may belong to another program by now.
  if (commandLine?.split('\0').includes(controlSocket)) process.kill(pid, 'SIGKILL');
}

function exponentialBackoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(60_000, 500 * 2 ** failures);
}

/**
 * undefined: nobody listens. A daemon that is being killed may still accept a connection and drop it, so a connection
 * that ends before the greeting proves nothing, and is tried again.
 */
async function connectIfRunning(
  path: string,
  options?: BirdControlOptions,
): Promise<BirdControl | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connectBird(path, options);
    } catch (error) {
      if (!(error instanceof BirdControlError)) throw error;
      if (error.code === 'not-running') return undefined;
      if (error.code !== 'closed' || attempt === DROPPED_ATTEMPTS) throw error;
      await pause(DROPPED_PAUSE_MS);
    }
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
