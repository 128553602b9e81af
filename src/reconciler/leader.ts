/**
 * Leadership: which of many reconcilers of one source writes.
 *
 * Who leads holds a key under a lease. The lease alone is no protection, since a process that was stopped may
 * wake up after it ran out and still believe; therefore the create revision of the key is a guard of every
 * transaction, and what a leader of the past sends does nothing.
 */
import type { Datastore, Lease } from '../datastore/datastore.js';
import { type Layout, LayoutError } from '../layout/layout.js';
import { type LeaderRecord, leaderCodec } from '../layout/records.js';
import type { LeaseId, Revision } from '../model/store.js';

export interface Leadership extends AsyncDisposable {
  /** Guard of every transaction. */
  readonly createRevision: Revision;
  /** What is written under it goes when the leader does. */
  readonly lease: LeaseId;
  /** Aborted once the lease has run out, or must be assumed to have. */
  readonly lost: AbortSignal;
  /** Asks the store, which knows before `lost` does. @throws {DatastoreError} */
  isHeld(): Promise<boolean>;
  /** Lets others lead now. */
  resign(): Promise<void>;
}

export interface CampaignOptions {
  readonly store: Datastore;
  readonly layout: Layout;
  /** Name of the source: each has a leader of its own. */
  readonly name: string;
  /** Who we are, for the others to read. */
  readonly node: string;
  /** ISO 8601. */
  readonly now: () => string;
  /** How long the key outlives a leader that died. */
  readonly ttlSeconds: number;
}

/** Waits until we lead; undefined when the signal is aborted before. @throws {DatastoreError} */
export async function campaign(
  options: CampaignOptions,
  signal: AbortSignal,
): Promise<Leadership | undefined> {
  while (!signal.aborted) {
    const leadership = await stand(options);
    if (leadership) return leadership;
    await waitForVacancy(options, signal);
  }
  return undefined;
}

/**
 * Leads at once, in place of whoever does: what they send from now on does nothing. Undefined when the signal is
 * aborted before. @throws {DatastoreError}
 */
export async function takeOver(
  options: CampaignOptions,
  signal: AbortSignal,
): Promise<Leadership | undefined> {
  const { store, layout, name, ttlSeconds } = options;
  const key = layout.keys.leader(name);
  while (!signal.aborted) {
    // Those who wait for the seat begin with a lease; who has one before it is free comes first.
    const lease = await store.grantLease(ttlSeconds);
    try {
      const { entry } = await store.get(key);
      if (entry) {
        const compare = { key, check: 'mod-revision', revision: entry.modRevision } as const;
        await store.transact({ guards: [], writes: [{ write: { op: 'delete', key }, compare }] });
      }
    } catch (error) {
      await lease.revoke().catch(() => undefined);
      throw error;
    }
    const leadership = await claim(options, lease);
    if (leadership) return leadership;
  }
  return undefined;
}

/** Who leads at the moment, as they call themselves; undefined when nobody does, or it cannot be read. @throws {DatastoreError} */
export async function currentLeader({
  store,
  layout,
  name,
}: Pick<CampaignOptions, 'store' | 'layout' | 'name'>): Promise<LeaderRecord | undefined> {
  const key = layout.keys.leader(name);
  const { entry } = await store.get(key);
  try {
    return entry && leaderCodec.decode(key, entry.value);
  } catch (error) {
    // The key says that somebody leads; who, only its value could tell.
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}

/** Takes the key if nobody has it. */
async function stand(options: CampaignOptions): Promise<Leadership | undefined> {
  const { store, layout, name, ttlSeconds } = options;
  // Granting a lease is a write of its own; it is not made for a seat that is taken.
  if ((await store.get(layout.keys.leader(name))).entry) return undefined;
  return claim(options, await store.grantLease(ttlSeconds));
}

async function claim(options: CampaignOptions, lease: Lease): Promise<Leadership | undefined> {
  const { store, layout, name, node, now } = options;
  const key = layout.keys.leader(name);
  const value = leaderCodec.encode({ node, since: now() });
  try {
    const result = await store.transact({
      guards: [],
      writes: [{ write: { op: 'put', key, value, lease: lease.id }, compare: { key, check: 'absent' } }],
    });
    if (result.ok) return seat(options, result.revision, lease);
  } catch (error) {
    // The answer may be lost and the key be there, under a lease that we would keep alive for nobody.
    await lease.revoke().catch(() => undefined);
    throw error;
  }
  await lease.revoke();
  return undefined;
}

/** The lease may live on after somebody has deleted the key: that ends leadership as well. */
function seat(options: CampaignOptions, createRevision: Revision, lease: Lease): Leadership {
  const unseated = new AbortController();
  const lost = AbortSignal.any([lease.lost, unseated.signal]);
  void waitForDeletion(options, createRevision, lost).then(
    () => unseated.abort(),
    // A watch that fails is no reason to step down: the lease decides, and every transaction checks.
    () => undefined,
  );
  const { store, layout, name } = options;
  const isHeld = async () =>
    (await store.get(layout.keys.leader(name))).entry?.createRevision === createRevision;
  const resign = () => lease.revoke();
  const leave = () => lease[Symbol.asyncDispose]();
  return { createRevision, lease: lease.id, lost, isHeld, resign, [Symbol.asyncDispose]: leave };
}

async function waitForVacancy(options: CampaignOptions, signal: AbortSignal): Promise<void> {
  const { entry, revision } = await options.store.get(options.layout.keys.leader(options.name));
  if (entry) await waitForDeletion(options, revision, signal);
}

/** Resolves when the leader key is deleted after `revision`, when that can no longer be told, or on abort. */
async function waitForDeletion(
  { store, layout, name }: CampaignOptions,
  revision: Revision,
  signal: AbortSignal,
): Promise<void> {
  const key = layout.keys.leader(name);
  for await (const message of store.watch(key, { from: (revision + 1) as Revision, signal })) {
    if (message.type === 'gap') return;
    if (message.type !== 'events') continue;
    if (message.events.some((event) => event.type === 'delete' && event.key === key)) return;
  }
}
