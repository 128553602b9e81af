/**
 * What a plan does to BGP: the topology that the store holds, with the blocks of addresses that were given out at run
 * time, and the one that it would hold. PURE.
 */
import { projectPlan } from '../apply/project.js';
import { isWritten } from '../diff/exit-code.js';
import type { Guard, Plan } from '../diff/plan-types.js';
import { type BlockClaim, blockFrom, readBlockClaim } from '../layout/codecs/ipam-block.js';
import { type Layout, LayoutError } from '../layout/layout.js';
import type { Cidr } from '../model/address.js';
import type { IpamBlock } from '../model/ipam-block.js';
import type { Kind } from '../model/resource.js';
import type { Snapshot } from '../model/store.js';
import { type BgpImpact, bgpImpact } from '../topology/propagation/bgp-impact.js';
import { describeRoutes } from '../topology/propagation/describe-impact.js';
import { BGP_KINDS, topologyFrom } from '../topology/topology-from.js';
import type { TopologyInput } from '../topology/topology-input.js';
import { resourcesIn } from './stored-network.js';

/** undefined: the plan leaves BGP as it is. */
export function bgpImpactOf(plan: Plan, snapshot: Snapshot, layout: Layout): BgpImpact | undefined {
  const kinds: readonly Kind[] = BGP_KINDS;
  if (!plan.changes.some((change) => isWritten(change) && kinds.includes(change.kind))) return undefined;
  const after = projectPlan(snapshot, plan, layout);
  return bgpImpact(topologyOfSnapshot(snapshot, layout), topologyOfSnapshot(after, layout));
}

/**
 * A host that no longer knows the way to workloads of another is cut off from them, whatever policy says. What a router
 * outside may tell it instead is not for us to refuse.
 */
export function lostRoutesGuard({ routes }: BgpImpact, approve: string): readonly Guard[] {
  const { count } = routes.cutOff;
  if (count === 0) return [];
  const [first = ''] = describeRoutes(routes.cutOff);
  const more = count > 1 ? ` (${count} routes in all)` : '';
  const message = `hosts would lose ${first}${more}`;
  return [{ code: 'routes-lost', message, approve }];
}

export function topologyOfSnapshot(snapshot: Snapshot, layout: Layout): TopologyInput {
  return topologyFrom(resourcesIn(snapshot, layout, BGP_KINDS), blocksIn(snapshot, layout));
}

/** What cannot be read counts for nothing, as for agents. */
function blocksIn({ entries }: Snapshot, layout: Layout): readonly IpamBlock[] {
  const claims = new Map<Cidr, BlockClaim[]>();
  for (const [key, { value }] of entries) {
    const owner = layout.identify(key);
    if (owner?.type !== 'block' || owner.cidr === undefined) continue;
    try {
      const claim = readBlockClaim(owner, key, value);
      if (claim) claims.set(owner.cidr, [...(claims.get(owner.cidr) ?? []), claim]);
    } catch (error) {
      if (!(error instanceof LayoutError)) throw error;
    }
  }
  return [...claims].map(([cidr, all]) => blockFrom(cidr, all));
}
