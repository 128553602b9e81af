/**
 * What a reconcile did, or would do, on standard output; what stood against it, on standard error.
 */
import { isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import { renderPlan } from '../diff/render/human.js';
import { type PlanDocument, type PlanMeaning, planDocument } from '../diff/render/json.js';
import { type MarkdownSection, renderPlanMarkdown } from '../diff/render/markdown.js';
import { formatHuman, formatReport } from '../loader/format-diagnostics.js';
import type { ReconcileOutcome } from '../reconciler/outcome.js';
import type { BgpImpact } from '../topology/propagation/bgp-impact.js';
import { impactLines, isWithoutImpact, summarizeImpact } from '../topology/propagation/describe-impact.js';
import {
  connectivityLines,
  describeExposure,
  formatConnectivity,
  isUnchanged,
  summarizeConnectivity,
} from '../verify/render/connectivity.js';
import {
  failureLines,
  failuresFirst,
  formatTestReport,
  summarizeTests,
} from '../verify/render/test-report.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { diagnosticStyle } from './load-folder.js';
import { verifyStyle } from './verify-style.js';

export function printOutcome(
  outcome: ReconcileOutcome,
  context: CliContext,
  { output, color }: Pick<CommonOptions, 'output' | 'color'>,
): void {
  const { plan, failures, applied, diagnostics } = outcome;
  if (output === 'json') {
    context.out(`${JSON.stringify(toJson(outcome))}\n`);
    return;
  }
  const colors = pickColors(color, context);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  context.err(formatHuman(errors, diagnosticStyle(colors)));
  const warnings = diagnostics.length - errors.length;
  if (errors.length === 0 && warnings > 0)
    context.err(
      colors.dim(`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}: heddle validate lists them\n`),
    );
  if (plan && output === 'markdown')
    context.out(
      renderPlanMarkdown(plan, { comparedWith: outcome.against, beside: sectionsOf(plan, outcome) }),
    );
  else if (plan)
    context.out(
      renderPlan(plan, colors, outcome.against) + formatMeaning(plan, outcome, verifyStyle(colors)),
    );
  if (applied) context.out(colors.green(`Applied as seq ${applied.seq} at revision ${applied.revision}.\n`));
  for (const { code, message } of failures) if (code !== 'invalid') context.err(`heddle: ${message}\n`);
}

/** The plan as it is saved, with what it means. */
export function documentOf(plan: Plan, outcome: ReconcileOutcome): PlanDocument {
  return planDocument(plan, meaningOf(outcome));
}

function toJson(outcome: ReconcileOutcome): object {
  const { plan, failure, failures, applied, diagnostics } = outcome;
  const document = plan ? documentOf(plan, outcome) : formatReport(diagnostics);
  const spoiled = plan === undefined && failure ? { valid: false } : {};
  return { ...document, ...spoiled, ...(applied && { applied }), ...(failure && { failure, failures }) };
}

function meaningOf({ tests, connectivity, bgp, against }: ReconcileOutcome): PlanMeaning {
  const { passed = 0, failed = 0, results = [] } = tests ?? {};
  return {
    tests: {
      passed,
      failed,
      on: against === 'store' ? 'store' : 'manifests',
      results: results.filter(({ ok }) => !ok),
    },
    connectivity: connectivity ?? { gained: [], lost: [] },
    bgp,
  };
}

const ALTERS_NOTHING = 'Alters no connectivity: everybody may say what they could before.';

function formatMeaning(
  plan: Plan,
  { connectivity, tests, bgp, against }: ReconcileOutcome,
  style: ReturnType<typeof verifyStyle>,
): string {
  const changes = plan.changes.some(isWritten) ? connectivity : undefined;
  const meaning =
    changes && (isUnchanged(changes) ? `${ALTERS_NOTHING}\n` : formatConnectivity(changes, style));
  const tested =
    tests && tests.results.length > 0
      ? `${formatTestReport(failuresFirst(tests), style).trimEnd()} ${style.dim(PLACES[against])}\n`
      : undefined;
  const peering = bgp && !isWithoutImpact(bgp) ? formatImpact(bgp, style) : undefined;
  return [meaning, peering, tested].map((block) => (block === undefined ? '' : `\n${block}`)).join('');
}

function formatImpact(bgp: BgpImpact, { heading, allow, deny }: ReturnType<typeof verifyStyle>): string {
  const paint = { '+': allow, '-': deny, '!': deny };
  const lines = impactLines(bgp).map(({ mark, text }) => `  ${paint[mark](mark)} ${text}`);
  return [heading('BGP'), ...lines, summarizeImpact(bgp), ''].join('\n');
}

const ON_MANIFESTS = '(on the manifests alone)';
const PLACES = {
  store: '(on the store with this plan)',
  commit: ON_MANIFESTS,
  nothing: ON_MANIFESTS,
} as const;

/** The tests that fail first, then who could talk to whom. */
function sectionsOf(plan: Plan, { connectivity, tests, bgp, against }: ReconcileOutcome): MarkdownSection[] {
  const sections: MarkdownSection[] = [];
  if (tests && tests.results.length > 0)
    sections.push({ title: `${summarizeTests(tests)} ${PLACES[against]}`, lines: failureLines(tests) });
  if (connectivity && plan.changes.some(isWritten))
    sections.push(
      isUnchanged(connectivity)
        ? { title: ALTERS_NOTHING, lines: [] }
        : {
            title: `Who could then talk to whom: ${summarizeConnectivity(connectivity).replace(/^connectivity: /, '')}`,
            alarm: describeExposure(connectivity),
            lines: connectivityLines(connectivity),
          },
    );
  if (bgp && !isWithoutImpact(bgp))
    sections.push({
      title: summarizeImpact(bgp),
      lines: impactLines(bgp).map(({ mark, text }) => `${mark} ${text}`),
    });
  return sections;
}
