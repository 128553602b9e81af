/**
 * Names of the kernel's error numbers, from the table that Node was built with (errno(3)).
 */
import { constants } from 'node:os';
import { NetlinkError } from './transport.js';

// The C library has second names for two numbers; the kernel's own are EAGAIN and EOPNOTSUPP.
const ALIASES = new Set(['EWOULDBLOCK', 'ENOTSUP']);
const NAMES = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !ALIASES.has(name))
    .map(([name, errno]) => [errno, name]),
);

/** `EEXIST` of 17; a number without a name keeps the number. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** @param text what the kernel, or the caller, has to add to the bare number. */
export function netlinkError(errno: number, text?: string): NetlinkError {
  const code = errnoName(errno);
  return new NetlinkError(errno, code, text, text === undefined ? code : `${code}: ${text}`);
}
