/**
 * Diagnostics as text: for people, for programs, and as annotations of a pull request.
 *
 * Colours are functions that the caller passes in: what is written to a pipe gets the same text without them.
 */
import type { Diagnostic } from '../model/diagnostic.js';
import { printable } from '../model/printable.js';

/** How parts of the text are made to stand out. */
export interface DiagnosticStyle {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly place: (text: string) => string;
  readonly dim: (text: string) => string;
}

const asIs = (text: string): string => text;
export const PLAIN_STYLE: DiagnosticStyle = { error: asIs, warning: asIs, place: asIs, dim: asIs };

/** The JSON shape of `heddle validate`: absent fields are null. */
export interface DiagnosticReport {
  readonly valid: boolean;
  readonly errors: readonly ReportedDiagnostic[];
  readonly warnings: readonly ReportedDiagnostic[];
}

export interface ReportedDiagnostic {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly code: string;
  readonly path: string;
  readonly value: unknown;
  readonly message: string;
  readonly hint: string | null;
}

/** True when any of the diagnostics is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

/** One paragraph for each, and a line with their number. Empty for none. */
export function formatHuman(diagnostics: readonly Diagnostic[], style = PLAIN_STYLE): string {
  if (diagnostics.length === 0) return '';
  const paragraphs = diagnostics.map((diagnostic) => formatOne(diagnostic, style));
  return [...paragraphs, `${countOf(diagnostics)}\n`].join('\n');
}

/** A value for JSON.stringify. */
export function formatReport(diagnostics: readonly Diagnostic[]): DiagnosticReport {
  const bySeverity = (severity: Diagnostic['severity']): ReportedDiagnostic[] =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).map(reported);
  return { valid: !hasErrors(diagnostics), errors: bySeverity('error'), warnings: bySeverity('warning') };
}

/**
 * Workflow commands of GitHub Actions, one on each line. `folder` is where the files are in the repository, for
 * a source that is not its root.
 */
export function formatGithub(diagnostics: readonly Diagnostic[], folder = ''): string {
  return diagnostics
    .map(({ severity, code, origin, message, hint }) => {
      const file = folder === '' ? origin.file : `${folder.replace(/\/+$/, '')}/${origin.file}`;
      const properties = Object.entries({
        file,
        line: origin.line,
        col: origin.col,
        title: `heddle: ${code}`,
      })
        .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
        .join(',');
      return `::${severity} ${properties}::${escapeData(hint === undefined ? message : `${message}\n${hint}`)}\n`;
    })
    .join('');
}

function formatOne(diagnostic: Diagnostic, style: DiagnosticStyle): string {
  const { severity, code, origin, message, hint, frame } = diagnostic;
  const paint = severity === 'error' ? style.error : style.warning;
  const place = style.place(printable(`${origin.file}:${origin.line}:${origin.col}`));
  const lines = [`${place}: ${paint(severity)}: ${message} ${style.dim(`[${code}]`)}`];
  for (const line of frame?.split('\n') ?? []) {
    const isCarets = /^ +\| +\^+$/.test(line);
    lines.push(`  ${isCarets ? paint(line) : line.startsWith('>') ? line : style.dim(line)}`);
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return `${lines.join('\n')}\n`;
}

function countOf(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  return [plural(errors, 'error'), plural(warnings, 'warning')].filter((part) => part !== '').join(', ');
}

function plural(count: number, noun: string): string {
  if (count === 0) return '';
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function reported({ origin, code, path, value, message, hint }: Diagnostic): ReportedDiagnostic {
  return { ...origin, code, path, value: value ?? null, message, hint: hint ?? null };
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
