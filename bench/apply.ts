/**
 * A commit of new endpoints, each with its address and its inventory record, to a real etcd: three keys an object.
 *
 * The yardstick writes the same keys and values in flat transactions of 128, etcd's default, one after the other,
 * without any compare: so half a commit would be seen, and two writers would not notice each other.
 */
import { Etcd3 } from 'etcd3';
import { applyPlan } from '../src/apply/apply.js';
import { planTransaction } from '../src/apply/transaction.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { assemblePlan } from '../src/diff/plan.js';
import type { Plan } from '../src/diff/plan-types.js';
import { compileState } from '../src/layout/compile.js';
import { idOf } from '../src/model/resource.js';
import type { Snapshot, WriteOp } from '../src/model/store.js';
import { cidr, resource } from '../test/helpers/build-resources.js';
import { startEtcd, type TestEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import type { Row } from './row.js';
import { layout, network } from './store-network.js';

const FLAT = 128;
const OPTIONS = { layout, now: '2026-11-22T10:00:00Z' };

export const apply: Row = {
  name: 'apply',
  work: 'write a commit of this many new endpoints',
  sizes: [1_000, 10_000, 100_000],
  contenders: [
    {
      name: 'heddle',
      prepare: (size) =>
        onEtcd(async (etcd) => {
          const store = openEtcdDatastore(etcd.options);
          const plan = planOf(size, await store.snapshot(layout.prefix));
          return async () => {
            const { status } = await applyPlan(store, plan, OPTIONS);
            if (status !== 'applied') throw new Error(`The commit was not applied: ${status}`);
            await store.close();
          };
        }),
    },
    {
      name: 'flat transactions, raw',
      prepare: (size) =>
        onEtcd(async (etcd) => {
          const client = new Etcd3({ hosts: etcd.endpoint });
          const plan = planOf(size, { revision: 0 as Snapshot['revision'], entries: new Map() });
          const writes = (planTransaction(plan, OPTIONS)?.writes ?? []).map(({ write }) => write);
          return async () => {
            for (let first = 0; first < writes.length; first += FLAT)
              await client.kv.txn({ success: writes.slice(first, first + FLAT).map(putOf) });
            client.close();
          };
        }),
    },
  ],
};

async function onEtcd(prepare: (etcd: TestEtcd) => Promise<() => Promise<void>>) {
  await bringUpLoopback();
  const etcd = await startEtcd();
  const work = await prepare(etcd);
  return { work, dispose: () => etcd.close() };
}

function planOf(endpoints: number, snapshot: Snapshot): Plan {
  const options = {
    natOutgoing: false,
    disabled: false,
    disableBGPExport: false,
    ipipMode: 'Never',
    vxlanMode: 'Never',
  } as const;
  const pool = resource('IPPool', 'all', { cidr: cidr('10.0.0.0/8'), ...options });
  const desired = new Map([pool, ...network(endpoints)].map((object) => [idOf(object), object]));
  const { objects, diagnostics } = compileState(desired, layout);
  const [problem] = diagnostics;
  if (problem) throw new Error(problem.message);
  const version = { commit: 'c1', tree: 't1', author: 'Ada', message: 'm' };
  return assemblePlan({
    source: 'default',
    version,
    compiled: objects,
    snapshot,
    layout,
    pruneApproved: false,
  });
}

function putOf(write: WriteOp) {
  if (write.op !== 'put') throw new Error('A first commit deletes nothing');
  return { request_put: { key: Buffer.from(write.key), value: Buffer.from(write.value) } };
}
