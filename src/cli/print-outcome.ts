/**
 * What a reconcile did, or would do, on standard output; what stood against it, on standard error.
 */
import { renderPlan } from '../diff/render/human.js';
import { planDocument } from '../diff/render/json.js';
import { renderPlanMarkdown } from '../diff/render/markdown.js';
import { formatHuman, formatReport } from '../loader/format-diagnostics.js';
import type { ReconcileOutcome } from '../reconciler/reconcile-once.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { diagnosticStyle } from './load-folder.js';

export function printOutcome(
  outcome: ReconcileOutcome,
  context: CliContext,
  { output, color }: Pick<CommonOptions, 'output' | 'color'>,
): void {
  const { plan, failure, applied, diagnostics } = outcome;
  if (output === 'json') {
    const document = plan ? planDocument(plan) : formatReport(diagnostics);
    const spoiled = plan === undefined && failure ? { valid: false } : {};
    const result = { ...document, ...spoiled, ...(applied && { applied }), ...(failure && { failure }) };
    context.out(`${JSON.stringify(result)}\n`);
    return;
  }
  const colors = pickColors(color, context);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  context.err(formatHuman(errors, diagnosticStyle(colors)));
  const warnings = diagnostics.length - errors.length;
  if (errors.length === 0 && warnings > 0)
    context.err(colors.dim(`${warnings} warnings: heddle validate lists them\n`));
  if (plan) context.out(output === 'markdown' ? renderPlanMarkdown(plan) : renderPlan(plan, colors));
  if (applied) context.out(colors.green(`Applied as seq ${applied.seq} at revision ${applied.revision}.\n`));
  if (failure && failure.code !== 'invalid') context.err(`heddle: ${failure.message}\n`);
}
