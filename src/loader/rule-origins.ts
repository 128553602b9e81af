/**
 * Where each rule of a policy or profile stands.
 *
 * A verdict, a trace and a lint name the line of the rule, not of its document. The tree that knows lines lives only
 * while the file is read, so the few places that are ever asked for are written down then.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml';
import type { Origin, RuleOrigins } from '../model/resource.js';
import { DIRECTIONS } from '../model/rule.js';
import { positionAt, type SourceText } from './source-text.js';
import { spanOf } from './yaml-value.js';

/** The places of the items of spec.ingress and spec.egress; undefined where there are none. */
export function ruleOriginsOf(source: SourceText, document: Document): RuleOrigins | undefined {
  const spec = fieldOf(document, document.contents, 'spec');
  const found = DIRECTIONS.flatMap((direction) => {
    const rules = fieldOf(document, spec, direction);
    if (!isSeq(rules) || rules.items.length === 0) return [];
    const list = spanOf(rules).start;
    const places = rules.items.map((item) => placeOf(source, isNode(item) ? spanOf(item).start : list));
    return [[direction, places] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** What an alias stands for is where it was written out. */
function fieldOf(document: Document, node: unknown, key: string): Node | undefined {
  const map = isAlias(node) ? node.resolve(document) : node;
  if (!isMap(map)) return undefined;
  const value = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
  if (isAlias(value)) return value.resolve(document);
  return isNode(value) ? value : undefined;
}

function placeOf(source: SourceText, offset: number): Origin {
  return { file: source.file, ...positionAt(source, offset) };
}
