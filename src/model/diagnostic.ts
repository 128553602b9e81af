/**
 * What heddle says of bad input.
 *
 * Checks collect: a reader gets every fault of a commit at once. Each names the place, the value, the rule that
 * it breaks and the remedy. Codes are a closed union, so that tools can rely on them and unused ones are found.
 */
import type { Origin, ResourceId } from './resource.js';

export const DIAGNOSTIC_CODES = [
  'yaml-syntax',
  'yaml-limit',
  'yaml-document',
  'unreadable-file',
  'unknown-kind',
  'unknown-api-version',
  'unknown-field',
  'missing-field',
  'invalid-value',
  'not-supported-yet',
  'duplicate-resource',
  'duplicate-key',
  'dangling-reference',
  'missing-profile',
  'conflicting-resources',
  'address-outside-pools',
  'endpoint-without-policy',
  'shadowed-rule',
  'unmatchable-rule',
  'unmatched-selector',
  'unused-profile',
  'empty-source',
] as const;
export type DiagnosticCode = (typeof DIAGNOSTIC_CODES)[number];

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  readonly origin: Origin;
  /** JSON pointer into the document, or '' for the document as a whole. */
  readonly path: string;
  /** The offending value as JSON would show it, shortened; undefined where there is none. */
  readonly value?: unknown;
  /** What is wrong, in one sentence that includes the rule. No final period. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** The lines around the fault, with a caret, when the text is at hand. */
  readonly frame?: string;
}

/** A warning about a field of a resource, by whoever knows the resource and not its text. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly resource: ResourceId;
  /** Keys and indexes from the top of the manifest. */
  readonly path: readonly (string | number)[];
  /** What to point at. Default: the value. */
  readonly part?: 'key' | 'value';
  readonly value?: unknown;
  readonly message: string;
  readonly hint: string;
}
