/**
 * Planning, with what people have approved.
 *
 * Guards give way to a flag, or to a trailer in the message of any commit between the live one (exclusive) and
 * the planned one: who approves need not be the last to push. History is only asked for when a guard stands in
 * the way; if it cannot be read, nothing is approved. Without a source no message counts.
 */
import { APPROVE, hasPruneTrailer } from '../diff/guards.js';
import { assemblePlan, type PlanInput } from '../diff/plan.js';
import type { Plan } from '../diff/plan-types.js';
import { type Source, SourceError } from '../loader/sources/source.js';
import type { BgpImpact } from '../topology/propagation/bgp-impact.js';
import { bgpImpactOf, lostRoutesGuard } from './stored-topology.js';

export interface ApprovedPlan {
  readonly plan: Plan;
  /** undefined: the plan leaves BGP as it is. */
  readonly bgp: BgpImpact | undefined;
}

export async function planWithApproval(
  input: PlanInput,
  source: Source | undefined,
  signal: AbortSignal,
): Promise<ApprovedPlan> {
  const approvesItself = source !== undefined && hasPruneTrailer(input.version.message);
  const pruneApproved = input.pruneApproved || approvesItself;
  const assembled = assemblePlan({ ...input, pruneApproved });
  const bgp = bgpImpactOf(assembled, input.snapshot, input.layout);
  const lostRoutes = bgp && !pruneApproved ? lostRoutesGuard(bgp, APPROVE) : [];
  const plan = { ...assembled, guards: [...assembled.guards, ...lostRoutes] };
  if (plan.guards.length === 0 || !source) return { plan, bgp };
  const messages = await messagesSinceLive(plan, source, signal);
  return { plan: messages.some(hasPruneTrailer) ? { ...plan, guards: [] } : plan, bgp };
}

async function messagesSinceLive(
  plan: Plan,
  source: Source,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const live = plan.base.head?.commit;
  if (live === undefined || !source.messages) return [];
  try {
    return await source.messages(signal, live, plan.commit);
  } catch (error) {
    if (error instanceof SourceError || signal.aborted) return [];
    throw error;
  }
}
