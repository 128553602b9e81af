/**
 * What a selector says of labels: whether they match, and what any match must look like.
 *
 * A comparison with a label that is not there is false, except `!=` and `not in`, which are true. Restrictions
 * are necessary conditions, never sufficient ones: an index uses them to skip candidates, and still evaluates.
 */
import type { SelectorNode } from './ast.js';

export type Labels = Readonly<Record<string, string>>;

/** True when the selector picks something with these labels. */
export function matchesSelector(node: SelectorNode, labels: Labels): boolean {
  switch (node.type) {
    case 'all':
    case 'global':
      return true;
    case 'has':
      return labelValue(labels, node.label) !== undefined;
    case '==':
      return labelValue(labels, node.label) === node.value;
    case '!=':
      return labelValue(labels, node.label) !== node.value;
    case 'contains':
      return labelValue(labels, node.label)?.includes(node.value) ?? false;
    case 'starts with':
      return labelValue(labels, node.label)?.startsWith(node.value) ?? false;
    case 'ends with':
      return labelValue(labels, node.label)?.endsWith(node.value) ?? false;
    case 'in':
    case 'not in':
      return isMember(node.values, labelValue(labels, node.label)) === (node.type === 'in');
    case 'not':
      return !matchesSelector(node.operand, labels);
    case 'and':
      return node.operands.every((operand) => matchesSelector(operand, labels));
    case 'or':
      return node.operands.some((operand) => matchesSelector(operand, labels));
  }
}

/** What must hold of one label wherever the selector matches. */
export interface LabelRestriction {
  /** `present`, `absent`, or `both` where the selector contradicts itself and matches nothing. */
  readonly must: 'present' | 'absent' | 'both';
  /** The value must be one of these; undefined: any value. Empty: the selector matches nothing. */
  readonly values?: ReadonlySet<string>;
}

/** Restrictions by label; a label that is not in the map may be there or not, with any value. */
export function labelRestrictions(node: SelectorNode): ReadonlyMap<string, LabelRestriction> {
  switch (node.type) {
    case 'has':
    case 'contains':
    case 'starts with':
    case 'ends with':
      return new Map([[node.label, { must: 'present' }]]);
    case '==':
      return new Map([[node.label, { must: 'present', values: new Set([node.value]) }]]);
    case 'in':
      return new Map([[node.label, { must: 'present', values: node.values }]]);
    case 'not':
      // Only !has() can be turned round: !(a == 'b') does not ask for the absence of a.
      return node.operand.type === 'has' ? new Map([[node.operand.label, { must: 'absent' }]]) : new Map();
    case 'and':
      return node.operands.map(labelRestrictions).reduce(restrictBoth);
    case 'or':
      return node.operands.map(labelRestrictions).reduce(restrictEither);
    case 'all':
    case 'global':
    case '!=':
    case 'not in':
      return new Map();
  }
}

type Restrictions = ReadonlyMap<string, LabelRestriction>;

function restrictBoth(a: Restrictions, b: Restrictions): Restrictions {
  const both = new Map(a);
  for (const [label, right] of b) {
    const left = both.get(label);
    both.set(label, left ? narrow(left, right) : right);
  }
  return both;
}

function narrow(a: LabelRestriction, b: LabelRestriction): LabelRestriction {
  const must = a.must === b.must ? a.must : 'both';
  if (!a.values || !b.values) {
    const values = a.values ?? b.values;
    return { must, ...(values && { values }) };
  }
  const right = b.values;
  return { must, values: new Set([...a.values].filter((value) => right.has(value))) };
}

function restrictEither(a: Restrictions, b: Restrictions): Restrictions {
  const either = new Map<string, LabelRestriction>();
  for (const [label, left] of a) {
    const right = b.get(label);
    const widened = right && widen(left, right);
    if (widened) either.set(label, widened);
  }
  return either;
}

function widen(a: LabelRestriction, b: LabelRestriction): LabelRestriction | undefined {
  if (a.must === 'both') return b;
  if (b.must === 'both') return a;
  if (a.must !== b.must) return undefined;
  if (!a.values || !b.values) return { must: a.must };
  return { must: a.must, values: new Set([...a.values, ...b.values]) };
}

function labelValue(labels: Labels, label: string): string | undefined {
  // A plain object also answers for `constructor`, which is a possible label.
  return Object.hasOwn(labels, label) ? labels[label] : undefined;
}

function isMember(values: ReadonlySet<string>, value: string | undefined): boolean {
  return value !== undefined && values.has(value);
}
