/**
 * Results of ConnectivityTests for people: one line for each that holds, and for one that does not the packet that
 * shows it, with the rules that decided.
 */
import { printable } from '../../model/printable.js';
import type { TestReport, TestResult } from '../connectivity-test.js';
import { PLAIN_STYLE, type VerifyStyle } from './style.js';
import { formatTrace } from './trace.js';

export function formatTestReport({ results, passed }: TestReport, style: VerifyStyle = PLAIN_STYLE): string {
  if (results.length === 0) return 'there is no ConnectivityTest\n';
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.map((result) => formatResult(result, width, style));
  const summary = `${passed} of ${results.length} connectivity tests hold`;
  return `${lines.join('')}\n${passed === results.length ? style.allow(summary) : style.deny(summary)}\n`;
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
