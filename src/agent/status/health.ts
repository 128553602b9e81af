/**
 * Whether the agent does its work (readiness), and whether it is still there to do it (liveness).
 *
 * Not ready means that something about this host's network is not as the store says or not known to be; the reasons
 * are codes for programs and messages for people. Not alive means that the main loop hangs and only a restart helps.
 */
import type { Clock } from './clock.js';
import type { HostFacts } from './host-facts.js';
import { BGP_UNCONFIRMED, summarize } from './host-status.js';

export type HealthCode =
  | 'datastore-away'
  | 'not-in-sync'
  | 'store-not-ready'
  | 'applying'
  | 'write-failed'
  | 'not-verified'
  | 'verify-failed'
  | 'not-enforced'
  | 'bgp-daemon'
  | 'bgp-session-down';

export interface HealthReason {
  readonly code: HealthCode;
  readonly message: string;
}

/** Every reason why the host is not ready, in the order in which a person would look at them; empty: it is ready. */
export function readiness(facts: HostFacts): readonly HealthReason[] {
  return [...storeReasons(facts), ...kernelReasons(facts), ...bgpReasons(facts)];
}

function* storeReasons({ datastoreAway, received, unenforced }: HostFacts): Generator<HealthReason> {
  if (datastoreAway !== undefined) yield { code: 'datastore-away', message: datastoreAway };
  if (!received)
    yield { code: 'not-in-sync', message: 'the first snapshot of the store is not complete yet' };
  if (received && !received.ready)
    yield { code: 'store-not-ready', message: 'Ready is not true: the agent keeps the state it has' };
  if (unenforced.length > 0) yield { code: 'not-enforced', message: summarize(unenforced) };
}

function* kernelReasons(facts: HostFacts): Generator<HealthReason> {
  const { failures, verified } = facts;
  if (isBehind(facts))
    yield { code: 'applying', message: 'a newer state of the store is being written to the kernel' };
  if (failures.length > 0) yield { code: 'write-failed', message: summarize(failures) };
  if (!verified) yield { code: 'not-verified', message: 'the kernel has not been read back yet' };
  if (verified && verified.differences.length > 0)
    yield { code: 'verify-failed', message: summarize(verified.differences) };
}

/** Facts are reported after a turn, or when one takes long: a commit that is soon in force turns nothing red. */
function isBehind({ received, applied, verified }: HostFacts): boolean {
  if (!received?.ready || !verified) return false;
  return !applied || applied.revision < received.revision || verified.revision < applied.revision;
}

function* bgpReasons({ bgp, bgpUnconfirmed }: HostFacts): Generator<HealthReason> {
  if (bgpUnconfirmed) yield { code: 'applying', message: BGP_UNCONFIRMED };
  if (bgp.problem !== undefined) yield { code: 'bgp-daemon', message: bgp.problem };
  for (const { name, peerName, state, lastError, established } of bgp.sessions)
    if (!established)
      yield {
        code: 'bgp-session-down',
        message: `${name} (${peerName}) is ${state}${lastError === undefined ? '' : `: ${lastError}`}`,
      };
}

/** A loop that turns at least every few seconds is well; Felix, too, gives its loops 90 s. */
const LONGEST_TURN_MS = 90_000;

/** Watches the main loop, which reports every turn. */
export class LoopWatch {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limitMs: number;
  #lastTurn: number;

  constructor(clock: Pick<Clock, 'monotonic'>, limitMs = LONGEST_TURN_MS) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#lastTurn = clock.monotonic();
  }

  turned(): void {
    this.#lastTurn = this.#clock.monotonic();
  }

  /** Why the agent counts as hung; undefined: it does not. */
  stuck(): string | undefined {
    const idleMs = this.#clock.monotonic() - this.#lastTurn;
    return idleMs > this.#limitMs
      ? `the main loop has not turned for ${Math.round(idleMs / 1000)} s`
      : undefined;
  }
}
