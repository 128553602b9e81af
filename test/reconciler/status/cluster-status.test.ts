/** How many hosts there are, and on how many a commit is live: silence takes nobody away. */
import test from 'ava';
import { formatMissing } from '../../../src/cli/format-wait.js';
import {
  createMemoryDatastore,
  type MemoryDatastore,
} from '../../../src/datastore/memory/memory-datastore.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import {
  type HostStatus,
  historyCodec,
  hostStatusCodec,
  type Rollback,
  sourceStatusCodec,
} from '../../../src/layout/records.js';
import type { Address, InterfaceAddress } from '../../../src/model/address.js';
import type { Resource } from '../../../src/model/resource.js';
import type { StoreKey } from '../../../src/model/store.js';
import { readClusterStatus } from '../../../src/reconciler/status/cluster-status.js';
import { countLive, waitForCommit } from '../../../src/reconciler/status/wait-for-commit.js';
import { resource, workload } from '../../helpers/build-resources.js';

const layout = createLayout();
const COMMIT = 'c'.repeat(40);

const ADDRESSED = resource('Node', 'host-1', { bgp: { ipv4Address: '10.0.0.1/24' as InterfaceAddress } });
const ADDRESSLESS = resource('Node', 'host-2', {});
const REFLECTOR = resource('RouteReflector', 'rr-1', {
  ipv4Address: '10.0.0.9' as Address,
  clusterID: '1.0.0.1' as Address,
});

async function storeWith(...resources: readonly Resource[]): Promise<MemoryDatastore> {
  const store = createMemoryDatastore();
  for (const one of resources)
    for (const { key, value } of layout.encode(one, { pools: [] })) await put(store, key, value);
  return store;
}

async function put(store: MemoryDatastore, key: StoreKey, value: string): Promise<void> {
  await store.transact({ guards: [], writes: [{ write: { op: 'put', key, value } }] });
}

async function applied(
  store: MemoryDatastore,
  seq: number,
  commit = COMMIT,
  source = 'default',
  rollback?: Rollback,
) {
  const head = {
    ...(rollback && { rollback }),
    seq,
    commit,
    tree: 't',
    author: 'a',
    message: 'm',
    time: '2026-01-01T00:00:00Z',
  };
  await put(store, layout.keys.history(source, seq), historyCodec.encode({ ...head, summary: {} }));
}

async function says(
  store: MemoryDatastore,
  node: string,
  seq: number,
  state: HostStatus['state'] = 'live',
  bgp = { configured: 0, established: 0 },
) {
  const status: HostStatus = {
    node,
    state,
    sources: { default: { seq, commit: COMMIT } },
    revision: 1,
    counts: {},
    bgp,
  };
  await put(store, layout.keys.hostStatus(node), hostStatusCodec.encode(status));
}

test('readClusterStatus() counts a silent Node without an address, and a silent RouteReflector', async (t) => {
  const store = await storeWith(ADDRESSED, ADDRESSLESS, REFLECTOR, workload('w', { node: 'host-1' }));
  await applied(store, 1);
  await says(store, 'host-1', 1);
  const { hosts, live } = await readClusterStatus(store, layout);
  t.deepEqual(live, { hosts: 1, of: 3 });
  t.deepEqual(
    hosts.map(({ node, state }) => [node, state]),
    [
      ['host-1', 'live'],
      ['host-2', 'unknown'],
      ['rr-1', 'unknown'],
    ],
  );
});

test('readClusterStatus() counts a host that says something and is no Node', async (t) => {
  const store = await storeWith(ADDRESSED);
  await says(store, 'stranger', 1);
  t.is((await readClusterStatus(store, layout)).live.of, 2);
});

test('countLive() counts hosts at the commit or a later one of its source, and only those that are live', async (t) => {
  const store = await storeWith(ADDRESSED, ADDRESSLESS, REFLECTOR);
  await applied(store, 7);
  await says(store, 'host-1', 8);
  await says(store, 'host-2', 6);
  await says(store, 'rr-1', 7, 'degraded');
  t.deepEqual(await countLive(store, layout, COMMIT.slice(0, 7)), { hosts: 1, of: 3 });
  t.deepEqual(await countLive(store, layout, 'dddd'), { hosts: 0, of: 3 });
});

test('countLive() counts no host for a commit that was rolled back, and all for the one gone back to', async (t) => {
  const store = await storeWith(ADDRESSED);
  await applied(store, 1, 'a'.repeat(40));
  await applied(store, 2, COMMIT);
  await says(store, 'host-1', 2);
  t.is((await countLive(store, layout, COMMIT)).hosts, 1);
  await applied(store, 3, 'a'.repeat(40), 'default', { to: 1, held: COMMIT });
  await says(store, 'host-1', 3);
  t.is((await countLive(store, layout, COMMIT)).hosts, 0);
  t.is((await countLive(store, layout, 'a'.repeat(40))).hosts, 1);
});

test('countLive() asks for every source that has the commit', async (t) => {
  const store = await storeWith(ADDRESSED);
  await says(store, 'host-1', 1);
  await applied(store, 1, COMMIT, 'default');
  t.deepEqual(await countLive(store, layout, COMMIT), { hosts: 1, of: 1 });
  await applied(store, 1, COMMIT, 'other');
  t.deepEqual(await countLive(store, layout, COMMIT), { hosts: 0, of: 1 });
});

test('waitForCommit() waits for hosts that the commit brings, and reads them all only at its two ends', async (t) => {
  const store = await storeWith(ADDRESSED);
  const reads = counting(store);
  const waiting = waitForCommit(reads.store, layout, {
    ...{ commit: COMMIT, share: 1, timeoutMs: 20_000 },
    signal: new AbortController().signal,
  });
  for (let word = 0; word < 50; word += 1) await says(store, 'host-1', 0);
  for (const { key, value } of layout.encode(ADDRESSLESS, { pools: [] })) await put(store, key, value);
  await applied(store, 1);
  for (let word = 0; word < 50; word += 1) await says(store, 'host-1', 1);
  await says(store, 'host-2', 1);
  t.deepEqual(await waiting, { hosts: 2, of: 2, missing: [] });
  t.is(reads.of(layout.keys.hostStatusPrefix), 1);
  t.true(reads.of(`${layout.root}/v1/host/`) <= 4);
});

test('waitForCommit() ends as soon as the commit is refused, and says why; on no other word', async (t) => {
  const store = await storeWith(ADDRESSED);
  const waiting = waitForCommit(store, layout, {
    ...{ commit: COMMIT.slice(0, 8), share: 1, timeoutMs: 20_000 },
    signal: new AbortController().signal,
  });
  const reports = async (newest: string, type: string, status: 'True' | 'False', reason: string) => {
    const conditions = [{ type, status, reason, message: 'why' }];
    const value = sourceStatusCodec.encode({ node: 'host-1', since: '', newest, conditions });
    await put(store, layout.keys.sourceStatus('default'), value);
  };
  await reports('b'.repeat(40), 'Valid', 'False', 'InvalidManifests');
  await reports(COMMIT, 'Valid', 'True', 'Checked');
  await reports(COMMIT, 'Applied', 'False', 'StoreFailed');
  await says(store, 'host-1', 0);
  await reports(COMMIT, 'Applied', 'False', 'Refused');
  t.like(await waiting, { hosts: 0, of: 1, refused: 'Refused: why', missing: [{ node: 'host-1' }] });
});

test('waitForCommit() of a commit that was refused before counts all the same; one that is in the history stands refused by nobody', async (t) => {
  const store = await storeWith(ADDRESSED);
  const conditions = [{ type: 'Applied', status: 'False', reason: 'Refused', message: 'why' } as const];
  const value = sourceStatusCodec.encode({ node: 'host-1', since: '', newest: COMMIT, conditions });
  await put(store, layout.keys.sourceStatus('default'), value);
  const wait = () =>
    waitForCommit(store, layout, {
      ...{ commit: COMMIT, share: 1, timeoutMs: 20_000 },
      signal: new AbortController().signal,
    });
  t.like(await wait(), { hosts: 0, of: 1, refused: 'Refused: why' });
  // Somebody has approved it, and its leader has not said anything since.
  await applied(store, 1);
  const waiting = wait();
  await says(store, 'host-1', 1);
  t.deepEqual(await waiting, { hosts: 1, of: 1, missing: [] });
});

test('waitForCommit() names the hosts that are not live, when the time is up', async (t) => {
  const store = await storeWith(ADDRESSED);
  // A deadline keeps no process alive, and neither does a store in memory.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  await applied(store, 1);
  const result = await waitForCommit(store, layout, {
    ...{ commit: COMMIT, share: 1, timeoutMs: 50 },
    signal: new AbortController().signal,
  });
  t.like(result, { hosts: 0, of: 1, missing: [{ node: 'host-1', state: 'unknown' }] });
  t.is(result.refused, undefined);
});

test('waitForCommit() with sessions counts a host only once all of its BGP sessions are up', async (t) => {
  const store = await storeWith(ADDRESSED);
  await applied(store, 1);
  await says(store, 'host-1', 1, 'live', { configured: 2, established: 1 });
  const wait = (withSessions: boolean, timeoutMs: number) =>
    waitForCommit(store, layout, {
      ...{ commit: COMMIT, share: 1, timeoutMs, withSessions },
      signal: new AbortController().signal,
    });
  t.like(await wait(false, 30_000), { hosts: 1, of: 1 });
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const late = await wait(true, 50);
  t.like(late, { hosts: 0, of: 1 });
  t.is(formatMissing(late), '  host-1 live with ccccccc: 1 of 2 BGP sessions up\n');
  const waiting = wait(true, 30_000);
  await says(store, 'host-1', 1, 'live', { configured: 2, established: 2 });
  t.like(await waiting, { hosts: 1, of: 1 });
});

/** The store, and how often each prefix was read. */
function counting(store: MemoryDatastore) {
  const counts = new Map<string, number>();
  const counted = new Proxy(store, {
    get(target, name) {
      if (name === 'snapshot')
        return (prefix: string) => {
          counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
          return target.snapshot(prefix);
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store: counted, of: (prefix: string) => counts.get(prefix) ?? 0 };
}
