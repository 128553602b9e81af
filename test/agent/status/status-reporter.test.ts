/**
 * What the store says of a host goes with its agent, comes back after every loss, and costs few writes.
 * Against the store in memory, with a clock that a test moves.
 */
import test from 'ava';
import { hostStatus } from '../../../src/agent/status/host-status.js';
import { StatusReporter } from '../../../src/agent/status/status-reporter.js';
import { DatastoreError, type Lease } from '../../../src/datastore/datastore.js';
import {
  createMemoryDatastore,
  type MemoryDatastore,
} from '../../../src/datastore/memory/memory-datastore.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import type { HostSessions, HostStatus, SessionRecord } from '../../../src/layout/records.js';
import type { Log } from '../../../src/model/log.js';
import type { StoreKey } from '../../../src/model/store.js';
import { WELL } from './facts-fixture.js';
import { ManualClock } from './manual-clock.js';

const layout = createLayout();
const STATUS_KEY = layout.keys.hostStatus('host-1');
const FELIX_KEY = '/calico/felix/v1/host/host-1/status' as StoreKey;
const LIVE = hostStatus(WELL);
const NONE: HostSessions = { node: 'host-1', sessions: [] };
const SESSION: SessionRecord = {
  name: 'Mesh_10_0_0_2',
  peer: 'host-2',
  family: 4,
  state: 'Established',
  imported: 1,
  exported: 1,
};
const SESSIONS_KEY = layout.keys.hostSessions('host-1');
const FAILED: HostStatus = { ...LIVE, state: 'failed', error: 'route: no' };

interface Setup extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: MemoryDatastore;
  readonly reporter: StatusReporter;
  readonly warnings: string[];
  /** While set, every write fails with it. */
  failure: DatastoreError | undefined;
  writes: number;
  /** Ends the lease, as a store does that has not heard of its client for too long. */
  loseLease(): Promise<void>;
  read(key: StoreKey): Promise<unknown>;
  stop(): Promise<void>;
}

function setUp(): Setup {
  const store = createMemoryDatastore();
  const leases: Lease[] = [];
  const clock = new ManualClock();
  const stop = new AbortController();
  const warnings: string[] = [];
  const ignore = () => {};
  const log: Log = { debug: ignore, info: ignore, error: ignore, warn: (message) => warnings.push(message) };
  const setup: Setup = {
    clock,
    store,
    warnings,
    failure: undefined,
    writes: 0,
    reporter: new StatusReporter({
      layout,
      node: 'host-1',
      log,
      clock,
      store: {
        async transact(transaction) {
          if (setup.failure) throw setup.failure;
          setup.writes += 1;
          return store.transact(transaction);
        },
        async grantLease(ttl) {
          if (setup.failure) throw setup.failure;
          const lease = await store.grantLease(ttl);
          leases.push(lease);
          return lease;
        },
      },
    }),
    async loseLease() {
      for (const lease of leases) await lease.revoke();
    },
    async read(key) {
      const { entry } = await store.get(key);
      return entry && JSON.parse(entry.value);
    },
    async stop() {
      stop.abort();
      await running;
    },
    async [Symbol.asyncDispose]() {
      await setup.stop();
    },
  };
  const running = setup.reporter.run(stop.signal);
  return setup;
}

test('a status is written at once, under a lease that ends with the reporter', async (t) => {
  const setup = setUp();
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(0);
  t.deepEqual(await setup.read(STATUS_KEY), LIVE);
  await setup.stop();
  t.is(await setup.read(STATUS_KEY), undefined);
});

test('changes within a second are written as one, the last', async (t) => {
  await using setup = setUp();
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(0);
  for (let revision = 8; revision < 100; revision += 1) setup.reporter.report({ ...LIVE, revision }, NONE);
  await setup.clock.advance(999);
  t.is(setup.writes, 1);
  await setup.clock.advance(1);
  t.is(setup.writes, 2);
  t.like(await setup.read(STATUS_KEY), { revision: 99 });
});

test('an unchanged status is not written again, and one that is only confirmed once a minute', async (t) => {
  await using setup = setUp();
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(0);
  for (let second = 10; second <= 60; second += 10) {
    setup.reporter.report(LIVE, NONE);
    setup.reporter.report({ ...LIVE, verifiedAt: `2026-11-22T10:01:${second - 10}.000Z` }, NONE);
    await setup.clock.advance(10_000);
  }
  t.is(setup.writes, 2);
  t.like(await setup.read(STATUS_KEY), { verifiedAt: '2026-11-22T10:01:50.000Z' });
});

test('both keys are written again, under a new lease, when theirs was lost', async (t) => {
  await using setup = setUp();
  setup.reporter.report(LIVE, NONE);
  setup.reporter.setFelixInterval(3_600_000);
  await setup.clock.advance(0);
  const written = setup.writes;
  await setup.loseLease();
  t.is(await setup.read(STATUS_KEY), undefined);
  await setup.clock.advance(1_000);
  t.is(setup.writes, written + 2);
  t.deepEqual(await setup.read(STATUS_KEY), LIVE);
  t.like(await setup.read(FELIX_KEY), { uptime: 0 });
});

test('a store that went away and forgot the lease gets the status back once it returns', async (t) => {
  await using setup = setUp();
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(0);
  setup.failure = new DatastoreError('unavailable', 'connection refused');
  await setup.loseLease();
  await setup.clock.advance(60_000);
  t.is(await setup.read(STATUS_KEY), undefined);
  t.deepEqual(new Set(setup.warnings), new Set(['status not written']));
  setup.failure = undefined;
  await setup.clock.advance(30_000);
  t.deepEqual(await setup.read(STATUS_KEY), LIVE);
});

test('a write that fails is tried again, less and less often, and the newest status is written', async (t) => {
  await using setup = setUp();
  setup.failure = new DatastoreError('unavailable', 'connection refused');
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(600_000);
  t.true(
    setup.warnings.length >= 20 && setup.warnings.length <= 50,
    `${setup.warnings.length} attempts in 10 min`,
  );
  setup.failure = undefined;
  setup.reporter.report(FAILED, NONE);
  await setup.clock.advance(30_000);
  t.deepEqual(await setup.read(STATUS_KEY), FAILED);
});

test("Calico's status key is written only while an interval is set", async (t) => {
  await using setup = setUp();
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(5_000);
  t.is(await setup.read(FELIX_KEY), undefined);
  setup.reporter.setFelixInterval(30_000);
  await setup.clock.advance(0);
  t.deepEqual(await setup.read(FELIX_KEY), { time: '2026-11-22T10:00:05Z', uptime: 5, first_update: true });
  await setup.clock.advance(30_400);
  t.deepEqual(await setup.read(FELIX_KEY), { time: '2026-11-22T10:00:35Z', uptime: 35, first_update: false });
  setup.reporter.setFelixInterval(0);
  await setup.clock.advance(90_000);
  t.like(await setup.read(FELIX_KEY), { uptime: 35 });
});

test('sessions have a key of their own, and their routes alone are no news', async (t) => {
  await using setup = setUp();
  const report = (session: SessionRecord) =>
    setup.reporter.report(LIVE, { node: 'host-1', sessions: [session] });
  report(SESSION);
  await setup.clock.advance(0);
  t.deepEqual(await setup.read(SESSIONS_KEY), { node: 'host-1', sessions: [SESSION] });
  t.deepEqual(await setup.read(STATUS_KEY), LIVE);
  t.is(setup.writes, 2);
  for (let imported = 2; imported < 60; imported += 1) {
    report({ ...SESSION, imported });
    await setup.clock.advance(1_000);
  }
  t.is(setup.writes, 2);
  report({ ...SESSION, state: 'Active', lastError: 'Socket: Connection refused' });
  await setup.clock.advance(1_000);
  t.is(setup.writes, 3);
  t.like(await setup.read(SESSIONS_KEY), { sessions: [{ state: 'Active' }] });
  setup.reporter.report(LIVE, NONE);
  await setup.clock.advance(1_000);
  t.deepEqual(await setup.read(SESSIONS_KEY), NONE);
});

test('the more sessions there are, the rarer they are written; the status is not', async (t) => {
  await using setup = setUp();
  const mesh = (state: string) =>
    Array.from({ length: 1_000 }, (_, index) => ({ ...SESSION, name: `Mesh_10_0_${index}`, state }));
  for (let second = 0; second < 60; second += 1) {
    const status = { ...LIVE, revision: second };
    setup.reporter.report(status, { node: 'host-1', sessions: mesh(`state ${second}`) });
    await setup.clock.advance(1_000);
  }
  t.like(await setup.read(STATUS_KEY), { revision: 59 });
  const text = JSON.stringify(await setup.read(SESSIONS_KEY));
  const sessionWrites = setup.writes - 60;
  t.true(sessionWrites >= 2 && (sessionWrites - 1) * text.length <= 4 * 60_000, `${sessionWrites} writes`);
});
