/**
 * Which pools change the way that their packets travel between hosts. To policy and to BGP that is nothing; workloads
 * notice it: what fits into a packet of theirs becomes less, and while hosts change one after the other some are lost.
 */
import { type Cidr, compareCidrs, familyOf } from '../../model/address.js';
import { ENCAPSULATION_OCTETS, encapsulationOf, type PoolEncapsulation } from '../../model/encapsulation.js';
import type { TopologyInput } from '../topology-input.js';

export interface OverlayChange {
  readonly pool: Cidr;
  /** null: packets travel as they are. */
  readonly before: PoolEncapsulation | null;
  readonly after: PoolEncapsulation | null;
  /** How much larger a packet becomes between hosts, in octets; negative: smaller. */
  readonly octets: number;
}

type Pools = Pick<TopologyInput, 'pools'>;

/** Of pools that are there before and after. Sorted. */
export function overlayChanges(before: Pools, after: Pools): readonly OverlayChange[] {
  const old = new Map([...before.pools.values()].map(({ spec }) => [spec.cidr, spec]));
  const changes = [...after.pools.values()].flatMap(({ spec }): OverlayChange[] => {
    const earlier = old.get(spec.cidr);
    if (!earlier) return [];
    const [was, is] = [encapsulationOf(earlier) ?? null, encapsulationOf(spec) ?? null];
    if (was?.encapsulation === is?.encapsulation && was?.isCrossSubnet === is?.isCrossSubnet) return [];
    return [
      { pool: spec.cidr, before: was, after: is, octets: octetsOf(spec.cidr, is) - octetsOf(spec.cidr, was) },
    ];
  });
  return changes.sort((a, b) => compareCidrs(a.pool, b.pool));
}

function octetsOf(pool: Cidr, mode: PoolEncapsulation | null): number {
  return mode === null ? 0 : ENCAPSULATION_OCTETS[mode.encapsulation][familyOf(pool)];
}

/** `192.168.0.0/16 goes through VXLAN between hosts: 50 octets more a packet, ...`. */
export function describeOverlay({ pool, before, after, octets }: OverlayChange): string {
  const way =
    after === null ? `without ${NAMES[before?.encapsulation ?? 'vxlan']}` : `through ${nameOf(after)}`;
  const room =
    octets > 0
      ? `: ${octets} octets more a packet, so workloads need an MTU that is smaller by that (1500 becomes ${1500 - octets})`
      : '';
  return `between hosts packets of ${pool} go ${way}${room}; some are lost while hosts change over`;
}

const NAMES = { vxlan: 'VXLAN', ipip: 'IP in IP' } as const;

function nameOf({ encapsulation, isCrossSubnet }: PoolEncapsulation): string {
  return `${NAMES[encapsulation]}${isCrossSubnet ? ' where they leave the subnet' : ''}`;
}
