/**
 * Splits the text of a selector into tokens, each with its column.
 *
 * Words such as `in` and `contains` are operators only right after a label; anywhere else they are labels
 * themselves, as are `has`, `all` and `global` unless a parenthesis follows at once. Strings have no escapes:
 * a value with a double quote is written in single quotes. Line breaks count as blanks, so that a selector can
 * be a YAML block.
 */

export type Operator = '==' | '!=' | 'in' | 'not in' | 'contains' | 'starts with' | 'ends with';
export type TokenType =
  | Operator
  | 'label'
  | 'string'
  | 'has'
  | 'all'
  | 'global'
  | '!'
  | '&&'
  | '||'
  | '('
  | ')'
  | '{'
  | '}'
  | ','
  | 'end';

export interface Token {
  readonly type: TokenType;
  /** A label or a string without its quotes; the label of has(). Otherwise the type. */
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** Thrown inside the parser only: `parseSelector` turns it into a value. */
export class SelectorSyntaxError extends Error {
  override readonly name = 'SelectorSyntaxError';
  constructor(
    readonly column: number,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

export const OPERATORS_HINT = 'Use ==, !=, in {...}, not in {...}, contains, starts with or ends with';
const LABEL = /[A-Za-z0-9_./-]+/y;
const MAX_LABEL_LENGTH = 512;
const SYMBOL = /==|!=|&&|\|\||[!(){},]/y;
const OPERATOR_WORDS: readonly (readonly [Operator, RegExp])[] = [
  ['in', /in/y],
  ['not in', /not[ \t\r\n]*in/y],
  ['contains', /contains/y],
  ['starts with', /starts[ \t\r\n]*with/y],
  ['ends with', /ends[ \t\r\n]*with/y],
];
const WORDY_JOINS: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
]);
const FUNCTION = /(all|global|has)\([ \t\r\n]*([A-Za-z0-9_./-]*)[ \t\r\n]*(\)?)/y;
const BLANK = /[ \t\r\n]*/y;

/** The tokens of the text, the last being `end`. @throws {SelectorSyntaxError} */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    position += matchAt(BLANK, text, position)?.[0].length ?? 0;
    const column = position + 1;
    if (position === text.length) return [...tokens, { type: 'end', text: '', column }];
    const { length, ...token } = readToken(text, position, tokens.at(-1));
    tokens.push({ ...token, column });
    position += length;
  }
}

type ReadToken = Omit<Token, 'column'> & { readonly length: number };

function readToken(text: string, position: number, previous: Token | undefined): ReadToken {
  const symbol = matchAt(SYMBOL, text, position)?.[0];
  if (symbol) return { type: symbol as TokenType, text: symbol, length: symbol.length };
  const first = text.charAt(position);
  if (first === '"' || first === "'") return readString(text, position, first);
  if (previous?.type === 'label') return readOperatorWord(text, position, previous);
  return readFunction(text, position) ?? readLabel(text, position);
}

function readString(text: string, position: number, quote: string): ReadToken {
  const end = text.indexOf(quote, position + 1);
  if (end < 0)
    throw new SelectorSyntaxError(
      position + 1,
      'a string is not closed',
      `Close it with ${quote}; strings have no escapes`,
    );
  const value = text.slice(position + 1, end);
  if (hasControlCharacter(value))
    throw new SelectorSyntaxError(
      position + 1,
      'a string holds a line break or another control character',
      'Keep each string on one line; label values hold no control characters',
    );
  return { type: 'string', text: value, length: end + 1 - position };
}

function readOperatorWord(text: string, position: number, label: Token): ReadToken {
  for (const [operator, pattern] of OPERATOR_WORDS) {
    const word = matchAt(pattern, text, position)?.[0];
    if (word !== undefined) return { type: operator, text: operator, length: word.length };
  }
  const join = WORDY_JOINS.get(label.text.toLowerCase());
  if (join !== undefined)
    throw new SelectorSyntaxError(label.column, `${label.text} does not join conditions`, `Write ${join}`);
  throw new SelectorSyntaxError(
    position + 1,
    'a label must be followed by an operator',
    text.charAt(position) === '=' ? 'Write == to compare' : OPERATORS_HINT,
  );
}

function readFunction(text: string, position: number): ReadToken | undefined {
  const match = matchAt(FUNCTION, text, position);
  if (!match) return undefined;
  const [whole, name = '', label = '', close] = match;
  if (!close) throw new SelectorSyntaxError(position + 1, `${name}( is not closed`, 'Add the missing )');
  if (name === 'has' && label === '')
    throw new SelectorSyntaxError(position + 1, 'has() needs a label', 'Write has(role)');
  if (name !== 'has' && label !== '')
    throw new SelectorSyntaxError(position + 1, `${name}() takes no argument`, `Write ${name}()`);
  if (name === 'has') checkLabel(label, position + 1);
  return { type: name as 'has' | 'all' | 'global', text: label, length: whole.length };
}

function readLabel(text: string, position: number): ReadToken {
  const label = matchAt(LABEL, text, position)?.[0];
  if (label !== undefined) {
    checkLabel(label, position + 1);
    return { type: 'label', text: label, length: label.length };
  }
  const found = String.fromCodePoint(text.codePointAt(position) ?? 0);
  const doubled = '=&|'.includes(found);
  throw new SelectorSyntaxError(
    position + 1,
    `unexpected character ${JSON.stringify(found)}`,
    doubled ? `Write ${found}${found}` : 'Labels are made of letters, digits and _ . / -',
  );
}

function checkLabel(label: string, column: number): void {
  if (label.length > MAX_LABEL_LENGTH)
    throw new SelectorSyntaxError(
      column,
      `a label is longer than ${MAX_LABEL_LENGTH} characters`,
      'Shorten the label',
    );
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) if (character < ' ' || character === '\x7f') return true;
  return false;
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}
