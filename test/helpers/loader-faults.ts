/**
 * Mistakes in manifests, a row each: where, which, and words that its message and remedy must hold (law 8).
 */
import test from 'ava';
import { loadManifests } from '../../src/loader/load.js';
import type { Diagnostic, DiagnosticCode } from '../../src/model/diagnostic.js';
import { sourceFiles } from './source-files.js';

/** Where and what: line:col, code, and words that message and hint must hold. */
export type Expected = readonly [place: string, code: DiagnosticCode, words: RegExp];

/** What the loader says of these files. */
export function faultsOf(files: Readonly<Record<string, string | Uint8Array>>): readonly Diagnostic[] {
  return loadManifests(sourceFiles(files)).diagnostics;
}

/** The faults of one file, all of them, in order. */
export const finds = test.macro({
  exec(t, text: string, ...expected: Expected[]) {
    const found = faultsOf({ 'net.yaml': text }).filter(
      ({ code }) => !NOISE.has(code) || expected.some(([, c]) => c === code),
    );
    t.deepEqual(
      found.map(({ origin, code }) => `${origin.line}:${origin.col} ${code}`),
      expected.map(([place, code]) => `${place} ${code}`),
      found.map(({ message }) => message).join('\n'),
    );
    for (const [index, [, , words]] of expected.entries())
      t.regex(`${found[index]?.message}; ${found[index]?.hint}`, words);
  },
  title: (title = '') => `loadManifests() finds the faults and no others: ${title}`,
});

/** What most of these small networks earn, and the rows are not about: counted only where a row names it. */
const NOISE: ReadonlySet<DiagnosticCode> = new Set<DiagnosticCode>([
  'endpoint-without-policy',
  'address-outside-pools',
  'not-supported-yet',
]);

/** Four lines: apiVersion, kind, metadata, spec; and the line that ends the document. */
export const doc = (kind: string, name: string, spec = '{}', apiVersion = 'heddle/v1'): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n---\n`;
export const node = (name: string, spec = '{}'): string => doc('Node', name, spec);
/** A profile whose ingress rules begin on line 6. */
export const profile = (rules: string): string => `${doc('Profile', 'web', `\n  ingress:\n${rules}`)}`;
