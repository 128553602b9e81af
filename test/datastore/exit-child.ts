/** Uses everything of a Datastore, closes it, and leaves the rest to Node: run as a process by exit.test.ts. */
import { once } from 'node:events';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { put, revision, WatchLog, write } from './helpers.js';

const [endpoint = '', login] = process.argv.slice(2);
const store = openEtcdDatastore({
  endpoints: [endpoint],
  ...(login !== undefined && { user: login, password: login }),
});
const at = await write(store, put('/w/a', '1'));
const log = new WatchLog(store, '/w/', revision(at));
await log.reached(at);
const lease = await store.grantLease(60);
const aborted = once(lease.lost, 'abort');
const watching = new AbortController();
const iterator = store
  .watch('/w/', { from: revision(at + 1), signal: watching.signal })
  [Symbol.asyncIterator]();
const pending = iterator.next();
watching.abort();
await pending;
for await (const message of store.watch('/w/', { from: at, signal: new AbortController().signal }))
  if (message.type === 'events') break;
await store.close();
await aborted;
await log.ended;
