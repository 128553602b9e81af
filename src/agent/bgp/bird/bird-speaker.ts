/**
 * BIRD as a BGP speaker: from a model to a running daemon with that configuration.
 *
 * Level-triggered at every step: the text on disk is compared with the one wanted, and the daemon is asked which
 * configuration it runs (its digest, render-config.ts). An equal one is never loaded again; a new one must pass
 * `bird -p` before it takes the old one's place, and the old one comes back if the daemon refuses it all the same.
 * BIRD itself leaves sessions alone that are the same in both configurations.
 *
 * Managed: the agent starts the daemon and keeps it running. System: somebody else does, and we write its file.
 */

import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Exec, ExecError } from '../../../kernel/exec.js';
import type { Log } from '../../../model/log.js';
import { Turns } from '../../../model/turns.js';
import type { BgpModel, BgpSession } from '../../../topology/bgp-model.js';
import { DEFAULT_AGENT_SETTINGS } from '../../calc/agent-settings.js';
import type { ApplyReport, DriverFailure } from '../../dataplane/driver.js';
import { type KeptRoute, readBgpRoutes } from '../kept-routes.js';
import { readPasswords } from '../passwords.js';
import { SessionHandover } from '../session-handover.js';
import type { BgpSpeaker, BgpStatus, SessionStatus, SpeakerSettings } from '../speaker.js';
import { withSteadyTimes } from '../steady-times.js';
import { birdPathsIn } from './bird-paths.js';
import { BirdProcess } from './bird-process.js';
import { readText, stageFile } from './config-file.js';
import { BirdControlError, connectBird } from './control-socket.js';
import { BIRD_2, type BirdDialect } from './dialect.js';
import { type BirdProtocol, parseProtocols } from './protocols-parser.js';
import { placeOf } from './refused-place.js';
import {
  type BirdConfigOptions,
  DIGEST_PROTOCOL,
  digestOf,
  renderBirdConfig,
  renderIdleBirdConfig,
} from './render-config.js';
import { sessionSymbol } from './symbols.js';

export type BirdDaemon =
  /** The agent runs BIRD, with all its files in `stateDir`. */
  | { readonly mode: 'managed'; readonly stateDir: string }
  /** BIRD is run by others and reads `configFile`. */
  | { readonly mode: 'system'; readonly configFile: string; readonly controlSocket: string };

export interface BirdSpeakerOptions {
  readonly daemon: BirdDaemon;
  /** Below which the passwords of sessions lie; undefined: there are none. */
  readonly secretsDir?: string | undefined;
  readonly exec: Exec;
  readonly log: Log;
  /** In ms, never backwards. */
  readonly now?: () => number;
  /** Default: `bird`, which speaks BIRD 2. */
  readonly program?: string;
  readonly dialect?: BirdDialect;
  /** How long sessions that are exchanged go on; default: long enough for the other end to hear of it. 0: not at all. */
  readonly retainMs?: number;
}

/** @throws {RangeError} when the state directory's path is too long for a socket. */
export function createBirdSpeaker(options: BirdSpeakerOptions): BgpSpeaker {
  return new BirdSpeaker(options);
}

/** How often the daemon is asked whether new sessions are up, while old ones are held for them. */
const HANDOVER_POLL_MS = 500;

const NOTHING_CHANGED: ApplyReport = { changed: 0, failures: [] };

class BirdSpeaker implements BgpSpeaker {
  readonly #exec: Exec;
  readonly #log: Log;
  readonly #program: string;
  readonly #dialect: BirdDialect;
  readonly #config: string;
  readonly #controlSocket: string;
  readonly #logTarget: BirdConfigOptions['log'];
  readonly #secretsDir: string | undefined;
  /** undefined: somebody else keeps the daemon running. */
  readonly #process: BirdProcess | undefined;
  #model: BgpModel | undefined;
  #settings: SpeakerSettings = DEFAULT_AGENT_SETTINGS;
  #applied = false;
  /** Sessions that are left out of the configuration, and why. */
  #leftOut: ReadonlyMap<BgpSession, string> = new Map();
  readonly #now: () => number;
  readonly #handover: SessionHandover;
  /** Routes that stay in the kernel during the handover. */
  #keptRoutes: readonly KeptRoute[] | undefined;
  #handoverTimer: NodeJS.Timeout | undefined;
  /** The sessions of the last answer. */
  #told: readonly SessionStatus[] = [];
  #closed = false;
  readonly #turns = new Turns();

  constructor(options: BirdSpeakerOptions) {
    const { daemon, secretsDir, exec, log, program = 'bird', dialect = BIRD_2 } = options;
    this.#handover = new SessionHandover(options.retainMs);
    this.#now = options.now ?? (() => performance.now());
    this.#program = program;
    this.#dialect = dialect;
    this.#exec = exec;
    this.#log = log;
    this.#secretsDir = secretsDir;
    if (daemon.mode === 'system') {
      this.#config = daemon.configFile;
      this.#controlSocket = daemon.controlSocket;
      this.#logTarget = { to: 'syslog' };
      return;
    }
    const paths = birdPathsIn(daemon.stateDir);
    this.#config = paths.config;
    this.#controlSocket = paths.controlSocket;
    this.#logTarget = { to: 'file', path: paths.logFile };
    this.#process = new BirdProcess({ program, paths, exec, log });
  }

  apply(
    model: BgpModel | undefined,
    settings: SpeakerSettings = DEFAULT_AGENT_SETTINGS,
  ): Promise<ApplyReport> {
    this.#handover.replace(this.#model, model, this.#now());
    this.#model = model;
    this.#settings = settings;
    this.#applied = true;
    this.#watchHandover();
    return this.resync();
  }

  resync(): Promise<ApplyReport> {
    return this.#turns.take(() => this.#reported(() => this.#converge()));
  }

  async verify(): Promise<readonly DriverFailure[]> {
    const { failures } = await this.#turns.take(() =>
      this.#reported(async () => {
        const wanted = await this.#wantedText();
        if (wanted === undefined) return NOTHING_CHANGED;
        if ((await this.#loadedDigest()) !== digestOf(wanted))
          throw new Error('BIRD runs another configuration than the one wanted');
        return NOTHING_CHANGED;
      }),
    );
    return failures;
  }

  async status(): Promise<BgpStatus> {
    const wanted = this.#model?.sessions ?? [];
    if (wanted.length === 0) return summary([]);
    let found: readonly BirdProtocol[] = [];
    let silence: string | undefined;
    try {
      found = await this.#protocols('');
    } catch (error) {
      if (!(error instanceof BirdControlError)) throw error;
      silence = error.message;
    }
    const byName = new Map(found.map((protocol) => [protocol.name, protocol]));
    const asked = wanted.map((session) => {
      const running = this.#handover.runningFor(session);
      const status = sessionStatus(running, byName.get(sessionSymbol(running)));
      const reason = this.#leftOut.get(session);
      return reason === undefined ? status : { ...status, state: 'Down', lastError: reason };
    });
    const sessions = withSteadyTimes(this.#told, asked);
    this.#told = sessions;
    const problems = [...this.#leftOut].map(([session, reason]) => `${sessionSymbol(session)}: ${reason}`);
    const problem = silence ?? (problems.length > 0 ? problems.join('; ') : undefined);
    return { ...summary(sessions), ...(problem !== undefined && { problem }) };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#handoverTimer);
    this.#process?.close();
  }

  /** Asks again and again while sessions are held for others that are to come up. */
  #watchHandover(): void {
    clearTimeout(this.#handoverTimer);
    if (this.#closed || this.#handover.isOver) return;
    this.#handoverTimer = setTimeout(() => void this.#lookAtHandover(), HANDOVER_POLL_MS);
  }

  async #lookAtHandover(): Promise<void> {
    try {
      const model = this.#model;
      const { sessions } = await this.status();
      if (this.#closed || model !== this.#model) return this.#watchHandover();
      const up = (model?.sessions ?? []).filter((_session, index) => sessions[index]?.established);
      if (this.#handover.observe(up, this.#now())) await this.resync();
    } catch (error) {
      this.#log.warn('BGP sessions could not be looked at', { error: explain(error) });
    }
    this.#watchHandover();
  }

  async #converge(): Promise<ApplyReport> {
    const wanted = await this.#wantedText();
    if (wanted === undefined) return NOTHING_CHANGED;
    const previous = await readText(this.#config);
    const isNew = previous !== wanted;
    if (isNew) await this.#replaceConfig(wanted);
    await this.#process?.ensureRunning();
    const isLoaded = (await this.#loadedDigest()) === digestOf(wanted);
    if (!isLoaded) await this.#load(previous);
    return { changed: isNew || !isLoaded ? 1 : 0, failures: [] };
  }

  /** undefined: there is nothing to configure, because this host is not in BGP and never was. */
  async #wantedText(): Promise<string | undefined> {
    const options = {
      log: this.#logTarget,
      deviceRouteProtocol: this.#settings.deviceRouteProtocol,
      dialect: this.#dialect,
    };
    if (this.#model) {
      const model = this.#handover.over(this.#model);
      const { usable, problems, passwordOf } = await readPasswords(model.sessions, this.#secretsDir);
      this.#leftOut = problems;
      this.#keptRoutes = this.#handover.keepsRoutes
        ? (this.#keptRoutes ?? (await this.#routes()))
        : undefined;
      return renderBirdConfig(
        { ...model, sessions: usable },
        { ...options, passwordOf, keptRoutes: this.#keptRoutes ?? [] },
      );
    }
    const wasConfigured = this.#applied && digestOf((await readText(this.#config)) ?? '') !== undefined;
    return wasConfigured ? renderIdleBirdConfig(options) : undefined;
  }

  /** Those that BGP has brought. Without them sessions are exchanged all the same. */
  async #routes(): Promise<readonly KeptRoute[]> {
    try {
      return await readBgpRoutes(this.#exec);
    } catch (error) {
      this.#log.warn('routes cannot be kept while sessions are exchanged', { error: explain(error) });
      return [];
    }
  }

  async #replaceConfig(text: string): Promise<void> {
    await mkdir(dirname(this.#config), { recursive: true, mode: 0o700 });
    await using staged = await stageFile(this.#config, text);
    const { code, stderr } = await this.#exec(this.#program, ['-p', '-c', staged.path]);
    if (code !== 0)
      throw new Error(
        `the configuration does not pass bird -p, the old one stays: ${stderr.trim()}${placeOf(text, stderr)}`,
      );
    await staged.commit();
  }

  /** Tells the daemon to read its file. The daemon may still refuse it: then the file is as before. */
  async #load(previous: string | undefined): Promise<void> {
    using control = await connectBird(this.#controlSocket);
    try {
      await control.command('configure');
    } catch (error) {
      await this.#restoreConfig(previous);
      throw error;
    }
    this.#log.info('BIRD loaded a new configuration', { config: this.#config });
  }

  async #restoreConfig(previous: string | undefined): Promise<void> {
    if (previous === undefined) {
      await rm(this.#config, { force: true });
      return;
    }
    await using staged = await stageFile(this.#config, previous);
    await staged.commit();
  }

  async #loadedDigest(): Promise<string | undefined> {
    const protocols = await this.#protocols(` "${DIGEST_PROTOCOL}"`);
    return digestOf(protocols[0]?.description ?? '');
  }

  async #protocols(pattern: string): Promise<readonly BirdProtocol[]> {
    using control = await connectBird(this.#controlSocket);
    return parseProtocols(await control.command(`show protocols all${pattern}`));
  }

  async #reported(action: () => Promise<ApplyReport>): Promise<ApplyReport> {
    try {
      return await action();
    } catch (error) {
      return {
        changed: 0,
        failures: [{ object: `BIRD configuration ${this.#config}`, message: explain(error) }],
      };
    }
  }
}

function explain(error: unknown): string {
  if (error instanceof ExecError && error.reason === 'not-found')
    return 'bird is not installed: install BIRD 2, or turn BGP off with bgpMode none';
  return error instanceof Error ? error.message : String(error);
}

function summary(sessions: readonly SessionStatus[]): BgpStatus {
  const established = sessions.filter((session) => session.established).length;
  return { configured: sessions.length, established, sessions };
}

function sessionStatus(session: BgpSession, found: BirdProtocol | undefined): SessionStatus {
  const channel = found?.channels.find(({ name }) => name === `ipv${session.family}` || name === undefined);
  const state = found?.bgp?.state ?? 'Unknown';
  return {
    name: sessionSymbol(session),
    peerName: session.peerName,
    family: session.family,
    peerAddress: session.peerAddress,
    established: found?.state === 'up' && state === 'Established',
    state,
    since: found?.since,
    imported: channel?.imported ?? 0,
    exported: channel?.exported ?? 0,
    lastError: found?.bgp?.lastError,
  };
}
