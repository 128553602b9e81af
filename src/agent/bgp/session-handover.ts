/**
 * Make before break: what a change of sessions takes away stays until what it brings is up.
 *
 * Turning a mesh into clients of a reflector takes all old sessions away at once, and the new ones need seconds to
 * come up: without this, hosts would have no routes to each other meanwhile. So old sessions are held beside the new
 * ones. That cannot be done where a host that was a peer is one still, in another way (it has become a reflector, its
 * AS number or the password is another): two hosts have one session, and the daemon ends it, with all its routes, to
 * dial again. There both ends first keep the routes that they have (kept-routes.ts) and then, when the other has had
 * time to hear of the change as well, exchange the session.
 *
 * Each host decides alone, so it holds on for a while longer than it needs itself: a peer that is slower still lives on
 * our end of the old session. Only sessions with hosts of ours are held; what is said of foreign peers holds at once.
 * An agent that starts knows no old sessions: what it is told then holds at once too.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BgpFilter, BgpModel, BgpSession } from '../../topology/bgp-model.js';

/** How long a session that is to be exchanged goes on, so that both ends keep their routes before either ends it. */
const RETAIN_MS = 5_000;
/** Longer than BIRD waits before it dials again, so that both ends have had a second try. */
const SETTLE_MS = 10_000;
/** New sessions that are not up by then may never be. */
const GIVE_UP_MS = 40_000;

interface Held {
  readonly session: BgpSession;
  readonly until: number;
}

export class SessionHandover {
  readonly #retainMs: number;
  /** By endpoint: sessions that the model has no more. */
  readonly #held = new Map<string, Held>();
  /** By endpoint: sessions that the model wants otherwise, as they are until then. */
  readonly #retained = new Map<string, Held>();
  /** Endpoints of the sessions that all this is waiting for. */
  #awaited: ReadonlySet<string> = new Set();
  #establishedAt: number | undefined;
  /** Present: routes are kept. */
  #keepUntil: number | undefined;
  /** Of the old model too, as long as sessions of it may name them. */
  #filters: readonly BgpFilter[] = [];

  /** @param retainMs 0: sessions are exchanged at once, with their routes */
  constructor(retainMs = RETAIN_MS) {
    this.#retainMs = retainMs;
  }

  /** Whether the daemon has all of the model, and nothing else. */
  get isOver(): boolean {
    return this.#held.size + this.#retained.size === 0 && !this.keepsRoutes;
  }

  /** Whether routes of sessions that are being exchanged are to stay in the kernel. */
  get keepsRoutes(): boolean {
    return this.#keepUntil !== undefined;
  }

  /** What the daemon is to have meanwhile. */
  over(model: BgpModel): BgpModel {
    if (this.isOver) return model;
    const held = [...this.#held.values()].map(({ session }) => session);
    const names = new Set(model.filters.map(({ name }) => name));
    return {
      ...model,
      sessions: [...model.sessions.map((session) => this.runningFor(session)), ...held],
      filters: [...model.filters, ...this.#filters.filter(({ name }) => !names.has(name))],
    };
  }

  /** The session that the daemon has in place of this one of the model. */
  runningFor(session: BgpSession): BgpSession {
    return this.#retained.get(endpointOf(session))?.session ?? session;
  }

  /** One model takes the place of another. @param now in ms, never backwards */
  replace(before: BgpModel | undefined, after: BgpModel | undefined, now: number): void {
    const [old, wanted] = [byEndpoint(before), byEndpoint(after)];
    const running = new Map([...old.values()].map((each) => [endpointOf(each), this.runningFor(each)]));
    const gained = [...wanted.keys()].filter((endpoint) => !old.has(endpoint));
    const exchanged = this.#retain(running, wanted, now);
    for (const endpoint of wanted.keys()) this.#held.delete(endpoint);
    if (gained.length + exchanged.length > 0) {
      this.#awaited = new Set([...this.#awaited, ...gained, ...exchanged]);
      this.#establishedAt = undefined;
      this.#filters = [...(before?.filters ?? []), ...this.#filters];
      for (const [endpoint, session] of running)
        if (!wanted.has(endpoint) && session.isOurs)
          this.#held.set(endpoint, { session, until: now + GIVE_UP_MS });
    }
    if (exchanged.length > 0) this.#keepUntil = now + GIVE_UP_MS;
    this.#awaited = new Set([...this.#awaited].filter((endpoint) => wanted.has(endpoint)));
    if (this.#awaited.size === 0) this.#end();
  }

  /** Says which sessions of the model are up. @returns whether the daemon is to have something else now */
  observe(established: readonly BgpSession[], now: number): boolean {
    const before = this.#size;
    for (const [endpoint, { until }] of this.#retained) if (now >= until) this.#retained.delete(endpoint);
    const up = new Set(established.map(endpointOf));
    const isReady = this.#retained.size === 0 && [...this.#awaited].every((endpoint) => up.has(endpoint));
    // What was exchanged just now is not up yet, whatever was seen before.
    const isSame = this.#size === before;
    this.#establishedAt = isReady && isSame ? (this.#establishedAt ?? now) : undefined;
    const isSettled = this.#establishedAt !== undefined && now >= this.#establishedAt + SETTLE_MS;
    for (const [endpoint, { until }] of this.#held)
      if (isSettled || now >= until) this.#held.delete(endpoint);
    if (isSettled || now >= (this.#keepUntil ?? now)) this.#keepUntil = undefined;
    const after = this.#size;
    if (this.isOver) this.#end();
    return after < before;
  }

  /** Sessions that change go on as they are for a while. @returns the endpoints of those that do, or did until now */
  #retain(
    running: ReadonlyMap<string, BgpSession>,
    wanted: ReadonlyMap<string, BgpSession>,
    now: number,
  ): readonly string[] {
    const exchanged: string[] = [];
    const retained = new Map(this.#retained);
    this.#retained.clear();
    if (this.#retainMs === 0) return exchanged;
    for (const [endpoint, session] of wanted) {
      const old = running.get(endpoint) ?? this.#held.get(endpoint)?.session;
      if (!old?.isOurs || !session.isOurs || goesOn(old, session)) continue;
      exchanged.push(endpoint);
      const until = retained.get(endpoint)?.until ?? now + this.#retainMs;
      this.#retained.set(endpoint, { session: old, until });
    }
    return exchanged;
  }

  #end(): void {
    this.#held.clear();
    this.#retained.clear();
    this.#awaited = new Set();
    this.#keepUntil = undefined;
    this.#filters = [];
  }

  get #size(): number {
    return this.#held.size + this.#retained.size + Number(this.keepsRoutes);
  }
}

/** Whether the daemon makes the one of the other without ending it. What a peer is called and which filters it has, it can. */
function goesOn(old: BgpSession, wanted: BgpSession): boolean {
  const common = { peerName: '', filters: [] };
  return isDeepStrictEqual({ ...old, ...common }, { ...wanted, ...common });
}

function byEndpoint(model: BgpModel | undefined): ReadonlyMap<string, BgpSession> {
  return new Map((model?.sessions ?? []).map((session) => [endpointOf(session), session]));
}

function endpointOf({ peerAddress, peerPort }: BgpSession): string {
  return `${peerAddress} ${peerPort}`;
}
