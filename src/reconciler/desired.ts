/**
 * What one version of a source asks for, compiled for the store. PURE.
 */
import { type CompiledObject, compileState } from '../layout/compile.js';
import type { Layout } from '../layout/layout.js';
import { loadManifests, type ManifestCache } from '../loader/load.js';
import type { SourceTree, SourceVersion } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { type DesiredState, type ResourceId, resourcesOf } from '../model/resource.js';
import { runTests, type TestReport } from '../verify/connectivity-test.js';
import { networkFrom } from '../verify/network.js';

export interface Desired {
  readonly version: SourceVersion;
  readonly state: DesiredState;
  readonly compiled: ReadonlyMap<ResourceId, CompiledObject>;
  /** With one error or more, nothing of this may be written. */
  readonly diagnostics: readonly Diagnostic[];
  /** What the commit's own ConnectivityTests say of it; one that fails keeps it out of the store. */
  readonly tests: TestReport;
}

export function prepareDesired(tree: SourceTree, layout: Layout, cache?: ManifestCache): Desired {
  const { state, diagnostics } = loadManifests(tree.files, cache);
  // Resources with faults may contradict each other in ways that mean nothing.
  if (errorsOf(diagnostics).length > 0) {
    return { version: tree.version, state, compiled: new Map(), diagnostics, tests: NO_TESTS };
  }
  const compiled = compileState(state, layout);
  return {
    version: tree.version,
    state,
    compiled: compiled.objects,
    diagnostics: [...diagnostics, ...compiled.diagnostics],
    tests: testsOf(state),
  };
}

const NO_TESTS: TestReport = { passed: 0, failed: 0, results: [] };

function testsOf(state: DesiredState): TestReport {
  const tests = resourcesOf(state.values(), 'ConnectivityTest');
  return tests.length === 0 ? NO_TESTS : runTests(networkFrom(state.values()), tests);
}

/** The tests that fail, with their places; undefined when all hold. */
export function describeFailedTests({ results }: TestReport): string | undefined {
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return undefined;
  const named = failed.map(({ name, origin }) => `${name} (${origin.file}:${origin.line})`);
  return `ConnectivityTest ${named.join(', ')} fails: heddle test shows the packet`;
}

function errorsOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === 'error');
}

/** The first error with its place, and how many there are; undefined without errors. */
export function describeErrors(diagnostics: readonly Diagnostic[]): string | undefined {
  const [first, ...rest] = errorsOf(diagnostics);
  if (!first) return undefined;
  const { file, line, col } = first.origin;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : '';
  return `${file}:${line}:${col}: ${first.message}${more}`;
}
