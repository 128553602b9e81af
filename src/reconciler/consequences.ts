/**
 * What a plan leads to: who could then talk to whom, and whether the tests of the commit hold. PURE.
 *
 * Both are asked of whole networks: the base that the plan was made against, and that base with the plan applied.
 * Against the store these hold endpoints that were made at run time and policy that no source manages, so that what a
 * commit opens to them is seen; against another commit, or nothing, there are only manifests.
 */
import { projectPlan } from '../apply/project.js';
import { isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { Snapshot } from '../model/store.js';
import { runTests, type TestReport } from '../verify/connectivity-test.js';
import { networkFrom } from '../verify/network.js';
import { summarizeConnectivity } from '../verify/render/connectivity.js';
import { type ConnectivityDiff, diffConnectivity } from '../verify/semantic-diff.js';
import type { Desired } from './desired.js';
import { networksAround } from './stored-network.js';

export interface Consequences {
  readonly connectivity: ConnectivityDiff;
  readonly tests: TestReport;
}

export function consequencesOf(
  plan: Plan,
  snapshot: Snapshot,
  { tests, state }: Pick<Desired, 'tests' | 'state'>,
  layout: Layout,
): Consequences {
  const changes = plan.changes.some(isWritten);
  if (!changes && tests.length === 0) return { connectivity: UNCHANGED, tests: NO_TESTS };
  const projected = projectPlan(snapshot, plan, layout);
  const resources = networksAround(snapshot, projected, layout, { source: plan.source, state });
  const before = networkFrom(resources[0]);
  const after = networkFrom(resources[1], before);
  return {
    connectivity: changes ? diffConnectivity(before, after) : UNCHANGED,
    tests: tests.length === 0 ? NO_TESTS : runTests(after, tests),
  };
}

const UNCHANGED: ConnectivityDiff = { gained: [], lost: [] };
const NO_TESTS: TestReport = { passed: 0, failed: 0, results: [] };

const WIDENINGS_SHOWN = 3;

/** What the plan opens, for whoever has forbidden that; undefined when nothing. */
export function describeWidening({ gained }: ConnectivityDiff): string | undefined {
  if (gained.length === 0) return undefined;
  const shown = gained
    .slice(0, WIDENINGS_SHOWN)
    .map(({ from, to, connections }) => `${from.text} -> ${to.text} ${connections.join(', ')}`);
  const more = gained.length > shown.length ? [`and ${gained.length - shown.length} more`] : [];
  const count = summarizeConnectivity({ gained, lost: [] });
  return `--deny-widening forbids what this opens: ${[...shown, ...more].join('; ')} (${count}); to go on: leave the flag out`;
}
