/**
 * The lines around a fault, with carets under it.
 *
 *     3 |   name: web
 *   > 4 |   lables: {role: db}
 *       |   ^^^^^^
 *
 * Frames go to terminals and logs, so control characters are shown as a replacement, and what stands after a
 * key that names a password is not shown at all.
 */
import { lineText, positionAt, type SourceText, type Span } from './source-text.js';

const LINES_BEFORE = 2;
const MAX_WIDTH = 100;
const SECRET = /(pas+w\w*|secret\w*)(["']?\s*:\s*)(?![\s{#])\S.*/gi;

/** Draws the span. Empty for a file without text. */
export function codeFrame(source: SourceText, span: Span): string {
  if (source.text === '') return '';
  const { line, col } = positionAt(source, span.start);
  const last = positionAt(source, Math.max(span.start, span.end - 1));
  const width = String(line).length;
  const text = lineText(source, line);
  const end = Math.min(last.line === line ? last.col : text.length, text.length);
  const shift = col > MAX_WIDTH - 20 ? col - MAX_WIDTH / 2 : 0;
  const drawn: string[] = [];
  for (let number = Math.max(1, line - LINES_BEFORE); number <= line; number += 1) {
    const mark = number === line ? '>' : ' ';
    drawn.push(
      `${mark} ${String(number).padStart(width)} | ${clip(lineText(source, number), shift)}`.trimEnd(),
    );
  }
  const room = MAX_WIDTH - (col - 1 - shift);
  const carets = '^'.repeat(Math.max(1, Math.min(end - col + 1, room)));
  drawn.push(`  ${' '.repeat(width)} | ${' '.repeat(col - 1 - shift)}${carets}`);
  return drawn.join('\n');
}

/** Text from a manifest, made safe to print. */
export function withoutControls(text: string): string {
  return [...text].map((character) => (isControl(character) ? '\ufffd' : character)).join('');
}

function clip(text: string, shift: number): string {
  const shown = text.replace(SECRET, '$1$2<redacted>').replaceAll('\t', ' ');
  return withoutControls(shown.slice(shift, shift + MAX_WIDTH));
}

function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  // Besides C0 and C1: marks that turn the direction of text, with which a line can be made to look like another.
  return (
    code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) || isIsolate(code)
  );
}

function isIsolate(code: number): boolean {
  return code >= 0x2066 && code <= 0x2069;
}
