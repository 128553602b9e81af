/**
 * One desired state for two managers, each of which sees only its own: where both want the same key, the first is
 * granted, and the second as soon as the first has none.
 *
 * So a workload that is here wins over what an overlay says of its address, and neither manager knows of the other.
 */
import type { DesiredView } from '../../../model/delta-tracker.js';

export function shareView<K, V>(
  view: DesiredView<K, V>,
): {
  readonly first: DesiredView<K, V>;
  readonly second: DesiredView<K, V>;
} {
  const wanted = { first: new Map<K, V>(), second: new Map<K, V>() };
  const grant = (key: K): void => {
    const granted = wanted.first.get(key) ?? wanted.second.get(key);
    if (granted === undefined) view.delete(key);
    else view.set(key, granted);
  };
  return { first: viewOf(wanted.first, grant), second: viewOf(wanted.second, grant) };
}

function viewOf<K, V>(own: Map<K, V>, onChange: (key: K) => void): DesiredView<K, V> {
  return {
    set(key, value) {
      own.set(key, value);
      onChange(key);
    },
    delete(key) {
      if (own.delete(key)) onChange(key);
    },
    get: (key) => own.get(key),
    has: (key) => own.has(key),
    keys: () => own.keys(),
    entries: () => own.entries(),
    get size() {
      return own.size;
    },
  };
}
