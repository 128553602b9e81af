/**
 * Endpoints and network sets by what selectors can tell of them.
 *
 * Of all labels only those that some selector mentions count, and of tags those that some rule mentions: things that
 * agree in them are one group. A selector is then evaluated once over groups, by an index from values to groups, and
 * not once for each endpoint. There are about as many groups as there are kinds of workloads.
 */
import {
  addBit,
  type Bitset,
  emptyBitset,
  fullBitset,
  intersectWith,
  subtractFrom,
  uniteWith,
} from '../../model/bitset.js';
import { labelKeys, type SelectorNode } from '../../model/selector/ast.js';
import type { Labels } from '../../model/selector/evaluate.js';

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
  pickedBy(selector: SelectorNode): Bitset;
  /** The groups that have a tag. */
  taggedWith(tag: string): Bitset;
}

export function labelGroups(
  items: Iterable<Labelled>,
  selectors: Iterable<SelectorNode>,
  tags: ReadonlySet<string>,
): LabelGroups {
  const keys = new Set<string>();
  for (const selector of selectors) for (const key of labelKeys(selector)) keys.add(key);
  const facts = new Facts(keys, tags);
  const groups = new Map<Labelled, number>();
  const byKey = new Map<string, number>();
  const factsOfGroup: (readonly number[])[] = [];
  for (const item of items) {
    const own = facts.of(item);
    const key = own.join(' ');
    const group = byKey.get(key) ?? factsOfGroup.push(own) - 1;
    byKey.set(key, group);
    groups.set(item, group);
  }
  const index = indexFacts(factsOfGroup);
  return {
    size: factsOfGroup.length,
    groupOf(item) {
      const group = groups.get(item);
      if (group === undefined) throw new TypeError('The item is in no group');
      return group;
    },
    pickedBy: (selector) => pick(selector, { facts, index, size: factsOfGroup.length }),
    taggedWith(tag) {
      const bits = emptyBitset(factsOfGroup.length);
      addGroups(bits, index, facts.tagNumber(tag));
      return bits;
    },
  };
}

/** Numbers what can be true of an item: a label has a value, a tag is there. */
class Facts {
  /** Of each label that counts, its values with their numbers. */
  readonly values: ReadonlyMap<string, Map<string, number>>;
  readonly #tags: ReadonlyMap<string, number>;
  #next: number;

  constructor(keys: Iterable<string>, tags: Iterable<string>) {
    this.values = new Map(Array.from(keys, (key) => [key, new Map()]));
    this.#tags = new Map(Array.from(tags, (tag, number) => [tag, number]));
    this.#next = this.#tags.size;
  }

  /** In ascending order. */
  of({ labels, tags }: Labelled): readonly number[] {
    const own: number[] = [];
    for (const key of Object.keys(labels)) {
      const values = this.values.get(key);
      if (values) own.push(this.#valueNumber(values, labels[key] ?? ''));
    }
    for (const tag of tags ?? []) {
      const number = this.#tags.get(tag);
      if (number !== undefined) own.push(number);
    }
    return own.sort((a, b) => a - b);
  }

  tagNumber(tag: string): number | undefined {
    return this.#tags.get(tag);
  }

  #valueNumber(values: Map<string, number>, value: string): number {
    const known = values.get(value);
    if (known !== undefined) return known;
    this.#next += 1;
    values.set(value, this.#next);
    return this.#next;
  }
}

type FactIndex = ReadonlyMap<number, readonly number[]>;

function indexFacts(factsOfGroup: readonly (readonly number[])[]): FactIndex {
  const index = new Map<number, number[]>();
  for (const [group, facts] of factsOfGroup.entries()) {
    for (const fact of facts) {
      const groups = index.get(fact);
      if (groups) groups.push(group);
      else index.set(fact, [group]);
    }
  }
  return index;
}

interface PickContext {
  readonly facts: Facts;
  readonly index: FactIndex;
  readonly size: number;
}

/** As matchesSelector, for all groups at once. */
function pick(node: SelectorNode, context: PickContext): Bitset {
  switch (node.type) {
    case 'all':
    case 'global':
      return fullBitset(context.size);
    case 'has':
      return withLabel(node.label, () => true, context);
    case '==':
      return withValues(node.label, [node.value], context);
    case '!=':
      return complement(withValues(node.label, [node.value], context), context);
    case 'contains':
      return withLabel(node.label, (value) => value.includes(node.value), context);
    case 'starts with':
      return withLabel(node.label, (value) => value.startsWith(node.value), context);
    case 'ends with':
      return withLabel(node.label, (value) => value.endsWith(node.value), context);
    case 'in':
      return withValues(node.label, node.values, context);
    case 'not in':
      return complement(withValues(node.label, node.values, context), context);
    case 'not':
      return complement(pick(node.operand, context), context);
    case 'and':
      return combine(node.operands, intersectWith, context);
    case 'or':
      return combine(node.operands, uniteWith, context);
  }
}

/** Looks the values up: there may be thousands of others. */
function withValues(label: string, values: Iterable<string>, { facts, index, size }: PickContext): Bitset {
  const bits = emptyBitset(size);
  const known = facts.values.get(label);
  for (const value of values) addGroups(bits, index, known?.get(value));
  return bits;
}

function withLabel(
  label: string,
  accepts: (value: string) => boolean,
  { facts, index, size }: PickContext,
): Bitset {
  const bits = emptyBitset(size);
  for (const [value, fact] of facts.values.get(label) ?? []) if (accepts(value)) addGroups(bits, index, fact);
  return bits;
}

function addGroups(bits: Bitset, index: FactIndex, fact: number | undefined): void {
  if (fact !== undefined) for (const group of index.get(fact) ?? []) addBit(bits, group);
}

function complement(bits: Bitset, { size }: PickContext): Bitset {
  const rest = fullBitset(size);
  subtractFrom(rest, bits);
  return rest;
}

function combine(
  operands: readonly SelectorNode[],
  operate: (bits: Bitset, other: Bitset) => void,
  context: PickContext,
): Bitset {
  const [first = fullBitset(context.size), ...rest] = operands.map((operand) => pick(operand, context));
  for (const bits of rest) operate(first, bits);
  return first;
}
