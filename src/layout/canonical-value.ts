/**
 * Values compared by what they mean.
 *
 * Go, Python and heddle write the members of one JSON object in different orders and with different blanks. Two
 * values are the same when their canonical texts are: JSON objects and lists with sorted members and no blanks,
 * anything else (raw strings, numbers such as an AS number) as it is, byte by byte.
 */
import { createHash } from 'node:crypto';

/** The canonical text of a value in the store. */
export function canonicalValue(value: string): string {
  // Only what looks like an object or a list: `64512` and `true` are raw strings in v1.
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return canonicalJson(JSON.parse(value));
  } catch {
    // No JSON, or nested deeper than the stack: such a value equals only itself.
    return value;
  }
}

/** JSON with members sorted by name, all the way down; undefined members are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** First 16 hexadecimal digits of the SHA-256 of the canonical value. */
export function valueHash(value: string): string {
  return createHash('sha256').update(canonicalValue(value)).digest('hex').slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]): [string, unknown] => [name, sorted(member)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
