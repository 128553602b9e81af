import type { StoreKey } from '../model/store.js';
import { LayoutError } from './layout.js';
import type { RecordCodec } from './records.js';

/** A record for a report; undefined when somebody spoiled it, which then costs one line and not the report. */
export function readRecord<T>(codec: RecordCodec<T>, key: StoreKey, value: string): T | undefined {
  try {
    return codec.decode(key, value);
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}
