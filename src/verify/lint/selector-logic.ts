/**
 * What can be said of selectors without looking at any labels: that one picks nothing, that one picks all that another
 * does.
 *
 * A selector becomes a list of alternatives, each a list of conditions that must all hold; an alternative is impossible
 * when its conditions on one label contradict each other. Only contradictions that are certain count, and a selector
 * with too many alternatives is left alone: `false` always means that nobody knows.
 */
import type { SelectorNode } from '../../model/selector/ast.js';
import { matchesSelector } from '../../model/selector/evaluate.js';

/** True when no labels whatever match. */
export function picksNothing(selector: SelectorNode): boolean {
  return alternativesOf(selector, true)?.every(isImpossible) ?? false;
}

/** True when everything that the first picks, the second picks too. */
export function implies(first: SelectorNode, second: SelectorNode): boolean {
  if (first === second || second.type === 'all' || second.type === 'global') return true;
  const [one, other] = [alternativesOf(first, true), alternativesOf(second, false)];
  const both = one && other && combine(one, other);
  return both?.every(isImpossible) ?? false;
}

/** A condition on one label, or its opposite. */
interface Condition {
  readonly test: Extract<SelectorNode, { readonly label: string }>;
  readonly holds: boolean;
}
type Alternative = readonly Condition[];

const MAX_ALTERNATIVES = 64;

/** The ways in which the selector can be true, or false; undefined when they are too many. */
function alternativesOf(node: SelectorNode, truth: boolean): readonly Alternative[] | undefined {
  switch (node.type) {
    case 'all':
    case 'global':
      return truth ? [[]] : [];
    case 'not':
      return alternativesOf(node.operand, !truth);
    case 'and':
    case 'or': {
      const parts = node.operands.map((operand) => alternativesOf(operand, truth));
      return (node.type === 'and') === truth ? parts.reduce(combineKnown) : parts.reduce(joinKnown);
    }
    default:
      return [[{ test: node, holds: truth }]];
  }
}

type Known = readonly Alternative[] | undefined;

function combineKnown(a: Known, b: Known): Known {
  return a && b && combine(a, b);
}

function joinKnown(a: Known, b: Known): Known {
  return a && b && a.length + b.length <= MAX_ALTERNATIVES ? [...a, ...b] : undefined;
}

function combine(a: readonly Alternative[], b: readonly Alternative[]): Known {
  if (a.length * b.length > MAX_ALTERNATIVES) return undefined;
  return a.flatMap((left) => b.map((right) => [...left, ...right]));
}

function isImpossible(alternative: Alternative): boolean {
  const byLabel = new Map<string, Condition[]>();
  for (const condition of alternative) {
    const known = byLabel.get(condition.test.label);
    if (known) known.push(condition);
    else byLabel.set(condition.test.label, [condition]);
  }
  return [...byLabel].some(([label, conditions]) => contradict(label, conditions));
}

/** Tries the label absent, and with every value that could satisfy all; unknown values are always possible. */
function contradict(label: string, conditions: readonly Condition[]): boolean {
  const holdsFor = (labels: Readonly<Record<string, string>>): boolean =>
    conditions.every(({ test, holds }) => matchesSelector(test, labels) === holds);
  if (holdsFor({})) return false;
  const presence = conditions.some(({ test, holds }) => test.type === 'has' && !holds);
  if (presence) return true;
  const only = conditions.find(({ test, holds }) => valuesOf(test, holds) !== undefined);
  const values = only && valuesOf(only.test, only.holds);
  return values !== undefined && !values.some((value) => holdsFor({ [label]: value }));
}

/** The only values with which the condition can hold; undefined when they cannot be listed. */
function valuesOf(test: Condition['test'], holds: boolean): readonly string[] | undefined {
  if (holds && test.type === '==') return [test.value];
  if (!holds && test.type === '!=') return [test.value];
  if (holds && test.type === 'in') return [...test.values];
  if (!holds && test.type === 'not in') return [...test.values];
  return undefined;
}
