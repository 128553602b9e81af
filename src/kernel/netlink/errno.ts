/**
 * Names of the kernel's error numbers, from the table that Node was built with (errno(3)).
 */
import { constants } from 'node:os';
import { NetlinkError } from './transport.js';

// EAGAIN and EWOULDBLOCK, EOPNOTSUPP and ENOTSUP are one number each: the first name listed wins.
const NAMES = new Map<number, string>();
for (const [name, errno] of Object.entries(constants.errno)) {
  if (!NAMES.has(errno)) NAMES.set(errno, name);
}

/** `EEXIST` of 17; a number without a name keeps the number. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** @param text what the kernel, or the caller, has to add to the bare number. */
export function netlinkError(errno: number, text?: string): NetlinkError {
  const code = errnoName(errno);
  return new NetlinkError(errno, code, text, text === undefined ? code : `${code}: ${text}`);
}
