/**
 * Did you mean another label, or another value of it?
 *
 * Labels with very many values hold ids: one of them is always near, and says nothing.
 */
import type { SelectorNode } from '../../model/selector/ast.js';
import type { Labels } from '../../model/selector/evaluate.js';
import { suggest } from '../../model/suggest.js';

/** The values of each label that somebody has. */
export type KnownLabels = ReadonlyMap<string, ReadonlySet<string>>;

const MAX_VALUES = 500;

/** Every label, and the values of those that are asked for. */
export function knownLabels(
  items: Iterable<{ readonly labels: Labels }>,
  asked: ReadonlySet<string>,
): KnownLabels {
  const known = new Map<string, Set<string>>();
  for (const { labels } of items)
    for (const key of Object.keys(labels)) {
      const values = known.get(key) ?? new Set<string>();
      if (values.size === 0) known.set(key, values);
      if ((asked.has(key) || values.size === 0) && values.size <= MAX_VALUES) values.add(labels[key] ?? '');
    }
  return known;
}

/** What the selector probably means instead, as a question; undefined when nothing is near. */
export function nearMiss(node: SelectorNode, known: KnownLabels): string | undefined {
  switch (node.type) {
    case 'all':
    case 'global':
      return undefined;
    case 'not':
      return nearMiss(node.operand, known);
    case 'and':
    case 'or':
      return first(node.operands, (operand) => nearMiss(operand, known));
    case 'has':
      return nearLabel(node.label, known);
    case 'in':
    case 'not in':
      return (
        nearLabel(node.label, known) ?? first(node.values, (value) => nearValue(node.label, value, known))
      );
    case '==':
    case '!=':
      return nearLabel(node.label, known) ?? nearValue(node.label, node.value, known);
    case 'contains':
    case 'starts with':
    case 'ends with':
      return nearLabel(node.label, known);
  }
}

function first<T>(items: Iterable<T>, find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nearLabel(label: string, known: KnownLabels): string | undefined {
  const near = known.has(label) ? undefined : suggest(label, known.keys());
  return near && `Did you mean the label ${near} instead of ${label}?`;
}

function nearValue(label: string, value: string, known: KnownLabels): string | undefined {
  const values = known.get(label);
  if (!values || values.has(value) || values.size > MAX_VALUES) return undefined;
  const near = suggest(value, values);
  return near && `Did you mean ${label} == '${near}'?`;
}
