/**
 * Faults of single values, as several checks report them.
 */
import { type Address, isMulticast } from '../../model/address.js';
import type { FieldPath } from '../locate.js';
import type { Fault } from '../report.js';

/** An error of a value that breaks a rule. */
export function invalid(path: FieldPath, value: unknown, message: string, hint: string): Fault {
  return { code: 'invalid-value', path, value, message, hint };
}

/** A fault for an address that no machine can have as its own. */
export function checkUnicast(address: Address, path: FieldPath): Fault[] {
  const reason = unusable(address);
  return reason ? [invalid(path, address, `${address} is ${reason}`, 'Write a unicast address')] : [];
}

/** Why no host and no workload can have the address; undefined: it can. */
function unusable(address: Address): string | undefined {
  if (isMulticast(address)) return 'a multicast address';
  if (address === '0.0.0.0' || address === '::') return 'the unspecified address';
  if (address.startsWith('127.') || address === '::1') return 'a loopback address';
  return address === '255.255.255.255' ? 'the broadcast address' : undefined;
}
