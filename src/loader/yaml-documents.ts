/**
 * The YAML documents of one file: YAML 1.2, core schema, keys are strings.
 *
 * The package's lexer and parser run here step by step, so that depth is known before anything recursive sees
 * the tokens: its composer recurses, and a file of 100,000 brackets would end the whole process, not only the
 * parse. Everything after the first limit that is hit is left unread.
 */
import { Composer, type Document, isMap, isNode, Lexer, type ParsedNode, Parser, type YAMLError } from 'yaml';
import type { Origin, RuleOrigins } from '../model/resource.js';
import { ruleOriginsOf } from './rule-origins.js';
import { positionAt, type SourceText, type Span } from './source-text.js';
import { readValue, spanOf, type YamlFault } from './yaml-value.js';

/** One document that parsed, with its place, so that a field can be found in the text when it is needed. */
export interface ManifestDocument {
  readonly source: SourceText;
  readonly span: Span;
  /** The first key. */
  readonly origin: Origin;
  /** Of spec.ingress and spec.egress; taken here, because the tree is not kept. */
  readonly ruleOrigins?: RuleOrigins;
  readonly value: unknown;
  /** Fields that were checked under another name than the one in the text. */
  readonly renames?: ReadonlyMap<string, string>;
}

export interface DocumentsResult {
  readonly documents: readonly ManifestDocument[];
  readonly faults: readonly YamlFault[];
  /** The text of documents that gave no value: what it declares is unknown. */
  readonly unread: readonly string[];
}

export const MAX_DOCUMENTS = 10_000;
/** Levels of maps and lists; the deepest manifest has about 10. */
const MAX_DEPTH = 64;
const MAX_SYNTAX_FAULTS = 5;

export const YAML_OPTIONS = {
  version: '1.2',
  stringKeys: true,
  // Checked by readValue(): the package compares every pair of keys.
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** Parses a file. Documents without content are left out; those that cannot be understood too. */
export function readDocuments(source: SourceText): DocumentsResult {
  const documents: ManifestDocument[] = [];
  const faults: YamlFault[] = [];
  const unread: string[] = [];
  const lineOf = (offset: number): number => positionAt(source, offset).line;
  for (const parsed of composeDocuments(source.text, faults)) {
    const found = syntaxFaults(parsed, lineOf);
    if (found.length === 0 && !isNode(parsed.contents)) continue;
    const read = found.length === 0 ? readValue(parsed, lineOf) : { value: undefined, faults: found };
    faults.push(...read.faults);
    // Of a key that stands twice the first counts, so that the rest of the document is checked all the same.
    const isClear = found.length === 0 && read.faults.every(({ code }) => code === 'duplicate-key');
    if (!isClear) unread.push(source.text.slice(parsed.range[0], parsed.range[2]));
    else if (read.value !== null) documents.push(makeDocument(source, parsed, read.value));
  }
  const limit = faults.find(({ code, span }) => code === 'yaml-limit' && span.end > lastEnd(documents));
  if (limit) unread.push(source.text.slice(limit.span.start));
  return { documents, faults, unread };
}

function lastEnd(documents: readonly ManifestDocument[]): number {
  return documents.at(-1)?.span.end ?? 0;
}

type ParsedDocument = Document.Parsed<ParsedNode>;

function* composeDocuments(text: string, faults: YamlFault[]): Generator<ParsedDocument, void> {
  const parser = new Parser();
  const composer = new Composer<ParsedNode>(YAML_OPTIONS);
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      for (const document of composer.next(token)) {
        yield document;
        count += 1;
      }
    }
    const limit = exceededLimit(parser.stack.length, count);
    if (limit) {
      faults.push({ ...limit, code: 'yaml-limit', span: { start: parser.offset, end: parser.offset + 1 } });
      return;
    }
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end(false, text.length);
}

function exceededLimit(depth: number, count: number): { message: string; hint: string } | undefined {
  if (depth > MAX_DEPTH)
    return { message: `maps and lists are nested deeper than ${MAX_DEPTH}`, hint: 'No manifest needs that' };
  if (count >= MAX_DOCUMENTS)
    return {
      message: `the file has more than ${MAX_DOCUMENTS} documents`,
      hint: 'Split it into several files',
    };
  return undefined;
}

function syntaxFaults(document: ParsedDocument, lineOf: (offset: number) => number): YamlFault[] {
  const { yaml } = document.directives;
  const faults: YamlFault[] = [];
  if (yaml.explicit && yaml.version !== '1.2')
    faults.push({
      code: 'yaml-document',
      span: { start: document.range[0], end: document.range[0] + 3 },
      message: `the document asks for YAML ${yaml.version}, in which words such as no and on are booleans`,
      hint: 'Take the %YAML line away: manifests are YAML 1.2',
    });
  // One slip often makes several errors, on its own line or at the end: one for each line is enough.
  const byLine = new Map<number, YAMLError>();
  for (const error of [...document.errors, ...document.warnings]) {
    const line = lineOf(error.pos[0]);
    if (!byLine.has(line)) byLine.set(line, error);
  }
  for (const error of [...byLine.values()].slice(0, MAX_SYNTAX_FAULTS)) faults.push(syntaxFault(error));
  return faults;
}

function syntaxFault(error: YAMLError): YamlFault {
  return {
    code: error.code === 'RESOURCE_EXHAUSTION' ? 'yaml-limit' : 'yaml-syntax',
    span: { start: error.pos[0], end: Math.max(error.pos[0] + 1, error.pos[1]) },
    message: error.message.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()),
    hint: SYNTAX_HINTS[error.code] ?? 'Check the indentation, and quote values that hold : or #',
  };
}

const SYNTAX_HINTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'Indent with spaces',
  TAG_RESOLVE_FAILED: 'Quote the value if the ! is part of it: manifests have no tags',
  NON_STRING_KEY: 'Use a plain word as the key',
  BAD_ALIAS: 'Quote the value if the * is part of it',
  BAD_DQ_ESCAPE: 'Use single quotes, in which a backslash is a backslash',
  BAD_SCALAR_START: 'Quote the value',
  MULTILINE_IMPLICIT_KEY: 'A key and its colon stand on one line; check the indentation',
};

function makeDocument(source: SourceText, parsed: ParsedDocument, value: unknown): ManifestDocument {
  const first = isMap(parsed.contents) ? parsed.contents.items[0]?.key : parsed.contents;
  const offset = isNode(first) ? spanOf(first).start : parsed.range[0];
  const ruleOrigins = ruleOriginsOf(source, parsed);
  return {
    source,
    span: { start: parsed.range[0], end: parsed.range[2] },
    origin: { file: source.file, ...positionAt(source, offset) },
    ...(ruleOrigins && { ruleOrigins }),
    value,
  };
}
