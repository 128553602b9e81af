/**
 * A process that changes a thousand endpoints of other hosts a second, each at a revision of its own, until it is
 * ended: `churn-writer.js ETCD ENDPOINTS`.
 */
import { argv, exit } from 'node:process';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { endpoint, layout } from './store-network.js';

const PER_TICK = 10;
const TICK_MS = 10;
/** A server that cannot keep up is not asked for more. */
const MAX_IN_FLIGHT = 500;

const [etcd = '', endpoints] = argv.slice(2);
const store = openEtcdDatastore({ endpoints: [etcd] });
const started = performance.now();
let written = 0;
let inFlight = 0;

process.once('disconnect', () => exit(0));
setInterval(() => {
  const due = (Math.floor((performance.now() - started) / TICK_MS) + 1) * PER_TICK;
  for (; written < due && inFlight < MAX_IN_FLIGHT; written += 1) {
    const number = 100 + ((written * 7) % (Number(endpoints) - 100));
    const [entry] = layout.encode(endpoint(number, 1 + written), { pools: [] });
    if (!entry) throw new Error('An endpoint has no key');
    const write = { op: 'put', key: entry.key, value: entry.value } as const;
    inFlight += 1;
    void store.transact({ guards: [], writes: [{ write }] }).finally(() => {
      inFlight -= 1;
    });
  }
}, TICK_MS);
