/**
 * Which files of a source are manifests: `.yaml` and `.yml`, in no folder that begins with a dot, and not
 * listed in the `.heddleignore` at the root.
 *
 * The list is a part of gitignore's language. One pattern on a line; `#` begins a comment. `*` stands for any
 * characters but `/`, `?` for one of them, and a `**` between slashes for any number of folders. A pattern with
 * a `/` before its end is relative to the root, any other holds in every folder. A pattern that names a folder
 * leaves out all that is in it. Taking back with `!` is not possible, and said so.
 */
import type { Fault } from './report.js';
import type { SourceText, Span } from './source-text.js';

export const IGNORE_FILE = '.heddleignore';
const MAX_PATTERN_LENGTH = 256;

/** Segments of a path pattern, `**` being one of its own. */
export type IgnorePattern = readonly string[];

export interface IgnoreList {
  readonly patterns: readonly IgnorePattern[];
  readonly faults: readonly { readonly span: Span; readonly fault: Fault }[];
}

/** Reads the patterns of an ignore file. */
export function readIgnoreFile(source: SourceText): IgnoreList {
  const patterns: IgnorePattern[] = [];
  const faults: { span: Span; fault: Fault }[] = [];
  for (const [index, line] of source.text.split(/\r?\n/).entries()) {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const message = refusal(pattern);
    if (message === undefined) {
      patterns.push(splitPattern(pattern));
      continue;
    }
    const start = (source.lineStarts[index] ?? 0) + line.indexOf(pattern);
    const hint = 'Write file names or folders, with *, ? and **';
    faults.push({
      span: { start, end: start + pattern.length },
      fault: { code: 'invalid-value', path: [], value: pattern, message, hint },
    });
  }
  return { patterns, faults };
}

/** True for `.yaml` and `.yml`, also in capitals: a network that lacks a file without a word is worse than an odd name. */
export function isYamlName(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** True when the file is to be read as a manifest. */
export function isManifestPath(path: string, ignored: readonly IgnorePattern[]): boolean {
  if (!isYamlName(path)) return false;
  const segments = path.split('/');
  if (segments.slice(0, -1).some((folder) => folder.startsWith('.'))) return false;
  // A folder that matches takes its contents along, so every leading part of the path is tried.
  return !segments.some((_, index) =>
    ignored.some((pattern) => matchesPath(pattern, segments.slice(0, index + 1))),
  );
}

function refusal(pattern: string): string | undefined {
  if (pattern.startsWith('!')) return 'a pattern that begins with ! is not supported';
  if (pattern.length > MAX_PATTERN_LENGTH) return `a pattern is longer than ${MAX_PATTERN_LENGTH} characters`;
  if (/[[\]\\]/.test(pattern)) return 'brackets and backslashes are not supported in a pattern';
  return undefined;
}

function splitPattern(pattern: string): IgnorePattern {
  const trimmed = pattern.replace(/\/+$/, '');
  const segments = trimmed.split('/').filter((segment) => segment !== '');
  return trimmed.includes('/') ? segments : ['**', ...segments];
}

function matchesPath(pattern: IgnorePattern, path: readonly string[]): boolean {
  return matchSequence(pattern, path, (segment) => segment === '**', matchesSegment);
}

function matchesSegment(pattern: string, segment: string): boolean {
  return matchSequence(
    [...pattern],
    [...segment],
    (character) => character === '*',
    (character, actual) => character === '?' || character === actual,
  );
}

/**
 * Matches a sequence against one with wildcards. Going back only to the last wildcard is enough, because an
 * earlier one could not match more: the cost is the product of the lengths, never more.
 */
function matchSequence(
  pattern: readonly string[],
  actual: readonly string[],
  isWildcard: (item: string) => boolean,
  matches: (item: string, actual: string) => boolean,
): boolean {
  let [at, position, wildcard, resume] = [0, 0, -1, 0];
  while (at < actual.length) {
    const item = pattern[position];
    if (item !== undefined && isWildcard(item)) {
      wildcard = position;
      resume = at;
      position += 1;
    } else if (item !== undefined && matches(item, actual[at] ?? '')) {
      at += 1;
      position += 1;
    } else if (wildcard >= 0) {
      resume += 1;
      at = resume;
      position = wildcard + 1;
    } else return false;
  }
  return pattern.slice(position).every(isWildcard);
}
