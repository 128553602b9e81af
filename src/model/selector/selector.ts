/**
 * Selectors: boolean expressions over labels, in Calico's grammar.
 *
 * Text is parsed once at the edge and travels branded; whoever needs the tree asks for it again here and gets
 * the one that is already there, because the same selector stands in many rules. Equal texts share one tree.
 */
import type { Brand } from '../brand.js';
import type { SelectorNode } from './ast.js';
import { parseTokens } from './parser.js';
import { SelectorSyntaxError } from './tokenizer.js';

/** The text of a selector that parses. Blank text never gets here: it is `all()`. */
export type SelectorText = Brand<string, 'SelectorText'>;

export interface SelectorError {
  /** Column in the text of the selector, from 1. */
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

export type SelectorResult =
  | { readonly ok: true; readonly ast: SelectorNode }
  | { readonly ok: false; readonly error: SelectorError };

/** A network has far fewer selectors than this; whoever writes more pays by parsing again. */
const MAX_REMEMBERED = 16_384;
const remembered = new Map<string, SelectorResult>();

/** Parses a selector, or says where and why it is none. Blank text is `all()`. */
export function parseSelector(text: string): SelectorResult {
  const known = remembered.get(text);
  if (known) return known;
  const result = parse(text);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, result);
  return result;
}

/** The tree of a text that has been checked. @throws {TypeError} for text that never was. */
export function selectorAst(text: SelectorText): SelectorNode {
  const result = parseSelector(text);
  if (!result.ok) throw new TypeError(`Not a selector: ${text}: ${result.error.message}`);
  return result.ast;
}

/** Brands text that parses, with its outer blanks trimmed; blank text becomes `all()`. */
export function toSelectorText(text: string): SelectorText | undefined {
  if (!parseSelector(text).ok) return undefined;
  return (text.trim() || 'all()') as SelectorText;
}

function parse(text: string): SelectorResult {
  try {
    return { ok: true, ast: parseTokens(text) };
  } catch (error) {
    if (!(error instanceof SelectorSyntaxError)) throw error;
    return { ok: false, error: { column: error.column, message: error.message, hint: error.hint } };
  }
}
