/** A process that fills a store: `fill-store.js ETCD ENDPOINTS`. */
import { argv } from 'node:process';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { fill } from './store-network.js';

const [endpoint = '', endpoints] = argv.slice(2);
await using store = openEtcdDatastore({ endpoints: [endpoint] });
await fill(store, Number(endpoints));
