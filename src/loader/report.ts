/**
 * From a fault to a diagnostic: adds file, line, column, pointer and code frame.
 *
 * Checks speak of fields by path; this is the only place that knows how they are shown. Secrets are never
 * shown: a fault of a password has neither value nor frame.
 */
import type { Diagnostic, DiagnosticCode } from '../model/diagnostic.js';
import { codeFrame, withoutControls } from './code-frame.js';
import { type FieldPath, pointer } from './field-path.js';
import { locate, writtenPath } from './locate.js';
import { positionAt, type SourceText, type Span } from './source-text.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface Fault {
  /** Default: error. */
  readonly severity?: Diagnostic['severity'];
  readonly code: DiagnosticCode;
  readonly path: FieldPath;
  /** What to point at. Default: the value. */
  readonly part?: 'key' | 'value';
  /** Points into a scalar: so many characters after its first. */
  readonly offset?: number;
  /** Other fields that the rule looks at: while one of them is itself at fault, nobody knows of this one. */
  readonly reads?: readonly FieldPath[];
  readonly value?: unknown;
  readonly message: string;
  readonly hint?: string;
}

const MAX_VALUE_LENGTH = 80;

/** A fault of a field of a document. */
export function diagnose(document: ManifestDocument, fault: Fault): Diagnostic {
  const path = writtenPath(document, fault.path);
  const place = locate(document, path, fault.part ?? 'value');
  return diagnosticAt(document.source, pointInto(document, place.span, fault), { ...fault, path });
}

/** A fault of a part of a file. */
export function diagnosticAt(source: SourceText, span: Span, fault: Fault): Diagnostic {
  const secret = fault.path.some((step) => /password/i.test(String(step)));
  const value = secret ? undefined : shorten(fault.value);
  const frame = secret ? '' : codeFrame(source, span);
  return {
    severity: fault.severity ?? 'error',
    code: fault.code,
    origin: { file: source.file, ...positionAt(source, span.start) },
    path: pointer(fault.path),
    ...(value !== undefined && { value }),
    message: withoutControls(fault.message),
    ...(fault.hint !== undefined && { hint: withoutControls(fault.hint) }),
    ...(frame !== '' && { frame }),
  };
}

function pointInto(document: ManifestDocument, span: Span, fault: Fault): Span {
  if (fault.offset === undefined) return span;
  const { text } = document.source;
  const inner = /^["']/.test(text.slice(span.start, span.end)) ? span.start + 1 : span.start;
  // Escapes, folding and block scalars move the text: point at the whole scalar then.
  if (typeof fault.value !== 'string' || !text.startsWith(fault.value, inner)) return span;
  const start = Math.min(inner + fault.offset, span.end - 1);
  return { start, end: start + 1 };
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string')
    return withoutControls(
      value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH)}...` : value,
    );
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  const json = JSON.stringify(value);
  return json.length > MAX_VALUE_LENGTH ? `${json.slice(0, MAX_VALUE_LENGTH)}...` : value;
}
