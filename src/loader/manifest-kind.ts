/**
 * Which kind a document is, before anything else is asked of it.
 *
 * A document that is not a manifest at all is an error too: files that belong to other tools are listed in
 * .heddleignore, so that nothing is left out by accident.
 */
import { KIND_NAMES, KINDS } from '../model/kinds.js';
import type { Kind } from '../model/resource.js';
import { suggest } from '../model/suggest.js';
import { IGNORE_FILE } from './ignore-file.js';
import type { Fault } from './report.js';

export const NATIVE_VERSION = 'heddle/v1';
export const CALICO_VERSION = 'projectcalico.org/v3';
export type ApiVersion = typeof NATIVE_VERSION | typeof CALICO_VERSION;

export interface KindResult {
  /** Also where its name or version has a slip; undefined when it is none of ours, or nobody knows. */
  readonly kind?: Kind;
  readonly apiVersion: ApiVersion;
  /** True when the document may be a manifest of any kind. */
  readonly isUnclear: boolean;
  readonly faults: readonly Fault[];
}

/** What to write instead of kinds that others have and heddle has not. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  NetworkPolicy: 'Namespaced kinds are not supported: write a GlobalNetworkPolicy',
  NetworkSet: 'Namespaced kinds are not supported: write a GlobalNetworkSet',
  StagedGlobalNetworkPolicy: 'Propose the GlobalNetworkPolicy in a branch, and look at reconcile --dry-run',
  StagedNetworkPolicy: 'Propose a GlobalNetworkPolicy in a branch, and look at reconcile --dry-run',
  FelixConfiguration: 'Write an AgentConfiguration: the field names are the same',
  ClusterInformation: 'Take it out: the running system owns it',
  BlockAffinity: 'Take it out: the running system owns it',
  IPAMBlock: 'Take it out: the running system owns it',
  IPAMHandle: 'Take it out: the running system owns it',
  List: 'Write each item as a document of its own: heddle import does, of what Calico exports',
};

/** Reads apiVersion and kind. */
export function kindOf(value: unknown): KindResult {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return faulty({
      code: 'yaml-document',
      path: [],
      message: `a manifest is a map with apiVersion, kind and metadata, and this is ${Array.isArray(value) ? 'a list' : 'a scalar'}`,
      hint: `Write a manifest, or list the file in ${IGNORE_FILE}`,
    });
  const [apiVersion, kind] = [topField(value, 'apiVersion'), topField(value, 'kind')];
  if (apiVersion === undefined && kind === undefined)
    return faulty({
      code: 'yaml-document',
      path: [],
      message: 'this document has neither apiVersion nor kind, so it is not a manifest',
      hint: `Add apiVersion: ${NATIVE_VERSION} and a kind, or list the file in ${IGNORE_FILE}`,
    });
  const meant = typeof kind === 'string' ? meantKind(kind) : undefined;
  return {
    ...(meant && { kind: meant }),
    apiVersion: apiVersion === CALICO_VERSION && meant && KINDS[meant].calico ? apiVersion : NATIVE_VERSION,
    isUnclear: typeof kind !== 'string',
    // The version of a kind of somebody else is their affair.
    faults: [
      ...kindFaults(kind),
      ...(meant || typeof kind !== 'string' ? versionFaults(apiVersion, kind) : []),
    ],
  };
}

/** The field, or what stands under a name with a slip in it: of that the schema check speaks. */
function topField(value: object, name: 'apiVersion' | 'kind'): unknown {
  const key = Object.hasOwn(value, name) ? name : Object.keys(value).find((one) => suggest(one, [name]));
  return key === undefined ? undefined : Reflect.get(value, key);
}

function faulty(fault: Fault): KindResult {
  return { apiVersion: NATIVE_VERSION, isUnclear: true, faults: [fault] };
}

function meantKind(text: string): Kind | undefined {
  if (isKind(text)) return text;
  const near = Object.hasOwn(REPLACEMENTS, text) ? undefined : suggest(text, KIND_NAMES);
  return near !== undefined && isKind(near) ? near : undefined;
}

function kindFaults(kind: unknown): Fault[] {
  if (typeof kind === 'string' && isKind(kind)) return [];
  if (kind === undefined)
    return [
      { code: 'missing-field', path: ['kind'], message: 'kind is missing', hint: `Known kinds: ${list()}` },
    ];
  const fault = { code: 'unknown-kind', path: ['kind'], value: kind } as const;
  if (typeof kind !== 'string')
    return [{ ...fault, message: 'kind must be a string', hint: `Known kinds: ${list()}` }];
  const replacement = Object.hasOwn(REPLACEMENTS, kind) ? REPLACEMENTS[kind] : undefined;
  const near = suggest(kind, KIND_NAMES);
  return [
    {
      ...fault,
      message: `there is no kind ${kind}`,
      hint:
        replacement ??
        (near ? `Did you mean ${near}?` : `Known kinds: ${list()}; or list the file in ${IGNORE_FILE}`),
    },
  ];
}

function versionFaults(apiVersion: unknown, kind: unknown): Fault[] {
  const known = typeof kind === 'string' && isKind(kind) ? kind : undefined;
  const versions = known && !KINDS[known].calico ? [NATIVE_VERSION] : [NATIVE_VERSION, CALICO_VERSION];
  if (versions.some((version) => version === apiVersion)) return [];
  if (apiVersion === undefined)
    return [
      {
        code: 'missing-field',
        path: ['apiVersion'],
        message: 'apiVersion is missing',
        hint: `Add apiVersion: ${NATIVE_VERSION}`,
      },
    ];
  return [
    {
      code: 'unknown-api-version',
      path: ['apiVersion'],
      value: apiVersion,
      message: `${known ?? 'a manifest'} has apiVersion ${versions.join(' or ')}`,
      hint: `Write apiVersion: ${NATIVE_VERSION}`,
    },
  ];
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

function list(): string {
  return KIND_NAMES.join(', ');
}
