/**
 * Planning, with what people have approved.
 *
 * Guards give way to a flag, or to a trailer in the message of any commit between the live one (exclusive) and
 * the planned one: who approves need not be the last to push. History is only asked for when a guard stands in
 * the way; if it cannot be read, nothing is approved.
 */
import { hasPruneTrailer } from '../diff/guards.js';
import { assemblePlan, type PlanInput } from '../diff/plan.js';
import type { Plan } from '../diff/plan-types.js';
import { type Source, SourceError } from '../loader/sources/source.js';

export async function planWithApproval(input: PlanInput, source: Source, signal: AbortSignal): Promise<Plan> {
  const pruneApproved = input.pruneApproved || hasPruneTrailer(input.version.message);
  const plan = assemblePlan({ ...input, pruneApproved });
  if (plan.guards.length === 0) return plan;
  const messages = await messagesSinceLive(plan, source, signal);
  return messages.some(hasPruneTrailer) ? { ...plan, guards: [] } : plan;
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
