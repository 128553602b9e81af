/** A store in memory, and the whole way from resources to a plan and into it. */
import { applyPlan } from '../../src/apply/apply.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { assemblePlan } from '../../src/diff/plan.js';
import type { Plan } from '../../src/diff/plan-types.js';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { idOf, type Resource } from '../../src/model/resource.js';
import type { StoreKey } from '../../src/model/store.js';

export const LAYOUT = createLayout();

export interface PlanOptions {
  readonly source?: string;
  readonly commit?: string;
  readonly pruneApproved?: boolean;
}

export class TestStore {
  readonly store = createMemoryDatastore();

  async plan(resources: readonly Resource[], options: PlanOptions = {}): Promise<Plan> {
    const { source = 'default', commit = 'c1', pruneApproved = false } = options;
    const desired = new Map(resources.map((resource) => [idOf(resource), resource]));
    const { objects, diagnostics } = compileState(desired, LAYOUT);
    const [problem] = diagnostics;
    if (problem) throw new TypeError(problem.message);
    return assemblePlan({
      source,
      version: { commit, tree: `tree of ${commit}`, author: 'Ada', message: 'm' },
      compiled: objects,
      snapshot: await this.store.snapshot(LAYOUT.prefix),
      layout: LAYOUT,
      pruneApproved,
    });
  }

  /** Plans and applies. */
  async apply(resources: readonly Resource[], options: PlanOptions = {}): Promise<Plan> {
    const plan = await this.plan(resources, options);
    const result = await applyPlan(this.store, plan, { layout: LAYOUT, now: '2026-11-22T10:00:00Z' });
    if (result.status !== 'applied' && result.status !== 'unchanged')
      throw new TypeError(`not applied: ${JSON.stringify(result)} ${JSON.stringify(plan.changes)}`);
    return plan;
  }

  async put(key: string, value: string): Promise<void> {
    await this.store.transact({
      guards: [],
      writes: [{ write: { op: 'put', key: key as StoreKey, value } }],
    });
  }

  async remove(key: string): Promise<void> {
    await this.store.transact({ guards: [], writes: [{ write: { op: 'delete', key: key as StoreKey } }] });
  }

  async value(key: string): Promise<string | undefined> {
    return (await this.store.get(key as StoreKey)).entry?.value;
  }

  /** What the store holds of the network, heddle's own records left out. */
  async network(): Promise<Record<string, string>> {
    const { entries } = await this.store.snapshot(LAYOUT.prefix);
    return Object.fromEntries(
      [...entries]
        .filter(([key]) => !key.startsWith('/calico/heddle/v1/') && key !== LAYOUT.keys.ready)
        .map(([key, entry]) => [key, entry.value]),
    );
  }
}

/** `create Profile/web`, in the order of the plan. */
export function titles(plan: Plan): string[] {
  return plan.changes.map(({ action, kind, name }) => `${action} ${kind}/${name}`);
}
