/**
 * From the files of one commit to the state that it asks for.
 *
 * Per file: YAML documents with positions, kind, schema, defaults, checks of the resource by itself
 * (parse-file.ts). Then, across files: duplicates, interface names, conflicts, references. Every fault of every
 * file is reported at once, in the order of files and lines. Pure: no file is opened here.
 */
import type { Diagnostic, Finding } from '../model/diagnostic.js';
import { type DesiredState, idOf, type Resource, type ResourceId } from '../model/resource.js';
import { agentConfigurations, checkConflicts } from './checks/conflict-check.js';
import { checkReferences } from './checks/reference-check.js';
import { interfacePrefix, nameInterface } from './defaults.js';
import { IGNORE_FILE, type IgnorePattern, isManifestPath, readIgnoreFile } from './ignore-file.js';
import type { Loaded, LoadedSet } from './loaded.js';
import { type ParsedFile, type ParsedManifest, parseManifestFile } from './parse-file.js';
import { diagnose, diagnosticAt } from './report.js';
import { decodeSource, positionAt } from './source-text.js';
import type { SourceFile } from './sources/source.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface LoadResult {
  readonly state: DesiredState;
  /** Those whose documents have no error: what contradicts among them does so for a reason. */
  readonly sound: DesiredState;
  /** Errors and warnings, in the order of files and lines. With one error or more, `state` must not be used. */
  readonly diagnostics: readonly Diagnostic[];
  /** A finding about one of the resources, with its place in the text. */
  readonly diagnose: (finding: Finding) => Diagnostic;
}

/** Where parsed files outlive the process. What it gives must be what was put in, or nothing. */
export interface ParsedFiles {
  get(file: SourceFile): ParsedFile | undefined;
  put(file: SourceFile, parsed: ParsedFile): void;
  /** Of what it holds only these files are still of use. */
  keep(files: readonly SourceFile[]): void;
}

/** Files parsed in earlier loads, by path and blob id; belongs to the caller, who loads again and again. */
export class ManifestCache {
  readonly #store: ParsedFiles | undefined;
  #files = new Map<string, ParsedFile>();
  /** How many files the last load had to parse. */
  parsed = 0;

  constructor(store?: ParsedFiles) {
    this.#store = store;
  }

  /** Parses the files that are new, and forgets those that are gone. */
  parseAll(files: readonly SourceFile[]): ParsedFile[] {
    this.parsed = 0;
    const kept = new Map<string, ParsedFile>();
    const parsed = files.map((file) => {
      const key = `${file.blobId} ${file.path}`;
      const result = this.#files.get(key) ?? this.#store?.get(file) ?? this.#parse(file);
      kept.set(key, result);
      return result;
    });
    this.#files = kept;
    this.#store?.keep(files);
    return parsed;
  }

  #parse(file: SourceFile): ParsedFile {
    this.parsed += 1;
    const result = parseManifestFile(file);
    this.#store?.put(file, result);
    return result;
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
    unnamed: new Set(manifests.flatMap(({ id, kind }) => (id === undefined && kind ? [kind] : []))),
    unread: new Set(parsed.flatMap((file) => [...file.unread])),
  });
  const diagnostics = [
    ...ignore.diagnostics,
    ...parsed.flatMap((file) => file.diagnostics),
    ...duplicates,
    ...checkConflicts(set),
    ...checkReferences(set),
  ];
  if (manifests.length === 0 && diagnostics.length === 0) diagnostics.push(emptySource(selected.length));
  return {
    state: stateOf(set.resources),
    sound: stateOf(withoutErrors(set.resources, diagnostics)),
    diagnostics: diagnostics.sort(byPlace),
    diagnose: findingReader(set.resources),
  };
}

function findingReader(resources: readonly Loaded[]): LoadResult['diagnose'] {
  let documents: ReadonlyMap<ResourceId, ManifestDocument> | undefined;
  return ({ resource, ...finding }) => {
    documents ??= new Map(resources.map((loaded) => [idOf(loaded.resource), loaded.document]));
    const document = documents.get(resource);
    if (!document) throw new TypeError(`Nothing was loaded for ${resource}`);
    return diagnose(document, { severity: 'warning', ...finding });
  };
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
    const { id, document, resource, touched = [] } = manifest;
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
    if (resource) resources.push({ resource, document, touched });
  }
  return { resources, duplicates };
}

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

function withoutErrors(resources: readonly Loaded[], diagnostics: readonly Diagnostic[]): readonly Loaded[] {
  const lines = new Map<string, number[]>();
  for (const { severity, origin } of diagnostics) {
    if (severity !== 'error') continue;
    const known = lines.get(origin.file);
    if (known) known.push(origin.line);
    else lines.set(origin.file, [origin.line]);
  }
  return resources.filter(({ document: { source, span, origin } }) => {
    const found = lines.get(source.file);
    const last = found && positionAt(source, span.end).line;
    return !found?.some((line) => origin.line <= line && line <= (last ?? line));
  });
}

function stateOf(resources: readonly Loaded[]): DesiredState {
  return new Map(resources.map(({ resource }) => [idOf(resource), resource]));
}

/** For Array.prototype.sort: the order of files and lines. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.origin.file !== b.origin.file) return a.origin.file < b.origin.file ? -1 : 1;
  return a.origin.line - b.origin.line || a.origin.col - b.origin.col;
}
