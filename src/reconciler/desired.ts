/**
 * What one version of a source asks for, compiled for the store. PURE.
 */
import type { CompiledObject } from '../layout/compile.js';
import type { Layout } from '../layout/layout.js';
import type { ManifestCache } from '../loader/load.js';
import type { SourceTree, SourceVersion } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { type DesiredState, type ResourceId, type ResourceOf, resourcesOf } from '../model/resource.js';
import { checkManifests } from './check-manifests.js';

export interface Desired {
  readonly version: SourceVersion;
  readonly state: DesiredState;
  readonly compiled: ReadonlyMap<ResourceId, CompiledObject>;
  /** With one error or more, nothing of this may be written. */
  readonly diagnostics: readonly Diagnostic[];
  /** What the commit asks of the network that it leads to; one that fails keeps it out of the store. */
  readonly tests: readonly ResourceOf<'ConnectivityTest'>[];
}

export function prepareDesired(tree: SourceTree, layout: Layout, cache?: ManifestCache): Desired {
  const { version, files } = tree;
  const { state, compiled, diagnostics } = checkManifests(files, layout, { cache });
  if (errorsOf(diagnostics).length > 0)
    return { version, state, compiled: new Map(), diagnostics, tests: [] };
  const tests = resourcesOf(state.values(), 'ConnectivityTest');
  return { version, state, compiled, diagnostics, tests };
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
