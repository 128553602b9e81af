/** Records of our own (head, inventory, history, ...) in a store that others can write to as well. */
import type { StoreKey } from '../model/store.js';
import { LayoutError } from './layout.js';
import type { RecordCodec } from './records.js';

/** A record of the store; undefined when somebody spoiled it: the caller goes on without what it said. */
export function readRecord<T>(codec: RecordCodec<T>, key: StoreKey, value: string): T | undefined {
  try {
    return codec.decode(key, value);
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}
