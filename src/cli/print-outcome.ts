/**
 * What a reconcile did, or would do, on standard output; what stood against it, on standard error.
 */
import { renderPlan } from '../diff/render/human.js';
import { planDocument } from '../diff/render/json.js';
import { renderPlanMarkdown } from '../diff/render/markdown.js';
import { formatHuman, formatReport } from '../loader/format-diagnostics.js';
import type { ReconcileOutcome } from '../reconciler/reconcile-once.js';
import { formatTestReport } from '../verify/render/test-report.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { diagnosticStyle } from './load-folder.js';
import { verifyStyle } from './verify-style.js';

export function printOutcome(
  outcome: ReconcileOutcome,
  context: CliContext,
  { output, color }: Pick<CommonOptions, 'output' | 'color'>,
): void {
  const { plan, tests, failure, applied, diagnostics, against: comparedWith } = outcome;
  if (output === 'json') {
    const document = plan ? planDocument(plan) : formatReport(diagnostics);
    const spoiled = plan === undefined && failure ? { valid: false } : {};
    const tested = plan && tests ? { tests: { passed: tests.passed, failed: tests.failed } } : {};
    const result = {
      ...document,
      ...spoiled,
      ...tested,
      ...(applied && { applied }),
      ...(failure && { failure }),
    };
    context.out(`${JSON.stringify(result)}\n`);
    return;
  }
  const colors = pickColors(color, context);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  context.err(formatHuman(errors, diagnosticStyle(colors)));
  const warnings = diagnostics.length - errors.length;
  if (errors.length === 0 && warnings > 0)
    context.err(colors.dim(`${warnings} warnings: heddle validate lists them\n`));
  if (plan)
    context.out(
      output === 'markdown' ? renderPlanMarkdown(plan, comparedWith) : renderPlan(plan, colors, comparedWith),
    );
  if (plan && tests && tests.results.length > 0)
    context.out(`${output === 'markdown' ? '\n' : ''}${formatTestReport(tests, verifyStyle(colors))}`);
  if (applied) context.out(colors.green(`Applied as seq ${applied.seq} at revision ${applied.revision}.\n`));
  if (failure && failure.code !== 'invalid') context.err(`heddle: ${failure.message}\n`);
}
