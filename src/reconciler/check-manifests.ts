/**
 * Everything that can be said of manifests before anybody looks at a store: what the loader finds, what cannot stand
 * side by side in etcd, and what is allowed but probably not meant. PURE.
 */
import { type CompiledState, compileState } from '../layout/compile.js';
import type { Layout } from '../layout/layout.js';
import { hasErrors } from '../loader/format-diagnostics.js';
import { byPlace, loadManifests, type ManifestCache } from '../loader/load.js';
import type { SourceFile } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { DesiredState } from '../model/resource.js';
import { lint } from '../verify/lint/lint.js';

export interface CheckedManifests {
  readonly state: DesiredState;
  readonly compiled: CompiledState['objects'];
  /** In the order of files and lines. With one error or more, nothing of this may be used. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface CheckOptions {
  readonly cache?: ManifestCache | undefined;
  /** True when there are more files than these: nothing is said that the others could change. */
  readonly isPart?: boolean;
}

export function checkManifests(
  files: readonly SourceFile[],
  layout: Layout,
  { cache, isPart = false }: CheckOptions = {},
): CheckedManifests {
  const { state, sound, diagnostics: found, diagnose } = loadManifests(files, cache);
  // Resources with faults may contradict each other in ways that mean nothing.
  const compiled = compileState(sound, layout);
  const errors = [...found, ...compiled.diagnostics];
  const findings = lint(sound.values(), { isWhole: !isPart && !hasErrors(errors) });
  const diagnostics = [...errors, ...findings.map(diagnose)].sort(byPlace);
  return { state, compiled: compiled.objects, diagnostics };
}
