/** A real etcd keeps what every Datastore promises, read in pages that are small enough to show. */
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { startEtcd } from '../helpers/etcd.js';
import { runConformance } from './conformance.js';

const shared = startEtcd();
test.after.always(async () => (await shared).close());

// Pages of seven, so that every snapshot of these tests has a few. The largest transaction takes a busy machine a while.
runConformance(test, 'etcd', async ({ isolated }) => {
  const etcd = isolated ? await startEtcd() : await shared;
  return {
    open: () => openEtcdDatastore({ ...etcd.options, tuning: { pageSize: 7, callTimeoutMs: 60_000 } }),
    compact: async (at) => void (await etcd.ctl('compaction', String(at))),
    expireLeases: async () => undefined,
    close: async () => (isolated ? etcd.close() : undefined),
  };
});
