/**
 * What `heddle lab probe` found, for people: a line for each test, and below it each packet that went otherwise.
 */
import { shortCommit } from '../../diff/summary.js';
import type { ProbeResult, ProbeSummary } from '../../lab/run-probes.js';
import type { TestReport, TestResult } from '../../verify/connectivity-test.js';
import { formatTestReport } from '../../verify/render/test-report.js';
import type { Colors } from '../context.js';
import { formatTable } from '../table.js';
import { verifyStyle } from '../verify-style.js';

/** @param commit - whose manifests say what should arrive */
export function formatProbes(
  summary: ProbeSummary,
  { results }: TestReport,
  colors: Colors,
  commit?: string,
): string {
  const rows = results.map((result) => rowOf(result, summary));
  const broken = results.filter(({ ok }) => !ok);
  const wrong = summary.probes.filter(({ ok }) => !ok);
  const report = { passed: results.length - broken.length, failed: broken.length, results: broken };
  const reasons = new Set(summary.skipped.map(({ reason }) => reason));
  const sum = `${summary.probes.length} probes, ${summary.mismatches} mismatches`;
  return [
    ...(commit === undefined ? [] : [colors.dim(`by commit ${shortCommit(commit)}, which is live`)]),
    ...formatTable(['TEST', 'EXPECT', 'ARRIVED', 'DROPPED', 'NOT SENT'], rows),
    ...[...reasons].map((reason) => colors.dim(`not sent: ${reason}`)),
    '',
    ...wrong.map((probe) => colors.red(describe(probe))),
    ...(broken.length > 0
      ? ['By the manifests themselves:', '', formatTestReport(report, verifyStyle(colors))]
      : []),
    wrong.length === 0 ? colors.green(sum) : colors.red(sum),
    '',
  ].join('\n');
}

function rowOf({ name, expect }: TestResult, { probes, skipped }: ProbeSummary): string[] {
  const own = probes.filter(({ test }) => test === name);
  const arrived = own.filter(({ got }) => got === 'allow').length;
  const unsent = skipped.filter(({ test }) => test === name).map(({ what }) => what);
  return [name, expect, String(arrived), String(own.length - arrived), unsent.join(', ') || '-'];
}

function describe({ test, src, dst, protocol, port, family, got, expected }: ProbeResult): string {
  const what = `${protocol}${port === undefined ? '' : `/${port}`} IPv${family}`;
  return `${src} -> ${dst} ${what}: ${got}, and the verifier says ${expected} (${test})`;
}
