/**
 * From the files of one commit to the state that it asks for.
 *
 * Per file: YAML documents with positions, kind, schema, defaults, checks of the resource by itself
 * (parse-file.ts). Then, across files: duplicates, interface names, conflicts, references. Every fault of every
 * file is reported at once, in the order of files and lines. Pure: no file is opened here.
 */
import type { Diagnostic } from '../model/diagnostic.js';
import { type DesiredState, idOf, type Resource, type ResourceId } from '../model/resource.js';
import { agentConfigurations, checkConflicts } from './checks/conflict-check.js';
import { checkReferences } from './checks/reference-check.js';
import { interfacePrefix, nameInterface } from './defaults.js';
import { IGNORE_FILE, type IgnorePattern, isManifestPath, readIgnoreFile } from './ignore-file.js';
import type { Loaded, LoadedSet } from './loaded.js';
import { type ParsedFile, type ParsedManifest, parseManifestFile } from './parse-file.js';
import { diagnose, diagnosticAt } from './report.js';
import { decodeSource } from './source-text.js';
import type { SourceFile } from './sources/source.js';

export interface LoadResult {
  readonly state: DesiredState;
  /** Errors and warnings, in the order of files and lines. With one error or more, `state` must not be used. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Files parsed in earlier loads, by path and blob id; belongs to the caller, who loads again and again. */
export class ManifestCache {
  #files = new Map<string, ParsedFile>();

  /** Parses the files that are new, and forgets those that are gone. */
  parseAll(files: readonly SourceFile[]): ParsedFile[] {
    const kept = new Map<string, ParsedFile>();
    const parsed = files.map((file) => {
      const key = `${file.blobId} ${file.path}`;
      const result = this.#files.get(key) ?? parseManifestFile(file);
      kept.set(key, result);
      return result;
    });
    this.#files = kept;
    return parsed;
  }
}

/** Reads manifests: parse, check against schema, fill defaults, check references. Never throws for bad input. */
export function loadManifests(files: readonly SourceFile[], cache = new ManifestCache()): LoadResult {
  const ignore = readIgnore(files);
  const selected = files.filter((file) => isManifestPath(file.path, ignore.patterns));
  const parsed = cache.parseAll(selected);
  const manifests = parsed.flatMap((file) => file.manifests);
  const { resources, duplicates } = withoutDuplicates(manifests);
  const set = withInterfaceNames({
    resources,
    declared: new Set(manifests.map(({ id }) => id).filter((id) => id !== undefined)),
    complete: manifests.every(({ id }) => id !== undefined) && !parsed.some(hasUnreadParts),
  });
  const diagnostics = [
    ...ignore.diagnostics,
    ...parsed.flatMap((file) => file.diagnostics),
    ...duplicates,
    ...checkConflicts(set),
    ...checkReferences(set),
  ];
  if (manifests.length === 0 && diagnostics.length === 0) diagnostics.push(emptySource(selected.length));
  return { state: stateOf(set), diagnostics: diagnostics.sort(byPlace) };
}

function readIgnore(files: readonly SourceFile[]): {
  readonly patterns: readonly IgnorePattern[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const file = files.find(({ path }) => path === IGNORE_FILE);
  if (!file) return { patterns: [], diagnostics: [] };
  const source = decodeSource(file);
  if ('code' in source)
    return { patterns: [], diagnostics: [diagnosticAt(source.source, source.span, { ...source, path: [] })] };
  const { patterns, faults } = readIgnoreFile(source);
  return { patterns, diagnostics: faults.map(({ span, fault }) => diagnosticAt(source, span, fault)) };
}

/** Of several manifests with one id the first counts, and each later one is an error that names the first. */
function withoutDuplicates(manifests: readonly ParsedManifest[]): {
  readonly resources: readonly Loaded[];
  readonly duplicates: readonly Diagnostic[];
} {
  const first = new Map<ResourceId, ParsedManifest>();
  const resources: Loaded[] = [];
  const duplicates: Diagnostic[] = [];
  for (const manifest of manifests) {
    const { id, document, resource } = manifest;
    const earlier = id === undefined ? undefined : first.get(id);
    if (id !== undefined && earlier) {
      const { file, line } = earlier.document.origin;
      duplicates.push(
        diagnose(document, {
          code: 'duplicate-resource',
          path: ['metadata', 'name'],
          value: id.slice(id.indexOf('/') + 1),
          message: `${id} is declared twice, first in ${file}:${line}`,
          hint: 'Keep one of them, or rename it',
        }),
      );
      continue;
    }
    if (id !== undefined) first.set(id, manifest);
    if (resource) resources.push({ resource, document });
  }
  return { resources, duplicates };
}

/** True when a part of the file gave no manifest: what it would have declared is unknown. */
function hasUnreadParts(file: ParsedFile): boolean {
  return file.diagnostics.some(({ code }) => UNREAD.has(code));
}

const UNREAD: ReadonlySet<Diagnostic['code']> = new Set<Diagnostic['code']>([
  'yaml-syntax',
  'yaml-limit',
  'yaml-document',
  'duplicate-key',
  'unreadable-file',
]);

function withInterfaceNames(set: LoadedSet): LoadedSet {
  const configurations = agentConfigurations(set);
  const name = (resource: Resource): Resource =>
    resource.kind === 'WorkloadEndpoint'
      ? nameInterface(resource, interfacePrefix(configurations, resource.spec.node))
      : resource;
  return {
    ...set,
    resources: set.resources.map((loaded) => ({ ...loaded, resource: name(loaded.resource) })),
  };
}

function emptySource(files: number): Diagnostic {
  return {
    severity: 'warning',
    code: 'empty-source',
    origin: { file: '.', line: 1, col: 1 },
    path: '',
    message: files === 0 ? 'there is no .yaml or .yml file here' : 'the files hold no manifest',
    hint: 'Check the path, or begin with heddle init',
  };
}

function stateOf(set: LoadedSet): DesiredState {
  return new Map(set.resources.map(({ resource }) => [idOf(resource), resource]));
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.origin.file !== b.origin.file) return a.origin.file < b.origin.file ? -1 : 1;
  return a.origin.line - b.origin.line || a.origin.col - b.origin.col;
}
