/**
 * The tree of a selector, and the two texts made from it.
 *
 * The canonical text is Felix's: double quotes unless the value holds one, values of a set sorted and unique,
 * parentheses around every && and ||. Two selectors with equal canonical text are one set of endpoints, and
 * its hash names the ipset on every host. One step further than Felix: a double negation never survives
 * parsing, because `!(!x)` would print as `!!x`, which reads back as `x`.
 */
import { createHash } from 'node:crypto';

export type SelectorNode =
  | { readonly type: 'all' }
  /** Picks what belongs to no namespace. Everything that heddle stores is global: always true. */
  | { readonly type: 'global' }
  | { readonly type: 'has'; readonly label: string }
  | ValueNode
  | SetNode
  | { readonly type: 'not'; readonly operand: SelectorNode }
  /** Two operands or more. */
  | { readonly type: 'and' | 'or'; readonly operands: readonly SelectorNode[] };

export interface ValueNode {
  readonly type: '==' | '!=' | 'contains' | 'starts with' | 'ends with';
  readonly label: string;
  readonly value: string;
}

export interface SetNode {
  readonly type: 'in' | 'not in';
  readonly label: string;
  /** In the order of their UTF-8 bytes. */
  readonly values: ReadonlySet<string>;
}

/** The one text for everything that parses to this tree; it parses to this tree again. */
export function canonicalSelector(node: SelectorNode): string {
  switch (node.type) {
    case 'all':
    case 'global':
      return `${node.type}()`;
    case 'has':
      return `has(${node.label})`;
    case '==':
    case '!=':
    case 'contains':
    case 'starts with':
    case 'ends with':
      return `${node.label} ${node.type} ${quote(node.value)}`;
    case 'in':
    case 'not in':
      return `${node.label} ${node.type} {${[...node.values].map(quote).join(', ')}}`;
    case 'not':
      return `!${canonicalSelector(node.operand)}`;
    case 'and':
      return `(${node.operands.map(canonicalSelector).join(' && ')})`;
    case 'or':
      return `(${node.operands.map(canonicalSelector).join(' || ')})`;
  }
}

/** The id of the set that a canonical selector picks: `s:` and 38 characters, as Felix computes it. */
export function selectorId(canonical: string): string {
  return `s:${createHash('sha224').update(`s:${canonical}`).digest('base64url')}`;
}

/** Every label that the outcome can depend on. */
export function labelKeys(node: SelectorNode): ReadonlySet<string> {
  const keys = new Set<string>();
  const visit = (current: SelectorNode): void => {
    if ('label' in current) keys.add(current.label);
    if ('operand' in current) visit(current.operand);
    if ('operands' in current) for (const operand of current.operands) visit(operand);
  };
  visit(node);
  return keys;
}

/** A literal cannot hold the quote that encloses it, so no value ever holds both. */
function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
