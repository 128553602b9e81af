/**
 * Desired state and store -> plan. PURE: no clock, no server, no file.
 *
 * A plan lists every difference between what the manifests compile to and what the store holds, with the writes
 * that end it, each guarded by what was seen. After it is applied the next plan is empty. It never touches a key
 * that it does not own, and it does not decide whether it may be applied: guards and blocked objects say so.
 */
import type { CompiledObject } from '../layout/compile.js';
import { type Layout, LayoutError } from '../layout/layout.js';
import { type Head, headCodec } from '../layout/records.js';
import type { ResourceId } from '../model/resource.js';
import type { Snapshot, StoreKey } from '../model/store.js';
import { orderChanges } from './change-order.js';
import { planDeletion } from './deletion.js';
import { findGuards } from './guards.js';
import { planObject } from './object-change.js';
import { entryOf, type PlanContext, planContext } from './plan-context.js';
import type { Plan, PlanBase } from './plan-types.js';
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
  const changes = orderChanges([...planned, ...listUnmanaged(context, planned)]);
  return {
    source,
    commit: version.commit,
    tree: version.tree,
    author: version.author,
    message: version.message,
    base: planBase(context),
    changes,
    guards: pruneApproved ? [] : findGuards(changes, context),
  };
}

function planBase(context: PlanContext): PlanBase {
  const { layout, snapshot, source } = context;
  const headKey = layout.keys.head(source);
  const headEntry = entryOf(context, headKey);
  return {
    revision: snapshot.revision,
    head: headEntry && readHead(headKey, headEntry.value),
    headEntry,
    readyEntry: entryOf(context, layout.keys.ready),
  };
}

/** An unreadable head counts as none: the next commit writes it anew. */
function readHead(key: StoreKey, value: string): Head | undefined {
  try {
    return headCodec.decode(key, value);
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}
