/**
 * Make before break: sessions that a change takes away stay until those that it brings are up.
 *
 * Turning a mesh into clients of a reflector takes all old sessions away at once, and the new ones need seconds to
 * come up: without this, hosts would have no routes to each other meanwhile. Each host decides alone, so it holds on
 * for a while longer than it needs itself: a peer that is slower still lives on our end of the old session. Only
 * sessions with hosts of ours are held; what is said of foreign peers holds at once.
 */
import type { BgpModel, BgpSession } from '../../topology/bgp-model.js';

/** Longer than BIRD waits before it dials again, so that both ends have had a second try. */
const SETTLE_MS = 10_000;
/** New sessions that are not up by then may never be. */
const GIVE_UP_MS = 40_000;

interface Held {
  readonly session: BgpSession;
  readonly giveUpAt: number;
}

export class SessionHandover {
  readonly #held = new Map<string, Held>();
  /** Endpoints of the sessions that those held are waiting for. */
  #awaited: ReadonlySet<string> = new Set();
  #establishedAt: number | undefined;

  /** The sessions that the daemon is to keep beside those of the model. */
  get held(): readonly BgpSession[] {
    return [...this.#held.values()].map(({ session }) => session);
  }

  /** One model takes the place of another. @param now in ms, never backwards */
  replace(before: BgpModel | undefined, after: BgpModel | undefined, now: number): void {
    const [old, wanted] = [byEndpoint(before), byEndpoint(after)];
    const gained = [...wanted.keys()].filter((endpoint) => !old.has(endpoint));
    for (const endpoint of wanted.keys()) this.#held.delete(endpoint);
    if (gained.length > 0) {
      this.#awaited = new Set([...this.#awaited, ...gained]);
      this.#establishedAt = undefined;
      for (const [endpoint, session] of old)
        if (!wanted.has(endpoint) && session.isOurs)
          this.#held.set(endpoint, { session, giveUpAt: now + GIVE_UP_MS });
    }
    this.#awaited = new Set([...this.#awaited].filter((endpoint) => wanted.has(endpoint)));
    if (this.#awaited.size === 0) this.#held.clear();
  }

  /** Says which sessions are up. @returns whether sessions were let go */
  observe(established: readonly BgpSession[], now: number): boolean {
    const up = new Set(established.map(endpointOf));
    const isReady = [...this.#awaited].every((endpoint) => up.has(endpoint));
    this.#establishedAt = isReady ? (this.#establishedAt ?? now) : undefined;
    const isSettled = this.#establishedAt !== undefined && now >= this.#establishedAt + SETTLE_MS;
    const before = this.#held.size;
    for (const [endpoint, { giveUpAt }] of this.#held)
      if (isSettled || now >= giveUpAt) this.#held.delete(endpoint);
    if (this.#held.size === 0) this.#awaited = new Set();
    return this.#held.size < before;
  }
}

function byEndpoint(model: BgpModel | undefined): ReadonlyMap<string, BgpSession> {
  return new Map((model?.sessions ?? []).map((session) => [endpointOf(session), session]));
}

function endpointOf({ peerAddress, peerPort }: BgpSession): string {
  return `${peerAddress} ${peerPort}`;
}
