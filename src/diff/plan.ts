/**
 * Desired state and store -> plan. PURE: no clock, no server, no file.
 *
 * A plan lists every difference between what the manifests compile to and what the store holds, with the writes
 * that end it, each guarded by what was seen. After it is applied the next plan is empty. It never touches a key
 * that it does not own, and it does not decide whether it may be applied: guards and blocked objects say so.
 */
import type { CompiledObject } from '../layout/compile.js';
import type { Layout } from '../layout/layout.js';
import type { ResourceId } from '../model/resource.js';
import type { Snapshot, StoreKey } from '../model/store.js';
import { orderChanges } from './change-order.js';
import { planDeletion } from './deletion.js';
import { findGuards } from './guards.js';
import { planObject } from './object-change.js';
import { planContext } from './plan-context.js';
import type { Change, Plan } from './plan-types.js';
import { listUnmanaged } from './unmanaged.js';

export interface PlanInput {
  /** Name of the source: the owner of everything that is written. */
  readonly source: string;
  readonly version: {
    readonly commit: string;
    readonly tree: string;
    readonly author: string;
    readonly message: string;
  };
  /** From `compileState`, without diagnostics: no two objects share a key. */
  readonly compiled: ReadonlyMap<ResourceId, CompiledObject>;
  /** Everything below `layout.prefix`. */
  readonly snapshot: Snapshot;
  readonly layout: Layout;
  /** Somebody has approved what the guards hold back. */
  readonly pruneApproved: boolean;
}

export function assemblePlan(input: PlanInput): Plan {
  const { source, version, compiled, pruneApproved } = input;
  const context = planContext({ ...input, commit: version.commit });
  const gone = [...context.ownership.owned.values()].filter(({ id }) => !compiled.has(id));
  const planned = [
    ...[...compiled.values()].flatMap((object) => planObject(object, context) ?? []),
    ...gone.map((owned) => planDeletion(owned, context)),
  ];
  const changes = deleteOnce(orderChanges([...planned, ...listUnmanaged(context, planned)]));
  return {
    source,
    commit: version.commit,
    tree: version.tree,
    author: version.author,
    message: version.message,
    base: context.base,
    changes,
    guards: pruneApproved ? [] : findGuards(changes, context),
  };
}

/**
 * In the middle of a series two records may list one key, which neither of their objects wants any more: the last
 * object in the order deletes it, so that it is listed for as long as it is there.
 */
function deleteOnce(changes: readonly Change[]): readonly Change[] {
  const deleters = new Map<StoreKey, Change>();
  for (const change of changes)
    for (const { write } of change.writes) if (write.op === 'delete') deleters.set(write.key, change);
  return changes.map((change) => {
    const left = ({ op, key }: { op: 'put' | 'delete'; key: string }): boolean =>
      op === 'delete' && deleters.get(key as StoreKey) !== change;
    if (!change.writes.some(({ write }) => left(write))) return change;
    return {
      ...change,
      keys: change.keys.filter((written) => !left(written)),
      writes: change.writes.filter(({ write }) => !left(write)),
    };
  });
}
