/**
 * How packets of a pool travel between hosts: as they are, or inside others; and by what such a packet is told from the
 * rest (PURE).
 *
 * A pool has one encapsulation at most. VXLAN (RFC 7348) carries both families, IP in IP (RFC 2003) IPv4 only; the loader
 * refuses what cannot be, and what stands in a store all the same is read like this everywhere. Whoever takes a packet out
 * of another takes the sender's word for the inner source. So those who make tunnels, those who close them to strangers
 * and those who say what passes must mean the same packets: these.
 */
import { familyOf, IP_FAMILIES, type IpFamily } from './address.js';
import type { SpecOf } from './resource.js';
import { PROTOCOL_NUMBERS } from './rule.js';

export const ENCAPSULATIONS = ['vxlan', 'ipip'] as const;
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

export interface PoolEncapsulation {
  readonly encapsulation: Encapsulation;
  /** Only what leaves the subnet of its host. */
  readonly isCrossSubnet: boolean;
}

export type PoolModes = Pick<SpecOf<'IPPool'>, 'cidr' | 'vxlanMode' | 'ipipMode'>;

/** undefined: packets travel as they are. */
export function encapsulationOf({ cidr, vxlanMode, ipipMode }: PoolModes): PoolEncapsulation | undefined {
  if (vxlanMode !== 'Never') return { encapsulation: 'vxlan', isCrossSubnet: vxlanMode === 'CrossSubnet' };
  if (ipipMode === 'Never' || familyOf(cidr) === 6) return undefined;
  return { encapsulation: 'ipip', isCrossSubnet: ipipMode === 'CrossSubnet' };
}

/** What an outer packet is known by, between hosts of any family. */
export interface OuterHeader {
  /** IANA protocol number. */
  readonly protocol: number;
  /** Of the destination, in protocols that have ports. */
  readonly port?: number;
}

/** RFC 7348 section 5, RFC 2003 section 3. */
export const OUTER_HEADERS: Readonly<Record<Encapsulation, OuterHeader>> = {
  vxlan: { protocol: PROTOCOL_NUMBERS.UDP, port: 4789 },
  ipip: { protocol: 4 },
};

/**
 * How much of a packet it takes, in octets, by the family of the outer one: RFC 7348 section 5 (outer IP, UDP, VXLAN and
 * inner Ethernet headers), RFC 2003. IP in IP is IPv4 only.
 */
export const ENCAPSULATION_OCTETS: Readonly<Record<Encapsulation, Readonly<Record<IpFamily, number>>>> = {
  vxlan: { 4: 50, 6: 70 },
  ipip: { 4: 20, 6: 0 },
};

/** By the family of the outer packet, in the order of ENCAPSULATIONS. */
export type EncapsulationsInUse = Readonly<Record<IpFamily, readonly Encapsulation[]>>;

export const NO_ENCAPSULATIONS: EncapsulationsInUse = { 4: [], 6: [] };

/** A pool is carried between hosts in packets of its own family. */
export function encapsulationsOf(pools: Iterable<PoolModes>): EncapsulationsInUse {
  const all = [...pools];
  const inFamily = (family: IpFamily): readonly Encapsulation[] => {
    const own = new Set(
      all.filter(({ cidr }) => familyOf(cidr) === family).map((pool) => encapsulationOf(pool)?.encapsulation),
    );
    return ENCAPSULATIONS.filter((encapsulation) => own.has(encapsulation));
  };
  return { 4: inFamily(4), 6: inFamily(6) };
}

export function isAnyInUse(inUse: EncapsulationsInUse): boolean {
  return IP_FAMILIES.some((family) => inUse[family].length > 0);
}
