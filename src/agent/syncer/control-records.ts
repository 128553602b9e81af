/**
 * Reads the two records of a source that decide what an agent sees: `head` and `txn`. PURE.
 */
import type { Head } from '../../layout/records.js';
import type { Revision } from '../../model/store.js';

/** The head in a value; undefined when it is none, so that a status names no commit rather than a wrong one. */
export function parseHead(value: string): Head | undefined {
  const record = parseJson(value);
  return isHead(record) ? record : undefined;
}

/** The revision before the first transaction of a series. @throws {Error} when the record names none. */
export function parseTxnBase(key: string, value: string): Revision {
  const record = parseJson(value);
  const base = isObject(record) ? record.base : undefined;
  if (typeof base !== 'number' || !Number.isSafeInteger(base) || base < 1)
    throw new Error(`${key}: names no base revision; the value is ${value.slice(0, 80)}`);
  return base as Revision;
}

function isHead(record: unknown): record is Head {
  if (!isObject(record)) return false;
  const texts = [record.commit, record.tree, record.author, record.message, record.time];
  return Number.isSafeInteger(record.seq) && texts.every((text) => typeof text === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
