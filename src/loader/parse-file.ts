/**
 * One file, by itself: text, documents, kinds, schema, defaults, and all checks that need no other resource.
 *
 * The outcome depends on the path and the bytes only, so a loop that reads a repository again and again keeps it
 * by the id of the blob (ManifestCache), and parses what changed.
 */
import type { Diagnostic } from '../model/diagnostic.js';
import { type Kind, type Resource, type ResourceId, resourceId, splitResourceId } from '../model/resource.js';
import { checkShape, isTouched } from './check-shape.js';
import { checkSemantics } from './checks/semantic-check.js';
import { checkSupport } from './checks/support-check.js';
import { type CheckedManifest, completeResource } from './defaults.js';
import type { FieldPath } from './field-path.js';
import { type ApiVersion, kindOf } from './manifest-kind.js';
import { normalise } from './normalise.js';
import { diagnose, diagnosticAt, type Fault } from './report.js';
import { SCHEMAS } from './schemas.js';
import { decodeSource } from './source-text.js';
import type { SourceFile } from './sources/source.js';
import { type ManifestDocument, readDocuments } from './yaml-documents.js';

export interface ParsedManifest {
  readonly document: ManifestDocument;
  /** Undefined when it is none of ours, or nobody can tell. */
  readonly kind?: Kind;
  /** What it declares, also when it has faults; undefined when not even that can be read. */
  readonly id?: ResourceId;
  /** With its faults mended, if it has any, so that it still meets its neighbours. */
  readonly resource?: Resource;
  /** Fields of the resource that stand for something unreadable. */
  readonly touched?: readonly FieldPath[];
}

export interface ParsedFile {
  readonly manifests: readonly ParsedManifest[];
  readonly diagnostics: readonly Diagnostic[];
  /** The words of all parts that gave no manifest: a name among them may be declared there. */
  readonly unread: ReadonlySet<string>;
}

/** More faults than this in one file are one fault: usually the file is not a manifest at all. */
const MAX_FAULTS = 100;

export function parseManifestFile(file: SourceFile): ParsedFile {
  const source = decodeSource(file);
  if ('code' in source)
    return {
      manifests: [],
      diagnostics: [diagnosticAt(source.source, source.span, { ...source, path: [] })],
      // Without the zeros that UTF-16 has between letters.
      unread: wordsOf([new TextDecoder('latin1').decode(file.bytes).replaceAll('\0', '')]),
    };
  const { documents, faults, unread } = readDocuments(source);
  const unclear: string[] = [];
  const diagnostics = faults.map((fault) => diagnosticAt(source, fault.span, { ...fault, path: [] }));
  const manifests: ParsedManifest[] = [];
  for (const document of documents) {
    const { faults: found, isUnclear, ...manifest } = parseDocument(document);
    manifests.push(manifest);
    if (isUnclear) unclear.push(source.text.slice(document.span.start, document.span.end));
    if (diagnostics.length <= MAX_FAULTS)
      diagnostics.push(...found.slice(0, MAX_FAULTS + 1).map((fault) => diagnose(manifest.document, fault)));
  }
  const words = wordsOf([...unread, ...unclear]);
  if (diagnostics.length <= MAX_FAULTS) return { manifests, diagnostics, unread: words };
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
  return { manifests, diagnostics: [...diagnostics.slice(0, MAX_FAULTS), last], unread: words };
}

/** Everything that could be a name. */
function wordsOf(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.flatMap((text) => text.match(/[A-Za-z0-9][A-Za-z0-9_.-]*/g) ?? []));
}

interface ParsedDocument extends ParsedManifest {
  readonly faults: readonly Fault[];
  /** True when the document may be a manifest of any kind and name. */
  readonly isUnclear?: boolean;
}

function parseDocument(written: ManifestDocument): ParsedDocument {
  const { kind, apiVersion, isUnclear, faults: kindFaults } = kindOf(written.value);
  if (!kind) return { document: written, faults: kindFaults, isUnclear };
  const id = declaredId(kind, written.value);
  const named = { kind, ...(id !== undefined && { id }) };
  const { faults, mended } = checkShape(kind, {
    ...written,
    value: withKind(written.value, kind, apiVersion),
  });
  if (!mended) return { ...named, document: written, faults: [...kindFaults, ...faults] };
  const { value, touched, renames } = mended;
  const document = { ...written, renames };
  // The schema has checked the shape that this type describes.
  const manifest = normalise(value, SCHEMAS[kind]) as CheckedManifest;
  const name = id === undefined ? NO_NAME : splitResourceId(id).name;
  const resource = completeResource({ ...manifest, metadata: { ...manifest.metadata, name } }, document);
  const later = [...checkSupport(resource), ...checkSemantics(resource)].filter(({ path, reads = [] }) =>
    [path, ...reads].every((one) => !isTouched(touched, one)),
  );
  return { ...named, document, resource, touched, faults: [...kindFaults, ...faults, ...later] };
}

/** Of a document without a name: nobody refers to it. */
const NO_NAME = '(no name)';

/** With the kind and version that were meant: what is wrong with them has been said. */
function withKind(value: unknown, kind: Kind, apiVersion: ApiVersion): unknown {
  return typeof value === 'object' && value !== null ? { ...value, kind, apiVersion } : value;
}

function declaredId(kind: Kind, value: unknown): ResourceId | undefined {
  const { metadata } = value as { readonly metadata?: unknown };
  const name = typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'name') : undefined;
  return typeof name === 'string' ? resourceId(kind, name) : undefined;
}
