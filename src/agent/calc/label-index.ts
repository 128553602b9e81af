/**
 * Which selectors pick which items, kept up to date as either changes.
 *
 * A change must cost what it affects. So selectors are filed under a label that all their matches have, with its
 * values where they are known (`role == 'db' && has(zone)` under role=db), and items under each of their labels;
 * only candidates found there are evaluated. A selector without such a label, `all()` or `role != 'db'`, is a
 * candidate for every item: it usually picks most of them anyway.
 *
 * Matches that start are reported before those that stop, so that what is still in use is never let go in between.
 */

import type { SelectorNode } from '../../model/selector/ast.js';
import { type Labels, labelRestrictions, matchesSelector } from '../../model/selector/evaluate.js';
import { MultiMap } from './multi-map.js';

export interface MatchListener<S, I> {
  onMatchStarted(selector: S, item: I): void;
  onMatchStopped(selector: S, item: I): void;
}

/** S and I are the ids of selectors and items. */
export class LabelIndex<S extends string, I extends string> {
  readonly #listener: MatchListener<S, I>;
  readonly #selectors = new Map<S, { readonly node: SelectorNode; readonly keys: readonly IndexKey[] }>();
  readonly #items = new Map<I, Labels>();
  readonly #selectorsAt = new MultiMap<IndexKey, S>();
  readonly #itemsAt = new MultiMap<IndexKey, I>();
  readonly #selectorsOf = new MultiMap<I, S>();
  readonly #itemsOf = new MultiMap<S, I>();

  constructor(listener: MatchListener<S, I>) {
    this.#listener = listener;
  }

  updateSelector(id: S, node: SelectorNode): void {
    const known = this.#selectors.get(id);
    if (known?.node === node) return;
    const keys = keysOfSelector(node);
    for (const key of known?.keys ?? []) this.#selectorsAt.delete(key, id);
    for (const key of keys) this.#selectorsAt.add(key, id);
    this.#selectors.set(id, { node, keys });
    const before = [...this.#itemsOf.get(id)];
    for (const key of keys)
      for (const item of this.#itemsAt.get(key))
        if (matchesSelector(node, this.#items.get(item) ?? {})) this.#start(id, item);
    for (const item of before) if (!matchesSelector(node, this.#items.get(item) ?? {})) this.#stop(id, item);
  }

  deleteSelector(id: S): void {
    for (const key of this.#selectors.get(id)?.keys ?? []) this.#selectorsAt.delete(key, id);
    this.#selectors.delete(id);
    for (const item of [...this.#itemsOf.get(id)]) this.#stop(id, item);
  }

  updateItem(id: I, labels: Labels): void {
    const known = this.#items.get(id);
    if (known && sameLabels(known, labels)) return;
    const keys = keysOfItem(labels);
    if (known) for (const key of keysOfItem(known)) this.#itemsAt.delete(key, id);
    for (const key of keys) this.#itemsAt.add(key, id);
    this.#items.set(id, labels);
    const before = [...this.#selectorsOf.get(id)];
    for (const key of keys)
      for (const selector of this.#selectorsAt.get(key))
        if (this.#matches(selector, labels)) this.#start(selector, id);
    for (const selector of before) if (!this.#matches(selector, labels)) this.#stop(selector, id);
  }

  deleteItem(id: I): void {
    const known = this.#items.get(id);
    if (!known) return;
    for (const key of keysOfItem(known)) this.#itemsAt.delete(key, id);
    this.#items.delete(id);
    for (const selector of [...this.#selectorsOf.get(id)]) this.#stop(selector, id);
  }

  /** The selectors that pick the item now. */
  selectorsOf(id: I): ReadonlySet<S> {
    return this.#selectorsOf.get(id);
  }

  /** The items that the selector picks now. */
  itemsOf(id: S): ReadonlySet<I> {
    return this.#itemsOf.get(id);
  }

  #matches(selector: S, labels: Labels): boolean {
    const known = this.#selectors.get(selector);
    return known !== undefined && matchesSelector(known.node, labels);
  }

  #start(selector: S, item: I): void {
    if (this.#selectorsOf.has(item) && this.#selectorsOf.get(item).has(selector)) return;
    this.#itemsOf.add(selector, item);
    this.#selectorsOf.add(item, selector);
    this.#listener.onMatchStarted(selector, item);
  }

  #stop(selector: S, item: I): void {
    this.#itemsOf.delete(selector, item);
    this.#selectorsOf.delete(item, selector);
    this.#listener.onMatchStopped(selector, item);
  }
}

/** Where a selector looks for its items: `label`, `label=value`, or EVERYTHING. No label holds a `=`. */
type IndexKey = string;
const EVERYTHING: IndexKey = '=';

function keysOfItem(labels: Labels): readonly IndexKey[] {
  const keys = [EVERYTHING];
  for (const label of Object.keys(labels)) keys.push(label, `${label}=${labels[label]}`);
  return keys;
}

/** The fewest keys that together hold every item the selector can pick; none when it can pick nothing. */
function keysOfSelector(node: SelectorNode): readonly IndexKey[] {
  let fewest: readonly IndexKey[] | undefined;
  let present: string | undefined;
  for (const [label, { must, values }] of labelRestrictions(node)) {
    if (must === 'both') return [];
    if (must === 'absent') continue;
    present ??= label;
    if (values && (!fewest || values.size < fewest.length))
      fewest = [...values].map((value) => `${label}=${value}`);
  }
  return fewest ?? [present ?? EVERYTHING];
}

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}
