/** The syncer as an agent runs it: the real layout, a real etcd, and an etcd that dies in the middle of a commit. */
import test from 'ava';
import { createSyncer } from '../../../src/agent/syncer/create-syncer.js';
import type { SyncerMessage } from '../../../src/agent/syncer/update.js';
import { openEtcdDatastore } from '../../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import type { KeyValue, StoredId } from '../../../src/layout/layout.js';
import type { Resource } from '../../../src/model/resource.js';
import type { GuardedWrite, Revision, StoreKey } from '../../../src/model/store.js';
import { startEtcd } from '../../helpers/etcd.js';
import { until } from '../../helpers/until.js';
import { headValue, txnValue } from './helpers.js';

const layout = createLayout('/calico');
const head = layout.keys.head('git');
const txn = layout.keys.txn('git');

function profile(name: string, tag: string): readonly KeyValue[] {
  const metadata = { name, labels: {}, annotations: {} };
  const spec = { tags: [tag], ingress: [], egress: [{ action: 'Allow' as const }] };
  const origin = { file: 'profiles.yaml', line: 1, col: 1 };
  return layout.encode({ kind: 'Profile', metadata, spec, origin }, { pools: [] });
}

const put = (key: StoreKey, value: string): GuardedWrite => ({ write: { op: 'put', key, value } });
const all = (...pairs: readonly (readonly KeyValue[])[]): GuardedWrite[] =>
  pairs.flat().map(({ key, value }) => put(key, value));

test('whole commits reach the reader, from the start, through a crash of etcd and through a compaction', async (t) => {
  const etcd = await startEtcd();
  const store = openEtcdDatastore(etcd.options);
  const stop = new AbortController();
  t.teardown(async () => {
    stop.abort();
    await store.close();
    await etcd.close();
  });
  const write = async (...writes: readonly GuardedWrite[]): Promise<Revision> => {
    const result = await until(() => store.transact({ guards: [], writes }).catch(() => undefined));
    if (!result.ok) throw new Error('no compare was given');
    return result.revision;
  };
  await write(
    ...all(profile('web', 'one'), profile('db', 'one')),
    put(head, headValue(1)),
    put(layout.keys.ready, 'true'),
  );

  const objects = new Map<StoredId, Resource>();
  const messages: SyncerMessage[] = [];
  const tags = (): string =>
    [...objects.values()]
      .map(({ kind, spec }) => (kind === 'Profile' && 'tags' in spec ? spec.tags : '?'))
      .join(' ');
  const ended = (async () => {
    for await (const message of createSyncer(store, layout, { signal: stop.signal })) {
      messages.push(message);
      if (message.type !== 'batch') continue;
      for (const { id, resource } of message.updates) {
        if (resource) objects.set(id, resource);
        else objects.delete(id);
      }
    }
  })();
  await until(() => tags() === 'one one');
  t.like(messages[0], { type: 'batch', ready: true });

  const base = (await store.get(head)).revision;
  await write(put(txn, txnValue(base)), ...all(profile('web', 'two')));
  await etcd.kill();
  await etcd.start();
  await write(put(txn, txnValue(base, 2)), ...all(profile('app', 'two')));
  await until(() => messages.some(({ type }) => type === 'resumed'));
  const whole = await write(
    { write: { op: 'delete', key: txn } },
    put(head, headValue(2)),
    ...all(profile('db', 'two')),
  );
  await until(() => tags() === 'two two two');
  const batches = messages.filter((message) => message.type === 'batch');
  t.is(batches.length, 2, 'the second commit is one batch');
  t.is(batches[1]?.revision, whole);
  t.is(batches[1]?.heads.get('git')?.seq, 2);

  await etcd.kill();
  await etcd.start();
  const last = await write(...all(profile('web', 'three'), profile('db', 'three'), profile('app', 'three')));
  await etcd.ctl('compaction', String(last));
  await until(() => tags() === 'three three three');
  stop.abort();
  await ended;
});
