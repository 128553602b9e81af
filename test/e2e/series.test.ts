/**
 * A commit of ten thousand endpoints on real parts: processes that are killed, members that are killed, a store
 * that is full. Agents, whose syncer runs beside it, see the commit before or the whole commit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageFolder } from '../../src/cli/package-folder.js';
import type { Datastore } from '../../src/datastore/datastore.js';
import { withDeadline } from '../../src/datastore/deadline.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { headCodec, historyCodec, type TxnRecord, txnCodec } from '../../src/layout/records.js';
import type { Revision } from '../../src/model/store.js';
import { leaderOf, startEtcd, startEtcdCluster, type TestEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { inventoryDisagreements } from '../helpers/inventory.js';
import { until } from '../helpers/until.js';
import { FakeSource } from '../reconciler/fake-source.js';
import { endpoint, NODES, POOL, profile } from '../reconciler/manifests.js';
import { LAYOUT, RunningReconciler } from '../reconciler/run-helpers.js';
import { Witness } from '../reconciler/witness.js';

const MAIN = fileURLToPath(new URL('dist/src/cli/main.js', packageFolder()));
const TXN = LAYOUT.keys.txn('default');
const HEAD = LAYOUT.keys.head('default');
const LEADER = LAYOUT.keys.leader('default');

/** A server that takes small requests, so that a series has many transactions. */
const SMALL_REQUESTS = ['--max-request-bytes=300000'];

/** Bytes: room for what fills the store before the series, and for half of the series. */
const QUOTA = 7_000_000;

function network(endpoints: number, shift = 0): Record<string, string> {
  const files: Record<string, string> = {
    'pool.yaml': POOL,
    'nodes.yaml': NODES,
    'web.yaml': profile('web'),
  };
  const documents = Array.from({ length: endpoints }, (_, i) =>
    endpoint(`w${i}`, `192.168.${(i + shift) >> 8}.${(i + shift) & 255}`),
  );
  for (let first = 0; first < endpoints; first += 200)
    files[`endpoints-${first}.yaml`] = documents.slice(first, first + 200).join('---\n');
  return files;
}

function inOneFile(files: Record<string, string>): string {
  return Object.values(files).join('---\n');
}

test.serial('a reconciler that is killed again and again is followed by one that finishes', async (t) => {
  await using etcd = await startEtcd({ flags: SMALL_REQUESTS });
  await using store = openEtcdDatastore(etcd.options);
  await using small = await folderOf(network(1));
  await using large = await folderOf(network(10_000));
  const args = (folder: string) => ['reconcile', '--once', '--repo', folder, '--etcd', etcd.endpoint];
  t.is((await heddle(args(small.path))).code, 0);
  await using witness = new Witness(store, LAYOUT);
  const before = await witness.sees(await headCommit(store));
  const bases = new Set<number>();
  for (const applied of [1, 2_000, 4_000]) {
    const child = spawn(execPath, [MAIN, ...args(large.path), '--lock-timeout', '60s'], { stdio: 'ignore' });
    const record = await killAt(child, store, applied);
    bases.add(record.base);
    t.true(
      record.applied >= applied && record.applied < record.total,
      `${record.applied} of ${record.total}`,
    );
    await using joined = new Witness(store, LAYOUT);
    await until(() => joined.states.length > 0, { what: 'an agent that starts now to be in sync' });
    t.is(joined.states[0], before);
  }
  t.is(bases.size, 1, 'the base stays');
  const last = await heddle([...args(large.path), '--lock-timeout', '60s']);
  t.is(last.code, 0, last.stderr);
  const after = await witness.sees(await headCommit(store));
  t.deepEqual(witness.states, [before, after]);
  t.is(after.split('\n').length, before.split('\n').length + 9_999);
  const again = await heddle([...args(large.path), '--dry-run', '--detailed-exitcode']);
  t.is(again.code, 0, again.stdout);
});

test.serial('a member of etcd that is killed while it leads does not break a series', async (t) => {
  const members = await startEtcdCluster(3, { flags: SMALL_REQUESTS });
  const endpoints = members.map(({ endpoint }) => endpoint);
  const store = openEtcdDatastore({ endpoints, tuning: { callTimeoutMs: 3_000 } });
  const source = new FakeSource();
  const first = source.commit(network(1));
  const loop = new RunningReconciler(source, store, { leaseSeconds: 10, intervalMs: 500 });
  await loop.live(first);
  const witness = new Witness(store, LAYOUT);
  try {
    const before = await witness.sees(first);
    const second = source.commit(network(4_000));
    await txnReaches(store, 500);
    const leader = await leaderOf(members);
    await leader.kill();
    await until(() => loop.state.phase === 'live' && loop.state.good === second, {
      timeoutMs: 90_000,
      what: 'the commit to be live on two members',
    });
    const after = await witness.sees(second);
    t.deepEqual(witness.states, [before, after]);
    t.is((await store.snapshot(LAYOUT.keys.historyPrefix)).entries.size, 2, 'the head has moved once');
    t.is((await store.get(TXN)).entry, undefined);
  } finally {
    await loop.stop();
    await witness[Symbol.asyncDispose]();
    await store.close();
    for (const member of members) await member.close();
  }
});

test.serial('a store that is full stops a series; it says why, and goes on once there is room', async (t) => {
  await using etcd = await startEtcd({ flags: [...SMALL_REQUESTS, `--quota-backend-bytes=${QUOTA}`] });
  await using store = openEtcdDatastore(etcd.options);
  const source = new FakeSource();
  const first = source.commit(network(1));
  await using loop = new RunningReconciler(source, store, { intervalMs: 500 });
  await loop.live(first);
  await using witness = new Witness(store, LAYOUT);
  const before = await witness.sees(first);
  for (let i = 0; i < 40; i += 1) await etcd.ctl('put', `/junk/${i}`, 'x'.repeat(100_000));
  const second = source.commit(network(6_000));
  await until(() => loop.state.conditions.Applied.reason === 'StoreFailed', {
    timeoutMs: 60_000,
    what: 'the store to be full',
  });
  t.regex(loop.state.conditions.Applied.message, /database space exceeded; .* disarm the alarm/);
  t.truthy((await store.get(TXN)).entry, 'in the middle');
  t.is(witness.states.length, 1);
  await makeRoom(etcd, store);
  await until(() => loop.state.phase === 'live' && loop.state.good === second, {
    timeoutMs: 60_000,
    what: 'the rest to be written',
  });
  const after = await witness.sees(second);
  t.deepEqual(witness.states, [before, after]);
});

test.serial('two processes that fight for the lead give every commit one place in the history', async (t) => {
  await using etcd = await startEtcd({ flags: SMALL_REQUESTS });
  await using store = openEtcdDatastore(etcd.options);
  const rounds = [1_000, 1_500];
  await using folder = await folderOf({ 'all.yaml': inOneFile(network(1)) });
  t.is((await heddle(['reconcile', '--once', '--repo', folder.path, '--etcd', etcd.endpoint])).code, 0);
  await using witness = new Witness(store, LAYOUT);
  const commits = [await headCommit(store)];
  await witness.sees(commits[0] ?? '');
  const args = ['reconcile', '--repo', folder.path, '--etcd', etcd.endpoint, '--interval', '1s'];
  const rivals = [1, 2].map(() => spawn(execPath, [MAIN, ...args], { stdio: 'ignore' }));
  const meddler = meddle(store);
  try {
    for (const [shift, endpoints] of rounds.entries()) {
      // Endpoints hand their addresses on; one rename, so that no rival reads half a file.
      await writeFile(join(folder.path, 'next'), inOneFile(network(endpoints, shift)));
      await rename(join(folder.path, 'next'), join(folder.path, 'all.yaml'));
      await until(async () => (await headCommit(store)) !== commits.at(-1) && !(await store.get(TXN)).entry, {
        timeoutMs: 90_000,
        what: `a commit with ${endpoints} endpoints`,
      });
      commits.push(await headCommit(store));
      await witness.sees(commits.at(-1) ?? '');
      t.deepEqual(inventoryDisagreements(await store.snapshot(LAYOUT.prefix), LAYOUT), []);
    }
  } finally {
    for (const rival of rivals) rival.kill('SIGKILL');
    await Promise.all(rivals.map((rival) => rival.exitCode ?? rival.signalCode ?? once(rival, 'exit')));
  }
  t.true((await meddler.stop()) >= rounds.length, 'the lead was taken away again and again');
  t.deepEqual(
    witness.states.map((state) => state.split('\n')[0]),
    commits,
  );
  const { entries } = await store.snapshot(LAYOUT.keys.historyPrefix);
  t.deepEqual(
    [...entries].map(([key, { value }]) => historyCodec.decode(key, value).commit),
    commits,
  );
});

/** Takes the lead away after every third transaction of a series; `stop` says how often. */
function meddle(store: Datastore): { stop(): Promise<number> } {
  const stop = new AbortController();
  const run = async (): Promise<number> => {
    const { revision } = await store.get(TXN);
    let [transactions, taken] = [0, 0];
    const from = (revision + 1) as Revision;
    for await (const message of store.watch(TXN, { from, signal: stop.signal })) {
      if (message.type !== 'events') continue;
      transactions += 1;
      if (transactions % 3 > 0) continue;
      taken += 1;
      await store.transact({ guards: [], writes: [{ write: { op: 'delete', key: LEADER } }] });
    }
    return taken;
  };
  const ended = run();
  return {
    stop: () => {
      stop.abort();
      return ended;
    },
  };
}

/** What the message of the failure tells people to do. */
async function makeRoom(etcd: TestEtcd, store: Datastore): Promise<void> {
  await etcd.ctl('del', '--prefix', '/junk/');
  const { revision } = await store.get(HEAD);
  await etcd.ctl('compact', String(revision));
  await etcd.ctl('defrag');
  await etcd.ctl('alarm', 'disarm');
}

async function headCommit(store: Datastore): Promise<string> {
  const { entry } = await store.get(HEAD);
  return headCodec.decode(HEAD, entry?.value ?? '').commit;
}

/** Kills the process once so many changes are written; returns what it has left. */
async function killAt(child: ChildProcess, store: Datastore, applied: number): Promise<TxnRecord> {
  const gone = once(child, 'exit');
  await txnReaches(store, applied);
  child.kill('SIGKILL');
  await gone;
  const { entry } = await store.get(TXN);
  return txnCodec.decode(TXN, entry?.value ?? '');
}

/** Waits until a series has written so many changes. */
async function txnReaches(store: Datastore, applied: number): Promise<void> {
  const done = (value: string | undefined) =>
    value !== undefined && txnCodec.decode(TXN, value).applied >= applied;
  const { entry, revision } = await store.get(TXN);
  if (done(entry?.value)) return;
  const stop = new AbortController();
  const signal = withDeadline(stop.signal, 120_000);
  for await (const message of store.watch(TXN, { from: (revision + 1) as Revision, signal }))
    if (message.type === 'events')
      if (message.events.some((event) => event.type === 'put' && done(event.entry.value)))
        return stop.abort();
  throw new Error(`no series has written ${applied} changes`);
}
