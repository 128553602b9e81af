/**
 * Views of desired state in other shapes: managers want chains, whatever a driver keeps of them.
 */
import type { DesiredView } from '../../../model/delta-tracker.js';

/** A view of `inner` in which values go in and come out as another type. */
export function mapView<K, V, S>(
  inner: DesiredView<K, S>,
  toStored: (key: K, value: V) => S,
  fromStored: (stored: S) => V,
): DesiredView<K, V> {
  return {
    set: (key, value) => inner.set(key, toStored(key, value)),
    delete: (key) => inner.delete(key),
    get: (key) => {
      const stored = inner.get(key);
      return stored === undefined ? undefined : fromStored(stored);
    },
    has: (key) => inner.has(key),
    keys: () => inner.keys(),
    *entries() {
      for (const [key, stored] of inner.entries()) yield [key, fromStored(stored)];
    },
    get size() {
      return inner.size;
    },
  };
}

/** One view of several, of which each key belongs to one. */
export function joinViews<K, V>(
  views: readonly DesiredView<K, V>[],
  viewOf: (key: K) => DesiredView<K, V>,
): DesiredView<K, V> {
  return {
    set: (key, value) => viewOf(key).set(key, value),
    delete: (key) => viewOf(key).delete(key),
    get: (key) => viewOf(key).get(key),
    has: (key) => viewOf(key).has(key),
    *keys() {
      for (const view of views) yield* view.keys();
    },
    *entries() {
      for (const view of views) yield* view.entries();
    },
    get size() {
      return views.reduce((sum, view) => sum + view.size, 0);
    },
  };
}
