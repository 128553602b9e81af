/**
 * The labels of a few things, by which most selectors of a network are passed over at a glance: `app == 'db'` picks
 * none of them where none has that value. What is not passed over still has to be evaluated.
 */
import type { SelectorNode } from '../model/selector/ast.js';
import type { Labels } from '../model/selector/evaluate.js';

export class LabelValues {
  readonly #values = new Map<string, Set<string>>();

  constructor(items: readonly { readonly labels: Labels }[]) {
    for (const { labels } of items) {
      for (const key of Object.keys(labels)) {
        const values = this.#values.get(key) ?? new Set();
        this.#values.set(key, values.add(labels[key] ?? ''));
      }
    }
  }

  /** False: the selector picks none of them. */
  mayPick(selector: SelectorNode): boolean {
    switch (selector.type) {
      case '==':
        return this.#values.get(selector.label)?.has(selector.value) ?? false;
      case 'in':
        return [...selector.values].some((value) => this.#values.get(selector.label)?.has(value));
      case 'has':
      case 'contains':
      case 'starts with':
      case 'ends with':
        return this.#values.has(selector.label);
      case 'and':
        return selector.operands.every((operand) => this.mayPick(operand));
      case 'or':
        return selector.operands.some((operand) => this.mayPick(operand));
      default:
        return true;
    }
  }
}
