/**
 * Endpoints and network sets by what selectors can tell of them.
 *
 * Of all labels only those that some selector mentions count, and of tags those that some rule mentions: things that
 * agree in them are one group, and there are about as many groups as kinds of workloads. A selector is evaluated once
 * for each group, and of the groups only for those that an index of values leaves: `app == 'db'` looks at few.
 */
import { labelKeys, type SelectorNode } from '../../model/selector/ast.js';
import {
  type LabelRestriction,
  type Labels,
  labelRestrictions,
  matchesSelector,
} from '../../model/selector/evaluate.js';
import { TupleInterner } from './tuple-interner.js';

export interface Labelled {
  readonly labels: Labels;
  /** Network sets have none. */
  readonly tags?: ReadonlySet<string>;
}

export interface LabelGroups {
  /** Groups are 0 to size - 1. */
  readonly size: number;
  /** The group of one of the items that the groups were made of. */
  groupOf(item: Labelled): number;
  /** The groups that a selector picks. */
  pickedBy(selector: SelectorNode): readonly number[];
  /** The groups that have a tag. */
  taggedWith(tag: string): readonly number[];
}

export function labelGroups(
  items: readonly Labelled[],
  selectors: Iterable<SelectorNode>,
  tags: ReadonlySet<string>,
): LabelGroups {
  const facts = new Facts(selectors, tags);
  const tuples = new TupleInterner();
  const groups = new Map<Labelled, number>();
  const samples: Labelled[] = [];
  const index = new Map<number, number[]>();
  const own: number[] = [];
  // By position: there are as many as endpoints, and an iterator makes an object for each.
  for (let position = 0; position < items.length; position += 1) {
    const item = items[position];
    if (!item || groups.has(item)) continue;
    facts.collect(item, own);
    const group = tuples.intern(own);
    groups.set(item, group);
    if (group < samples.length) continue;
    samples.push(item);
    for (const fact of own) {
      const having = index.get(fact);
      if (having) having.push(group);
      else index.set(fact, [group]);
    }
  }
  const all = [...samples.keys()];
  const picked = new Map<SelectorNode, readonly number[]>();
  return {
    size: samples.length,
    groupOf(item) {
      const group = groups.get(item);
      if (group === undefined) throw new TypeError('The item is in no group');
      return group;
    },
    pickedBy(selector) {
      const known = picked.get(selector);
      if (known) return known;
      const candidates = candidatesFor(selector, facts, index) ?? all;
      const found = candidates.filter((group) => matchesSelector(selector, samples[group]?.labels ?? {}));
      picked.set(selector, found);
      return found;
    },
    taggedWith: (tag) => index.get(facts.tagNumber(tag) ?? -1) ?? [],
  };
}

/** Numbers what can be true of an item: a label has a value, a tag is there. */
class Facts {
  /** Of each label that counts, its values with their numbers. */
  readonly #values = new Map<string, Map<string, number>>();
  readonly #tags: ReadonlyMap<string, number>;
  #next: number;

  constructor(selectors: Iterable<SelectorNode>, tags: Iterable<string>) {
    for (const selector of selectors) for (const key of labelKeys(selector)) this.#values.set(key, new Map());
    this.#tags = new Map(Array.from(tags, (tag, number) => [tag, number]));
    this.#next = this.#tags.size;
  }

  /** @param own - becomes the facts of the item, in ascending order. */
  collect({ labels, tags }: Labelled, own: number[]): void {
    own.length = 0;
    const keys = Object.keys(labels);
    for (let position = 0; position < keys.length; position += 1) {
      const key = keys[position] ?? '';
      const values = this.#values.get(key);
      if (values) own.push(this.#valueNumber(values, labels[key] ?? ''));
    }
    if (tags && tags.size > 0 && this.#tags.size > 0)
      for (const tag of tags) {
        const number = this.#tags.get(tag);
        if (number !== undefined) own.push(number);
      }
    sortInPlace(own);
  }

  tagNumber(tag: string): number | undefined {
    return this.#tags.get(tag);
  }

  valueNumber(label: string, value: string): number | undefined {
    return this.#values.get(label)?.get(value);
  }

  /** What a label that matches the restriction can be. */
  valueNumbers(label: string, { values }: LabelRestriction): readonly number[] {
    const known = this.#values.get(label) ?? new Map<string, number>();
    if (!values) return [...known.values()];
    return [...values].flatMap((value) => known.get(value) ?? []);
  }

  #valueNumber(values: Map<string, number>, value: string): number {
    const known = values.get(value);
    if (known !== undefined) return known;
    const number = this.#next;
    this.#next += 1;
    values.set(value, number);
    return number;
  }
}

/** By insertion: what one thing has is few, and the sort of an array copies it. */
function sortInPlace(numbers: number[]): void {
  for (let next = 1; next < numbers.length; next += 1) {
    const number = numbers[next] ?? 0;
    let place = next;
    while (place > 0 && (numbers[place - 1] ?? 0) > number) {
      numbers[place] = numbers[place - 1] ?? 0;
      place -= 1;
    }
    numbers[place] = number;
  }
}

/** The shortest list of groups that holds all that the selector can pick; undefined: all may be. */
function candidatesFor(
  selector: SelectorNode,
  facts: Facts,
  index: ReadonlyMap<number, readonly number[]>,
): readonly number[] | undefined {
  // By far the most selectors are this, in part or as a whole.
  if (selector.type === '==') return index.get(facts.valueNumber(selector.label, selector.value) ?? -1) ?? [];
  let best: readonly number[] | undefined;
  for (const [label, restriction] of labelRestrictions(selector)) {
    if (restriction.must === 'both') return [];
    if (restriction.must === 'absent') continue;
    const lists = facts.valueNumbers(label, restriction).map((fact) => index.get(fact) ?? []);
    const length = lists.reduce((sum, list) => sum + list.length, 0);
    if (best && best.length <= length) continue;
    // An item has one value of a label, so the lists have nothing in common.
    best = lists.length === 1 ? lists[0] : lists.flat().sort((a, b) => a - b);
  }
  return best;
}
