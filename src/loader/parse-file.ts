/**
 * One file, by itself: text, documents, kinds, schema, defaults, and all checks that need no other resource.
 *
 * The outcome depends on the path and the bytes only, so a loop that reads a repository again and again keeps it
 * by the id of the blob (ManifestCache), and parses what changed.
 */
import type { Diagnostic } from '../model/diagnostic.js';
import { type Kind, type Resource, type ResourceId, resourceId } from '../model/resource.js';
import { checkSemantics } from './checks/semantic-check.js';
import { checkSupport } from './checks/support-check.js';
import { type CheckedManifest, completeResource } from './defaults.js';
import { kindOf } from './manifest-kind.js';
import { normalise } from './normalise.js';
import { diagnose, diagnosticAt, type Fault } from './report.js';
import { checkSchema } from './schema-check.js';
import { SCHEMAS } from './schemas.js';
import { decodeSource } from './source-text.js';
import type { SourceFile } from './sources/source.js';
import { type ManifestDocument, readDocuments } from './yaml-documents.js';

export interface ParsedManifest {
  readonly document: ManifestDocument;
  /** What it declares, also when it has faults; undefined when not even that can be read. */
  readonly id?: ResourceId;
  /** Undefined when the document does not follow its schema. With other faults it still meets its neighbours. */
  readonly resource?: Resource;
}

export interface ParsedFile {
  readonly manifests: readonly ParsedManifest[];
  readonly diagnostics: readonly Diagnostic[];
}

/** More faults than this in one file are one fault: usually the file is no manifest at all. */
const MAX_FAULTS = 100;

export function parseManifestFile(file: SourceFile): ParsedFile {
  const source = decodeSource(file);
  if ('code' in source)
    return {
      manifests: [],
      diagnostics: [diagnosticAt(source.source, source.span, { ...source, path: [] })],
    };
  const { documents, faults } = readDocuments(source);
  const diagnostics = faults.map((fault) => diagnosticAt(source, fault.span, { ...fault, path: [] }));
  const manifests: ParsedManifest[] = [];
  for (const document of documents) {
    const { faults: found, ...manifest } = parseDocument(document);
    manifests.push(manifest);
    if (diagnostics.length <= MAX_FAULTS)
      diagnostics.push(...found.slice(0, MAX_FAULTS).map((fault) => diagnose(document, fault)));
  }
  if (diagnostics.length <= MAX_FAULTS) return { manifests, diagnostics };
  const last = diagnosticAt(
    source,
    { start: 0, end: 0 },
    {
      code: 'yaml-limit',
      path: [],
      message: `the file has more than ${MAX_FAULTS} faults; the rest is not shown`,
      hint: 'Correct these first',
    },
  );
  return { manifests, diagnostics: [...diagnostics.slice(0, MAX_FAULTS), last] };
}

function parseDocument(document: ManifestDocument): ParsedManifest & { readonly faults: readonly Fault[] } {
  const found = kindOf(document.value);
  if ('faults' in found) return { document, faults: found.faults };
  const { kind } = found;
  const id = declaredId(kind, document.value);
  const named = { document, ...(id !== undefined && { id }) };
  const schemaFaults = checkSchema(kind, document);
  if (schemaFaults.length > 0) return { ...named, faults: schemaFaults };
  // The schema has checked the shape that this type describes.
  const manifest = normalise(document.value, SCHEMAS[kind]) as CheckedManifest;
  const resource = completeResource(manifest, document);
  const faults = [...checkSupport(resource), ...checkSemantics(resource)];
  return { ...named, resource, faults };
}

function declaredId(kind: Kind, value: unknown): ResourceId | undefined {
  const { metadata } = value as { readonly metadata?: unknown };
  const name = typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'name') : undefined;
  return typeof name === 'string' ? resourceId(kind, name) : undefined;
}
