/**
 * Reads the record of a source that says what an agent sees: `head`. PURE.
 */
import type { Head } from '../../layout/records.js';

/** The head in a value; undefined when it is none, so that a status names no commit rather than a wrong one. */
export function parseHead(value: string): Head | undefined {
  const record = parseJson(value);
  return isHead(record) ? record : undefined;
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
