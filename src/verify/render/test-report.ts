/**
 * Results of ConnectivityTests for people: one line for each that holds, and for one that does not the packet that
 * shows it, with the rules that decided.
 */
import { printable } from '../../model/printable.js';
import type { TestReport, TestResult } from '../connectivity-test.js';
import { PLAIN_STYLE, type VerifyStyle } from './style.js';
import { describeTrace, formatTrace } from './trace.js';

export function formatTestReport(report: TestReport, style: VerifyStyle = PLAIN_STYLE): string {
  const { results, passed } = report;
  if (results.length === 0) return 'there is no ConnectivityTest\n';
  const width = widthOf(results);
  const lines = results.map((result) => formatResult(result, width, style));
  const summary = summarizeTests(report);
  return `${lines.join('')}\n${passed === results.length ? style.allow(summary) : style.deny(summary)}\n`;
}

/** `9 of 9 connectivity tests hold`. */
export function summarizeTests({ results, passed }: TestReport): string {
  return `${passed} of ${results.length} connectivity tests hold`;
}

/** Those that fail first: in a plan they are the news. */
export function failuresFirst(report: TestReport): TestReport {
  const rank = ({ ok }: TestResult) => Number(ok);
  return { ...report, results: report.results.toSorted((a, b) => rank(a) - rank(b)) };
}

const FAILURES_SHOWN = 10;

/** Only those that fail, for a text in which lines that begin with - stand out. */
export function failureLines({ results }: TestReport): readonly string[] {
  const failed = results.filter(({ ok }) => !ok);
  const width = widthOf(failed);
  const shown = failed
    .slice(0, FAILURES_SHOWN)
    .flatMap((result) => `- ${formatResult(result, width, PLAIN_STYLE)}`.trimEnd().split('\n'));
  const hidden = failed.length - FAILURES_SHOWN;
  return hidden > 0 ? [...shown, `- and ${hidden} more fail`] : shown;
}

const NAMED = 3;

/** Those that fail, in a few lines, each with the packet that shows it; undefined when all hold. */
export function describeFailures({ results }: TestReport): string | undefined {
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return undefined;
  const named = failed.slice(0, NAMED).map(({ name, origin, expect, reason, counterexample }) => {
    const why = reason ?? (counterexample && describeTrace(counterexample)) ?? '';
    return printable(`ConnectivityTest ${name} (${origin.file}:${origin.line}) expects ${expect}: ${why}`);
  });
  const hidden = failed.length - named.length;
  return [...named, ...(hidden > 0 ? [`and ${hidden} more ConnectivityTests fail`] : [])].join('\n');
}

function widthOf(results: readonly TestResult[]): number {
  return results.reduce((width, { name }) => Math.max(width, name.length), 0);
}

function formatResult(result: TestResult, width: number, style: VerifyStyle): string {
  const { name, ok, expect, pairs, origin, reason, counterexample } = result;
  const word = ok ? style.allow('holds') : style.deny('FAILS');
  const count = `${pairs} ${pairs === 1 ? 'pair' : 'pairs'}`;
  const place = ok ? '' : `  ${style.dim(printable(`${origin.file}:${origin.line}`))}`;
  const head = `${word}  ${style.heading(printable(name).padEnd(width))}  ${expect.padEnd(5)}  ${count}${place}\n`;
  if (reason !== undefined) return `${head}       ${printable(reason)}\n`;
  if (!counterexample) return head;
  return head + formatTrace(counterexample, style).replaceAll(/^(?=.)/gm, '       ');
}
