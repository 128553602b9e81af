/** Stores that refuse, fail or die: what stands between a reconciler and a store that never does. */
import { type Datastore, DatastoreError } from '../../src/datastore/datastore.js';
import type { Transaction } from '../../src/model/store.js';

export type Method = 'get' | 'snapshot' | 'transact' | 'grantLease' | 'watch';

/** Called around each call, which are numbered from 0; what it throws, the caller gets. */
export type Interceptor = (method: Method, call: number, moment: 'before' | 'after') => void | Promise<void>;

export function intercept(store: Datastore, interceptor: Interceptor): Datastore {
  let calls = 0;
  const wrap =
    <A extends unknown[], R>(method: Method, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const call = calls++;
      await interceptor(method, call, 'before');
      const result = await run(...args);
      await interceptor(method, call, 'after');
      return result;
    };
  return {
    get: wrap('get', store.get.bind(store)),
    snapshot: wrap('snapshot', store.snapshot.bind(store)),
    transact: wrap('transact', store.transact.bind(store)),
    grantLease: wrap('grantLease', store.grantLease.bind(store)),
    async *watch(prefix, options) {
      const call = calls++;
      await interceptor('watch', call, 'before');
      await interceptor('watch', call, 'after');
      yield* store.watch(prefix, options);
    },
    close: store.close.bind(store),
    [Symbol.asyncDispose]: store.close.bind(store),
  };
}

/** A server that is set to take so many writes at once (`etcd --max-txn-ops`). */
export function smallTransactions(store: Datastore, maxWrites: number): Datastore {
  const refusing = intercept(store, () => undefined);
  return {
    ...refusing,
    transact: async (transaction: Transaction) => {
      if (transaction.writes.length <= maxWrites) return refusing.transact(transaction);
      throw new DatastoreError('too-large', `${transaction.writes.length} writes, at most ${maxWrites}`);
    },
  };
}

/** Lets the n-th call fail (from 0), before its effect or after; `onFault` may make it worse. */
export function failNth(
  store: Datastore,
  nth: number,
  timing: 'before' | 'after',
  onFault: () => void | Promise<void> = () => undefined,
): { readonly store: Datastore; readonly failed: () => boolean } {
  let failed = false;
  const intercepted = intercept(store, async (method, call, moment) => {
    if (call !== nth || moment !== timing) return;
    failed = true;
    await onFault();
    throw new DatastoreError('unavailable', `call ${nth} (${method}) fails ${timing} its effect`);
  });
  return { store: intercepted, failed: () => failed };
}
