/** Three members: the leader dies, a member is cut off from the others, members answer in turn. */
import test, { type ExecutionContext } from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import type { Revision } from '../../src/model/store.js';
import { leaderOf, startEtcdCluster, type TestEtcd } from '../helpers/etcd.js';
import { until } from '../helpers/until.js';
import { key, put, revision, unchanged, WatchLog, write, writeEventually } from './helpers.js';

// Elections in a fraction of a second.
const QUICK = ['--heartbeat-interval', '20', '--election-timeout', '200'];

async function startThree(t: ExecutionContext, flags: readonly string[]): Promise<readonly TestEtcd[]> {
  const members = await startEtcdCluster(3, { flags });
  t.teardown(() => Promise.all(members.map((member) => member.close())));
  return members;
}

test('leaders die under load: no acknowledged update is lost or delivered twice', async (t) => {
  const members = await startThree(t, QUICK);
  const endpoints = members.map((member) => member.endpoint);
  const store = openEtcdDatastore({ endpoints });
  t.teardown(() => store.close());
  const start = await writeEventually(store, put('/w/counter', '0'));
  const log = new WatchLog(store, '/w/', revision(start + 1));
  const acknowledged: Revision[] = [];
  let counting = true;
  const counter = (async () => {
    while (counting) {
      const read = await store.get(key('/w/counter')).catch(() => undefined);
      if (read?.entry === undefined) continue;
      const guarded = put(
        '/w/counter',
        `${Number(read.entry.value) + 1}`,
        unchanged('/w/counter', read.entry.modRevision),
      );
      const result = await store.transact({ guards: [], writes: [guarded] }).catch(() => undefined);
      if (result?.ok) acknowledged.push(result.revision);
    }
  })();
  for (let round = 1; round <= 2; round++) {
    await until(() => acknowledged.length > round * 100, {
      what: 'the counter to get on',
      timeoutMs: 30_000,
    });
    const leader = await leaderOf(members);
    await leader.kill();
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 50, { what: 'a new leader', timeoutMs: 30_000 });
    await leader.start();
  }
  counting = false;
  await counter;
  await log.reached(await writeEventually(store, put('/w/end', '')));
  await log.stop();
  const values = log.lines
    .filter((line) => line.includes('/w/counter'))
    .map((line) => Number(line.split(' ')[3]));
  t.deepEqual(
    values,
    values.map((_, index) => index + 1),
    'each step once, in order',
  );
  const delivered = new Set(log.revisions.map((message) => message.revision));
  t.true(acknowledged.every((at) => delivered.has(at)));
  t.false(log.messages.some(({ type }) => type === 'gap'));
});

test('with one of three members down, no write fails', async (t) => {
  // With its own times: an election for nothing, on a busy machine, would be a moment without a leader.
  const members = await startThree(t, []);
  const store = openEtcdDatastore({ endpoints: members.map((member) => member.endpoint) });
  t.teardown(() => store.close());
  const leader = await leaderOf(members);
  const follower = members.find((member) => member !== leader);
  await follower?.kill();
  for (let count = 0; count < 50; count++) await t.notThrowsAsync(write(store, put('/w/a', String(count))));
  const log = new WatchLog(store, '/w/', revision(2));
  await until(() => log.lines.length === 50, { what: 'a watch through a member that is there' });
  await log.stop();
});

test('a member without a quorum does not keep a watch silent', async (t) => {
  const [first, second, third] = await startThree(t, QUICK);
  if (!first || !second || !third) throw new Error('three members were started');
  const store = openEtcdDatastore({ endpoints: [first.endpoint] });
  t.teardown(() => store.close());
  const log = new WatchLog(store, '/w/', revision(2));
  await log.reached(await write(store, put('/w/a', '1')));
  await Promise.all([second.kill(), third.kill()]);
  await log.heard('interrupted');
  await Promise.all([second.start(), third.start()]);
  await log.reached(await writeEventually(store, put('/w/a', '2')));
  t.is(new Set(log.lines).size, log.lines.length);
  await log.stop();
});
