/**
 * One file as text: decoded, limited in size, and with the offset of each line.
 *
 * YAML is UTF-8 here, nothing else. Bytes that are not, and control characters that YAML forbids, are refused
 * before a parser sees them: a half-decoded name would be a different name.
 */
import type { SourceFile } from './sources/source.js';

export interface SourceText {
  readonly file: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lineStarts: readonly number[];
}

/** Offsets into the text, from 0; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface DecodeFault {
  readonly code: 'unreadable-file' | 'yaml-limit';
  readonly source: SourceText;
  readonly span: Span;
  readonly message: string;
  readonly hint: string;
}

/** The only limit on one file: a source hands over what is larger, so that it is one fault among others. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Decodes a file, or says why it cannot be read. */
export function decodeSource(file: SourceFile): SourceText | DecodeFault {
  const nothing = makeSource(file.path, '');
  const start = { start: 0, end: 0 };
  if (file.bytes.length > MAX_FILE_BYTES)
    return {
      code: 'yaml-limit',
      source: nothing,
      span: start,
      message: `the file has more than ${MAX_FILE_BYTES / 2 ** 20} MiB (${MAX_FILE_BYTES} bytes), and is not read`,
      hint: 'Split it into several files, or list it in .heddleignore if it holds no manifests',
    };
  const text = decodeUtf8(file.bytes);
  if (text === undefined)
    return {
      code: 'unreadable-file',
      source: nothing,
      span: start,
      message: `the file is not UTF-8 (${describeBytes(file.bytes)})`,
      hint: 'Save it as UTF-8',
    };
  const source = makeSource(file.path, text);
  const control = text.search(FORBIDDEN);
  if (control < 0) return source;
  const code = text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0');
  return {
    code: 'unreadable-file',
    source,
    span: { start: control, end: control + 1 },
    message: `the control character U+${code} is not allowed in YAML`,
    hint: 'Take it away; in a double-quoted string it can be written as an escape',
  };
}

/** Line and column of an offset, both from 1. */
export function positionAt(
  source: SourceText,
  offset: number,
): { readonly line: number; readonly col: number } {
  let [low, high] = [0, source.lineStarts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, col: offset - (source.lineStarts[low] ?? 0) + 1 };
}

/** The text of a line, from 1, without its line break. */
export function lineText(source: SourceText, line: number): string {
  const start = source.lineStarts[line - 1];
  if (start === undefined) return '';
  return source.text.slice(start, source.lineStarts[line]).replace(/\r?\n$/, '');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that YAML 1.2 forbids (5.1)
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]/;

function makeSource(file: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function describeBytes(bytes: Uint8Array): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isUtf16 ? 'it looks like UTF-16' : 'some bytes mean no character';
}
