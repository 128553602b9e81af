/**
 * From a YAML document to plain values.
 *
 * The package's own toJS() would do, but it compares keys pairwise (quadratic in a large map), and knows
 * nothing of keys that a JavaScript object must not have. This reader refuses those, finds duplicate keys with
 * a Map, and bounds what aliases may expand to, so that no small file becomes a large value.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { DiagnosticCode } from '../model/diagnostic.js';
import type { Span } from './source-text.js';

export interface YamlFault {
  readonly code: Extract<DiagnosticCode, 'yaml-syntax' | 'yaml-limit' | 'yaml-document' | 'duplicate-key'>;
  readonly span: Span;
  readonly message: string;
  readonly hint: string;
}

export interface YamlValue {
  readonly value: unknown;
  readonly faults: readonly YamlFault[];
}

const MAX_ALIASES = 100;
/** Values that aliases may add to a document, counted one by one. */
const MAX_ALIASED_VALUES = 10_000;
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Reads the contents of a document that parsed. `lineOf` turns an offset into a line number for messages. */
export function readValue(document: Document, lineOf: (offset: number) => number): YamlValue {
  const reader = new ValueReader(lineOf);
  const { value } = reader.read(document.contents, { start: 0, end: 0 });
  return { value, faults: reader.faults };
}

/** The place of a node in its text. */
export function spanOf(node: Node): Span {
  return node.range ? { start: node.range[0], end: node.range[1] } : { start: 0, end: 0 };
}

interface Weighed {
  readonly value: unknown;
  /** How many values this is, itself included. */
  readonly weight: number;
}

class ValueReader {
  readonly faults: YamlFault[] = [];
  readonly #lineOf: (offset: number) => number;
  readonly #anchors = new Map<string, Weighed>();
  #aliases = 0;
  #aliased = 0;

  constructor(lineOf: (offset: number) => number) {
    this.#lineOf = lineOf;
  }

  read(node: unknown, parent: Span): Weighed {
    if (!isNode(node)) return { value: null, weight: 1 };
    if (isAlias(node)) return this.#readAlias(node.source, spanOf(node));
    const read = this.#readNode(node, parent);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, read);
    return read;
  }

  #readNode(node: Node, parent: Span): Weighed {
    if (isScalar(node)) return { value: node.value, weight: 1 };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, spanOf(node)));
      return { value: items.map((item) => item.value), weight: sum(items) };
    }
    if (isMap(node)) return this.#readMap(node.items, spanOf(node));
    this.#fault('yaml-syntax', parent, 'a value of an unknown form', 'Write a map, a list or a scalar');
    return { value: null, weight: 1 };
  }

  #readMap(pairs: readonly Pair[], parent: Span): Weighed {
    const seen = new Map<string, Span>();
    const entries: [string, Weighed][] = [];
    for (const pair of pairs) {
      const span = isNode(pair.key) ? spanOf(pair.key) : parent;
      const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
      const isKept = key === undefined || this.#checkKey(key, span, seen.get(key));
      // What stands below a merge key is not asked about: it would not be read in any case.
      if (key === '<<') continue;
      const value = this.read(pair.value, span);
      if (key === undefined || !isKept) continue;
      seen.set(key, span);
      entries.push([key, value]);
    }
    return {
      value: Object.fromEntries(entries.map(([key, { value }]) => [key, value])),
      weight: sum(entries.map(([, value]) => value)),
    };
  }

  #checkKey(key: string, span: Span, first: Span | undefined): boolean {
    if (first)
      this.#fault(
        'duplicate-key',
        span,
        `the key ${key} stands twice in one map, first on line ${this.#lineOf(first.start)}`,
        'Keep one of them',
      );
    else if (FORBIDDEN_KEYS.has(key))
      this.#fault('yaml-document', span, `the key ${key} is not allowed`, 'Use another name');
    else if (key === '<<')
      this.#fault(
        'yaml-document',
        span,
        'merge keys are not part of YAML 1.2',
        'Repeat the fields, or use an alias for a whole value',
      );
    else return true;
    return false;
  }

  #readAlias(anchor: string, span: Span): Weighed {
    const target = this.#anchors.get(anchor);
    if (!target) {
      // A value that contains itself is not complete yet, so its anchor is unknown here too.
      this.#fault(
        'yaml-syntax',
        span,
        `no anchor &${anchor} before this alias in its document`,
        'Write the value out',
      );
      return { value: null, weight: 1 };
    }
    this.#aliases += 1;
    this.#aliased += target.weight;
    if (this.#aliases > MAX_ALIASES || this.#aliased > MAX_ALIASED_VALUES) {
      if (!this.faults.some((fault) => fault.code === 'yaml-limit'))
        this.#fault(
          'yaml-limit',
          span,
          `aliases of one document may be ${MAX_ALIASES}, and stand for ${MAX_ALIASED_VALUES} values together`,
          'Write the values out',
        );
      return { value: null, weight: 1 };
    }
    // A copy: what is filled in later at one place must not appear at the other.
    return { value: structuredClone(target.value), weight: target.weight };
  }

  #fault(code: YamlFault['code'], span: Span, message: string, hint: string): void {
    this.faults.push({ code, span, message, hint });
  }
}

function sum(items: readonly Weighed[]): number {
  return items.reduce((total, item) => total + item.weight, 1);
}
