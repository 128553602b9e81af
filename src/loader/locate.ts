/**
 * Finds a field of a document in the text of its file.
 *
 * Places are needed only for faults, so the tree with positions is not kept: the few lines of the document are
 * parsed again when one is asked for.
 */
import { type Document, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { type FieldPath, pointer } from './field-path.js';
import type { Span } from './source-text.js';
import { type ManifestDocument, YAML_OPTIONS } from './yaml-documents.js';
import { spanOf } from './yaml-value.js';

export interface Place {
  readonly span: Span;
  /** The scalar as it is written, without quotes; undefined where the field is none. */
  readonly written?: string;
}

/** By span, which the copies of a document share. */
const trees = new WeakMap<Span, Document>();

/** The place of a field, or of its key; of the nearest enclosing field when it does not exist. */
export function locate(document: ManifestDocument, path: FieldPath, part: 'key' | 'value'): Place {
  let node: unknown = treeOf(document).contents;
  let found: unknown = isMap(node) ? node.items[0]?.key : node;
  for (const [index, step] of path.entries()) {
    const pair = stepInto(node, step);
    if (!pair) break;
    node = pair.value;
    const wantsKey = index === path.length - 1 ? part === 'key' : isMap(node) || isSeq(node);
    found = (wantsKey ? pair.key : undefined) ?? pair.value ?? pair.key;
  }
  return isNode(found) ? placeOf(found, document.span.start) : { span: document.span };
}

/** A path in the value that was checked, as the fields are called in the text. */
export function writtenPath({ renames }: ManifestDocument, path: FieldPath): FieldPath {
  if (!renames || renames.size === 0) return path;
  return path.map((step, index) => renames.get(pointer(path.slice(0, index + 1))) ?? step);
}

function treeOf(document: ManifestDocument): Document {
  const known = trees.get(document.span);
  if (known) return known;
  const { start, end } = document.span;
  const tree = parseDocument(document.source.text.slice(start, end), YAML_OPTIONS);
  trees.set(document.span, tree);
  return tree;
}

function stepInto(node: unknown, step: string | number): { key?: unknown; value: unknown } | undefined {
  if (isSeq(node))
    return typeof step === 'number' && step in node.items ? { value: node.items[step] } : undefined;
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && pair.key.value === String(step));
}

function placeOf(node: Node, base: number): Place {
  const span = spanOf(node);
  return {
    span: { start: base + span.start, end: base + span.end },
    ...(isScalar(node) && node.source !== undefined && { written: node.source }),
  };
}
