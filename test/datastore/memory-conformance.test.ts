/**
 * The store in memory keeps what every Datastore promises, so that what is tested on it holds on etcd too.
 */
import test from 'ava';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { runConformance } from './conformance.js';

runConformance(test, 'memory', async () => {
  const due: (() => void)[] = [];
  const timer = (_ms: number, callback: () => void): (() => void) => {
    due.push(callback);
    return () => undefined;
  };
  const store = createMemoryDatastore({ timer });
  return {
    open: () => store.connect(),
    compact: async (at) => store.compact(at),
    expireLeases: async () => {
      for (const callback of due.splice(0)) callback();
    },
    close: () => store.close(),
  };
});
