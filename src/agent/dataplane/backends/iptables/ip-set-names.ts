/**
 * The kernel's names of our sets: `cali40s:5y5I3VdRZfDU01O--xXAPx2`.
 *
 * `cali4` or `cali6` marks a set as ours (law 4), a digit says which generation it is, then comes as much of the id
 * as fits into 31 characters: 25 of them, of which 23 are hash. Sets that earlier versions of Felix left begin with
 * `felix-`.
 */
import type { IpFamily } from '../../../../model/address.js';
import type { IpSetId } from '../../../calc/updates.js';

const MAX_LENGTH = 31;

export const GENERATIONS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
export type Generation = (typeof GENERATIONS)[number];

export function ipSetName(family: IpFamily, generation: Generation, id: IpSetId): string {
  return `cali${family}${generation}${id}`.slice(0, MAX_LENGTH);
}

/** @param setFamily - of the set itself; sets without one count as IPv4. */
export function isOurSet(name: string, family: IpFamily, setFamily: IpFamily | undefined): boolean {
  if (name.startsWith('felix-')) return (setFamily ?? 4) === family;
  return name.startsWith(`cali${family}`);
}
