import type { Diagnostic } from '../model/diagnostic.js';
import type { DesiredState } from '../model/resource.js';
import type { SourceFile } from './sources/source.js';

export interface LoadResult {
  readonly state: DesiredState;
  /** Errors and warnings, in the order of files and lines. With one error or more, `state` must not be used. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads manifests: parse, check against schema, fill defaults, check references. Pure: no file is opened. */
export declare function loadManifests(files: readonly SourceFile[]): LoadResult;
