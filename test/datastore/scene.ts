/** One etcd, a link to it that can be broken, and two clients: one behind the link and one beside it. */
import type { ExecutionContext } from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import type { EtcdOptions, EtcdTuning } from '../../src/datastore/etcd/connection.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { startEtcd, type TestEtcd, type TestEtcdOptions } from '../helpers/etcd.js';
import { BreakableLink } from './breakable-link.js';

export interface Scene {
  readonly etcd: TestEtcd;
  /** A client that talks to etcd through the link. */
  readonly store: Datastore;
  readonly link: BreakableLink;
  /** A client with a connection of its own. */
  readonly other: Datastore;
}

export interface SceneOptions extends TestEtcdOptions {
  readonly tuning?: Partial<EtcdTuning>;
}

/** A test that gets an etcd of its own. */
export function withEtcd(
  options: SceneOptions,
  run: (t: ExecutionContext, scene: Scene) => Promise<void>,
): (t: ExecutionContext) => Promise<void> {
  return async (t) => {
    const etcd = await startEtcd(options);
    const link = await BreakableLink.to(etcd.endpoint);
    const behind: EtcdOptions = { ...etcd.options, endpoints: [link.endpoint], tuning: options.tuning ?? {} };
    const store = openEtcdDatastore(behind);
    const other = openEtcdDatastore(etcd.options);
    t.teardown(async () => {
      await Promise.all([store.close(), other.close()]);
      await link.close();
      await etcd.close();
    });
    await run(t, { etcd, store, link, other });
  };
}
