/**
 * Makes a view hold exactly these values; those that stay are not written again.
 */
import type { DesiredView } from '../../../model/delta-tracker.js';

export function syncView<K, V>(
  view: DesiredView<K, V>,
  wanted: ReadonlyMap<K, V>,
  isSame: (a: V, b: V) => boolean,
): void {
  for (const key of [...view.keys()]) if (!wanted.has(key)) view.delete(key);
  for (const [key, value] of wanted) {
    const present = view.get(key);
    if (present === undefined || !isSame(present, value)) view.set(key, value);
  }
}
