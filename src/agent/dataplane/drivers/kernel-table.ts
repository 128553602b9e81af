/**
 * The one engine of the drivers that write objects one by one: routes, neighbour entries, tunnels, sysctls.
 *
 * It holds the delta tracker and the order of work: read back when asked to, compare, write what is pending,
 * remove what nobody wants. Each kind of object says how to read, write and remove its own (`KernelObjects`) and
 * remembers nothing. An object that fails stays pending, as does one that waits for its interface; a read-back
 * that fails leaves the last one standing and is tried again. What this kernel cannot have at all is said once for each
 * try, and is no difference between what was written and what is there.
 */
import { DeltaTracker, type DesiredView } from '../../../model/delta-tracker.js';
import type { ApplyReport, Driver, DriverFailure, KernelCountName, KernelCounts } from '../driver.js';

/** A desired value that the kernel does not hold, and what it holds instead. */
export interface PendingObject<K, V, A> {
  readonly key: K;
  readonly desired: V;
  readonly actual: A | undefined;
}

export interface StaleObject<K, A> {
  readonly key: K;
  readonly actual: A;
}

export type WriteOutcome<A> =
  | { readonly type: 'written'; readonly actual: A }
  /** Cannot be there yet: text for people, and what is there in its place where something was put there. */
  | { readonly type: 'waiting'; readonly reason: string; readonly actual?: A }
  /** Cannot be there on this kernel: text for people. */
  | { readonly type: 'impossible'; readonly reason: string }
  | { readonly type: 'failed'; readonly error: unknown };

/** One kind of kernel object. `A` is what a read-back knows of it. */
export interface KernelObjects<K, V, A> {
  readonly name: string;
  /** Under which name they are counted; absent: they are not. */
  readonly countedAs?: KernelCountName;
  /** For people: `route 192.168.1.1/32 dev cali123`. */
  describe(key: K, object: V | A): string;
  equal(desired: V, actual: A): boolean;
  /** Everything of ours in the kernel. @throws when the kernel cannot be read */
  readBack(desired: DesiredView<K, V>): Promise<Iterable<readonly [K, A]>>;
  /** For each object, why it cannot be there yet; undefined when it can. @throws as readBack */
  waitingFor(pending: readonly PendingObject<K, V, A>[]): Promise<readonly (string | undefined)[]>;
  /** Outcomes at the places of the objects. @throws when the kernel cannot be asked; what was written may then be there */
  write(pending: readonly PendingObject<K, V, A>[]): Promise<readonly WriteOutcome<A>[]>;
  /** Errors at the places of the objects; an object that is gone already is a success. @throws as write */
  remove(stale: readonly StaleObject<K, A>[]): Promise<readonly unknown[]>;
}

interface Settled<K> extends Omit<ApplyReport, 'impossible'> {
  readonly impossible: ReadonlyMap<K, DriverFailure>;
}

export class KernelTable<K, V, A = V> implements Driver {
  readonly #objects: KernelObjects<K, V, A>;
  readonly #tracker: DeltaTracker<K, V, A>;
  /** What the last try to write them found to be impossible. */
  #impossible: ReadonlySet<K> = NONE;
  #resyncQueued = true;

  constructor(objects: KernelObjects<K, V, A>) {
    this.#objects = objects;
    this.#tracker = new DeltaTracker<K, V, A>({ equal: (desired, actual) => objects.equal(desired, actual) });
  }

  get name(): string {
    return this.#objects.name;
  }

  /** Where managers say what they want. */
  get desired(): DesiredView<K, V> {
    return this.#tracker.desired;
  }

  counts(): KernelCounts {
    const { countedAs } = this.#objects;
    return countedAs === undefined ? {} : { [countedAs]: this.#tracker.actual.size };
  }

  queueResync(): void {
    this.#resyncQueued = true;
  }

  async applyUpdates(): Promise<ApplyReport> {
    return this.#reporting(async () => {
      await this.#readBackIfQueued();
      const pending = this.#pending();
      if (pending.length === 0) {
        this.#impossible = NONE;
        return NOTHING_TO_DO;
      }
      const report = this.#settle(pending, await this.#objects.write(pending));
      this.#impossible = new Set(report.impossible.keys());
      return { ...report, impossible: [...report.impossible.values()] };
    });
  }

  async applyDeletions(): Promise<ApplyReport> {
    return this.#reporting(async () => {
      await this.#readBackIfQueued();
      const stale = [...this.#tracker.pendingDeletions()].map(([key, actual]) => ({ key, actual }));
      if (stale.length === 0) return NOTHING_TO_DO;
      const failures: DriverFailure[] = [];
      for (const [index, error] of (await this.#objects.remove(stale)).entries()) {
        const object = stale[index];
        if (object === undefined) continue;
        if (error === undefined) this.#tracker.setActual(object.key, undefined);
        else failures.push(this.#failure(object.key, object.actual, error));
      }
      return { changed: stale.length - failures.length, failures };
    });
  }

  /**
   * Overwrites what is in the kernel, whatever is desired: a route with a blackhole, before the kernel drops the route
   * with its interface.
   * @param choose - what to write; undefined: this one stays
   * @returns what could not be overwritten
   */
  async overwrite(choose: (key: K, actual: A) => V | undefined): Promise<readonly DriverFailure[]> {
    const { failures } = await this.#reporting(async () => {
      await this.#readBackIfQueued();
      const objects = [...this.#tracker.actual].flatMap(([key, actual]): PendingObject<K, V, A>[] => {
        const desired = choose(key, actual);
        return desired === undefined ? [] : [{ key, desired, actual }];
      });
      if (objects.length === 0) return NOTHING_TO_DO;
      const { changed, failures } = this.#settle(objects, await this.#objects.write(objects));
      return { changed, failures };
    });
    return failures;
  }

  /** The kernel has dropped these with something else, or is about to: they are to be written anew, and are no drift. */
  forget(isGone: (key: K) => boolean): void {
    for (const key of [...this.#tracker.actual.keys()])
      if (isGone(key)) this.#tracker.setActual(key, undefined);
  }

  async verify(): Promise<readonly DriverFailure[]> {
    const { failures } = await this.#reporting(async () => {
      this.#resyncQueued = true;
      await this.#readBackIfQueued();
      const pending = this.#pending();
      const reasons = await this.#objects.waitingFor(pending);
      const missing = pending
        .filter(({ key }, index) => reasons[index] === undefined && !this.#impossible.has(key))
        .map(({ key, desired, actual }) =>
          this.#failure(key, desired, actual === undefined ? 'not in the kernel' : 'differs in the kernel'),
        );
      const stale = [...this.#tracker.pendingDeletions()].map(([key, actual]) =>
        this.#failure(key, actual, 'in the kernel, and not wanted'),
      );
      return { changed: 0, failures: [...missing, ...stale] };
    });
    return failures;
  }

  takeDrift(): readonly string[] {
    return [...this.#tracker.takeDrift()].map(([key, object]) => this.#objects.describe(key, object));
  }

  async #readBackIfQueued(): Promise<void> {
    if (!this.#resyncQueued) return;
    // Cleared first: an event that comes during the read-back asks for another one.
    this.#resyncQueued = false;
    try {
      this.#tracker.replaceActual(await this.#objects.readBack(this.#tracker.desired));
    } catch (error) {
      this.#resyncQueued = true;
      throw error;
    }
  }

  #pending(): PendingObject<K, V, A>[] {
    return [...this.#tracker.pendingUpdates()].map(([key, desired]) => ({
      key,
      desired,
      actual: this.#tracker.actual.get(key),
    }));
  }

  #settle(pending: readonly PendingObject<K, V, A>[], outcomes: readonly WriteOutcome<A>[]): Settled<K> {
    let changed = 0;
    const failures: DriverFailure[] = [];
    const waiting: DriverFailure[] = [];
    const impossible = new Map<K, DriverFailure>();
    for (const [index, { key, desired }] of pending.entries()) {
      const outcome = outcomes[index];
      if (outcome?.type === 'written') {
        this.#tracker.setActual(key, outcome.actual);
        changed += 1;
      } else if (outcome?.type === 'waiting') {
        waiting.push(this.#failure(key, desired, outcome.reason));
        if (outcome.actual === undefined) continue;
        this.#tracker.setActual(key, outcome.actual);
        changed += 1;
      } else if (outcome?.type === 'impossible')
        impossible.set(key, this.#failure(key, desired, outcome.reason));
      else failures.push(this.#failure(key, desired, outcome?.error));
    }
    return { changed, failures, waiting, impossible };
  }

  #failure(key: K, object: V | A, reason: unknown): DriverFailure {
    return { object: this.#objects.describe(key, object), message: messageOf(reason) };
  }

  /** Whatever cannot be done at all is one failure of this driver; the other drivers go on. */
  async #reporting(work: () => Promise<ApplyReport>): Promise<ApplyReport> {
    try {
      return await work();
    } catch (error) {
      return { changed: 0, failures: [{ object: this.name, message: messageOf(error) }] };
    }
  }
}

const NONE: ReadonlySet<never> = new Set();
const NOTHING_TO_DO: ApplyReport = { changed: 0, failures: [] };

export function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
