/**
 * From tokens to a tree.
 *
 *   or        = and { "||" and }
 *   and       = operation { "&&" operation }
 *   operation = { "!" } ( "(" or ")" | "all()" | "global()" | "has(" label ")" | label operator value )
 *
 * `!` takes the whole operation after it: `!x == "y"` is !(x == "y"). Nesting is limited, so that a selector
 * read from the store cannot exhaust the stack of an agent.
 */
import type { SelectorNode } from './ast.js';
import { OPERATORS_HINT, SelectorSyntaxError, type Token, tokenize } from './tokenizer.js';

const MAX_DEPTH = 100;

/** Parses a selector; blank text is `all()`. @throws {SelectorSyntaxError} */
export function parseTokens(text: string): SelectorNode {
  const reader = new TokenReader(tokenize(text));
  if (reader.peek().type === 'end') return { type: 'all' };
  const node = parseOr(reader, 0);
  const rest = reader.peek();
  if (rest.type !== 'end')
    throw new SelectorSyntaxError(
      rest.column,
      `${describe(rest)} follows a complete selector`,
      afterHint(rest),
    );
  return node;
}

/** Walks over the tokens; the last one, `end`, is never passed. */
class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    const token = this.#tokens[this.#next];
    if (!token) throw new TypeError('A list of tokens ends with end');
    return token;
  }

  take(): Token {
    const token = this.peek();
    if (token.type !== 'end') this.#next += 1;
    return token;
  }

  takeIf(type: Token['type']): boolean {
    const found = this.peek().type === type;
    if (found) this.take();
    return found;
  }
}

function parseOr(reader: TokenReader, depth: number): SelectorNode {
  const operands = [parseAnd(reader, depth)];
  while (reader.takeIf('||')) operands.push(parseAnd(reader, depth));
  return operands.length === 1 && operands[0] ? operands[0] : { type: 'or', operands };
}

function parseAnd(reader: TokenReader, depth: number): SelectorNode {
  const operands = [parseOperation(reader, depth)];
  while (reader.takeIf('&&')) operands.push(parseOperation(reader, depth));
  return operands.length === 1 && operands[0] ? operands[0] : { type: 'and', operands };
}

function parseOperation(reader: TokenReader, depth: number): SelectorNode {
  let negated = false;
  while (reader.takeIf('!')) negated = !negated;
  const node = parsePositive(reader, depth);
  if (!negated) return node;
  return node.type === 'not' ? node.operand : { type: 'not', operand: node };
}

function parsePositive(reader: TokenReader, depth: number): SelectorNode {
  const token = reader.take();
  switch (token.type) {
    case 'all':
    case 'global':
      return { type: token.type };
    case 'has':
      return { type: 'has', label: token.text };
    case 'label':
      return parseComparison(reader, token);
    case '(':
      return parseGroup(reader, token, depth + 1);
    default:
      throw new SelectorSyntaxError(
        token.column,
        `${describe(token)} where a condition is expected`,
        token.type === 'string'
          ? "The label comes first, without quotes: role == 'db'"
          : "Write a condition such as role == 'db', has(role) or all()",
      );
  }
}

function parseGroup(reader: TokenReader, open: Token, depth: number): SelectorNode {
  if (depth > MAX_DEPTH)
    throw new SelectorSyntaxError(
      open.column,
      `parentheses are nested deeper than ${MAX_DEPTH}`,
      'Take away parentheses that change nothing',
    );
  const node = parseOr(reader, depth);
  const close = reader.take();
  if (close.type === ')') return node;
  throw new SelectorSyntaxError(
    close.column,
    `${describe(close)} where ) is expected, for the ( at column ${open.column}`,
    'Add the missing )',
  );
}

function parseComparison(reader: TokenReader, label: Token): SelectorNode {
  const operator = reader.take();
  switch (operator.type) {
    case '==':
    case '!=':
    case 'contains':
    case 'starts with':
    case 'ends with':
      return { type: operator.type, label: label.text, value: parseValue(reader) };
    case 'in':
    case 'not in':
      return { type: operator.type, label: label.text, values: parseSet(reader) };
    default:
      throw new SelectorSyntaxError(
        operator.column,
        `${describe(operator)} where an operator is expected after the label ${label.text}`,
        operator.type === 'end' ? `Write has(${label.text}) to ask for the label alone` : OPERATORS_HINT,
      );
  }
}

function parseValue(reader: TokenReader): string {
  const token = reader.take();
  if (token.type === 'string') return token.text;
  throw new SelectorSyntaxError(
    token.column,
    `${describe(token)} where a quoted value is expected`,
    token.type === 'label' ? `Quote the value: '${token.text}'` : "Write the value in quotes: 'db'",
  );
}

function parseSet(reader: TokenReader): ReadonlySet<string> {
  const values = new Set<string>();
  const open = reader.take();
  if (open.type !== '{')
    throw new SelectorSyntaxError(
      open.column,
      `${describe(open)} where a set is expected`,
      "Write the values in braces: {'a', 'b'}",
    );
  while (reader.peek().type !== '}') {
    values.add(parseValue(reader));
    const next = reader.peek();
    if (!reader.takeIf(',') && next.type !== '}')
      throw new SelectorSyntaxError(
        next.column,
        `${describe(next)} where , or } is expected`,
        'Separate the values with commas, and close the set with }',
      );
  }
  reader.take();
  return new Set([...values].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

function describe(token: Token): string {
  if (token.type === 'end') return 'the end';
  if (token.type === 'label') return `the label ${token.text}`;
  if (token.type === 'string') return `the string '${token.text}'`;
  return token.type;
}

function afterHint(token: Token): string {
  if (token.type === ')') return 'Take it away, or add the ( that it closes';
  return 'Join conditions with && or ||';
}
