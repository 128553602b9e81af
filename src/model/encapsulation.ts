/**
 * How packets of a pool travel between hosts: as they are, or inside others (PURE).
 *
 * A pool has one encapsulation at most. VXLAN (RFC 7348) carries both families, IP in IP (RFC 2003) IPv4 only; the loader
 * refuses what cannot be, and what stands in a store all the same is read like this everywhere.
 */
import { familyOf } from './address.js';
import type { SpecOf } from './resource.js';

export const ENCAPSULATIONS = ['vxlan', 'ipip'] as const;
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

export interface PoolEncapsulation {
  readonly encapsulation: Encapsulation;
  /** Only what leaves the subnet of its host. */
  readonly isCrossSubnet: boolean;
}

/** undefined: packets travel as they are. */
export function encapsulationOf({
  cidr,
  vxlanMode,
  ipipMode,
}: Pick<SpecOf<'IPPool'>, 'cidr' | 'vxlanMode' | 'ipipMode'>): PoolEncapsulation | undefined {
  if (vxlanMode !== 'Never') return { encapsulation: 'vxlan', isCrossSubnet: vxlanMode === 'CrossSubnet' };
  if (ipipMode === 'Never' || familyOf(cidr) === 6) return undefined;
  return { encapsulation: 'ipip', isCrossSubnet: ipipMode === 'CrossSubnet' };
}
