/**
 * What Calico's tools export (`calicoctl get KIND -o yaml`, `kubectl get KIND.projectcalico.org -o yaml`), as manifests
 * for git. PURE.
 *
 * An export is the store's view of objects: lists, with ids and times of the server, with what hosts write there about
 * themselves. A repository wants what people decide. So what carries no decision goes: silently where it is a field
 * that says what a server says of itself or by default, else with a word. What carries one is never dropped: fields stay as they are, and `validate` says
 * which of them heddle does not enforce; an object that heddle has no kind for is an error of the whole import. A policy
 * that is lost on the way would open the network.
 */
import { stringify } from 'yaml';
import type { Diagnostic } from '../model/diagnostic.js';
import { KINDS } from '../model/kinds.js';
import type { Kind } from '../model/resource.js';
import type { FieldPath } from './field-path.js';
import { CALICO_VERSION, kindOf, NATIVE_VERSION } from './manifest-kind.js';
import { diagnose, diagnosticAt, type Fault } from './report.js';
import { decodeSource } from './source-text.js';
import type { SourceFile } from './sources/source.js';
import { type ManifestDocument, readDocuments } from './yaml-documents.js';

export interface ImportedManifest {
  /** `Kind/name`. */
  readonly id: string;
  /** Where it belongs in a repository: `ippools/default-ipv4-ippool.yaml`. */
  readonly path: string;
  readonly text: string;
}

export interface LeftOut {
  /** `Kind/name`, or `Kind/name spec.field`. */
  readonly id: string;
  readonly reason: string;
}

export interface CalicoImport {
  readonly manifests: readonly ImportedManifest[];
  /** Objects that carry no decision of people, and fields whose value says what heddle does not do. */
  readonly leftOut: readonly LeftOut[];
  /** With one of them, nothing of the export may be used. */
  readonly errors: readonly Diagnostic[];
}

/** Reads one exported file, YAML or JSON. Never throws for bad input. */
export function importCalico(file: SourceFile): CalicoImport {
  const source = decodeSource(file);
  if ('code' in source)
    return { ...NOTHING, errors: [diagnosticAt(source.source, source.span, { ...source, path: [] })] };
  const { documents, faults } = readDocuments(source);
  const items = documents.flatMap(itemsOf).map(importItem);
  const manifests = items.flatMap(({ manifest }) => (manifest ? [manifest] : []));
  return {
    manifests,
    leftOut: items.flatMap(({ leftOut }) => leftOut ?? []),
    errors: [
      ...faults.map((fault) => diagnosticAt(source, fault.span, { ...fault, path: [] })),
      ...items.flatMap(({ errors }) => errors ?? []),
    ],
  };
}

const NOTHING: CalicoImport = { manifests: [], leftOut: [], errors: [] };

/** Kinds of Calico that say nothing about what the network should be. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  ClusterInformation: 'Calico writes it about itself',
  BlockAffinity: 'it says which addresses are given out, not what should be',
  IPAMBlock: 'it says which addresses are given out, not what should be',
  IPAMHandle: 'it says which addresses are given out, not what should be',
  IPAMConfig: 'heddle assigns no addresses',
  IPAMConfiguration: 'heddle assigns no addresses',
  KubeControllersConfiguration: 'it is about a program that heddle does not have',
  CalicoNodeStatus: 'it asks a host something, and says nothing of what should be',
  StagedGlobalNetworkPolicy: 'it is not in force; propose it in a branch',
  StagedNetworkPolicy: 'it is not in force; propose it in a branch',
  StagedKubernetesNetworkPolicy: 'it is not in force; propose it in a branch',
};

/** Who makes endpoints when a container starts, under a name that ends with it. */
const RUNTIMES: ReadonlySet<unknown> = new Set(['k8s', 'cni', 'libnetwork', 'openstack']);

/** Kinds that heddle calls otherwise, with the same names and fields. */
const RENAMED: Readonly<Record<string, Kind>> = { FelixConfiguration: 'AgentConfiguration' };

/** Fields of spec about where an object came from. */
const BOOKKEEPING: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  Node: ['orchRefs', 'addresses', 'interfaces'],
  WorkloadEndpoint: ['containerID', 'pod', 'serviceAccountName'],
};

interface ServerField {
  /** What a server writes where nobody has decided; the order of a list says nothing. */
  readonly byDefault: unknown;
  /** Why any other value goes as well. Absent: it stays, and `validate` names it. */
  readonly reason?: string;
}

const NO_EBPF = 'heddle has no eBPF dataplane';
const NO_IPAM = 'heddle gives out no addresses';

/** Fields of spec that heddle does not have, or does not enforce, and that servers fill in. */
const SERVER_FIELDS: Readonly<Partial<Record<Kind, Readonly<Record<string, ServerField>>>>> = {
  AgentConfiguration: {
    bpfConnectTimeLoadBalancing: { byDefault: 'TCP', reason: NO_EBPF },
    bpfHostNetworkedNATWithoutCTLB: { byDefault: 'Enabled', reason: NO_EBPF },
    bpfLogLevel: { byDefault: '', reason: NO_EBPF },
    floatingIPs: { byDefault: 'Disabled' },
    logSeverityScreen: { byDefault: 'Info' },
    nftablesMode: { byDefault: 'Auto' },
    reportingInterval: { byDefault: '0s' },
  },
  BGPConfiguration: { serviceLoadBalancerAggregation: { byDefault: 'Enabled' } },
  BGPPeer: { localWorkloadSelector: { byDefault: '' } },
  GlobalNetworkPolicy: {
    namespaceSelector: { byDefault: '' },
    performanceHints: {
      byDefault: [],
      reason: 'it changes how fast Calico programs a policy, not what it means',
    },
    serviceAccountSelector: { byDefault: '' },
  },
  HostEndpoint: { ports: { byDefault: [] } },
  IPPool: {
    allowedUses: { byDefault: ['Tunnel', 'Workload'], reason: NO_IPAM },
    assignmentMode: { byDefault: 'Automatic', reason: NO_IPAM },
    namespaceSelector: { byDefault: '' },
  },
};

/** Copies of the whole object that servers and tools leave in it. */
const COPIES: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'projectcalico.org/metadata',
]);

interface Item {
  readonly document: ManifestDocument;
  /** Where in the document it stands. */
  readonly path: FieldPath;
  readonly value: Fields;
}

/** A map of which nothing is known; these are the keys that are asked for. */
type Fields = Readonly<Partial<Record<FieldName, unknown>>>;
type FieldName =
  | 'apiVersion'
  | 'kind'
  | 'metadata'
  | 'spec'
  | 'status'
  | 'items'
  | 'name'
  | 'labels'
  | 'annotations'
  | 'orchestrator';

interface ItemResult {
  readonly manifest?: ImportedManifest;
  readonly leftOut?: readonly LeftOut[];
  readonly errors?: readonly Diagnostic[];
}

/** The document itself, or what it lists. Items of a typed list may have no kind of their own. */
function itemsOf(document: ManifestDocument): Item[] {
  const { kind, apiVersion, items } = mapOf(document.value);
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items))
    return [{ document, path: [], value: mapOf(document.value) }];
  const typed = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.map((item, index) => ({
    document,
    path: ['items', index],
    value: { ...typed, ...mapOf(item) },
  }));
}

function importItem(item: Item): ItemResult {
  const [written, name] = [String(item.value.kind), mapOf(item.value.metadata).name];
  const reason = own(LEFT_OUT, written) ?? (isMadeByRuntime(item) ? MADE_BY_RUNTIME : undefined);
  if (reason !== undefined) return { leftOut: [{ id: `${written}/${name}`, reason }] };
  const value = renamed(item.value);
  const { kind, apiVersion, faults } = kindOf(value);
  if (kind && faults.length === 0 && isName(name))
    return {
      manifest: manifestOf(kind, name, { ...value, apiVersion }),
      leftOut: fieldsLeftOut(kind, name, mapOf(value.spec)),
    };
  const found = faults.length > 0 ? faults : [NAMELESS];
  return {
    errors: found.map((fault) =>
      diagnose(item.document, {
        ...fault,
        path: [...item.path, ...fault.path],
        ...(fault.code === 'unknown-api-version' && { hint: OTHER_VERSION }),
      }),
    ),
  };
}

const MADE_BY_RUNTIME = 'a container runtime made it, and makes another the next time';
const OTHER_VERSION = `Export it as ${CALICO_VERSION}: calicoctl get -o yaml; what is older, through calicoctl convert (v3.21 was the last to have it)`;

function isMadeByRuntime({ value: { kind, spec } }: Item): boolean {
  return kind === 'WorkloadEndpoint' && RUNTIMES.has(mapOf(spec).orchestrator);
}

/** Under heddle's name for the kind, if that is another one. */
function renamed(value: Fields): Fields {
  const kind = own(RENAMED, String(value.kind));
  if (!kind) return value;
  const { apiVersion } = value;
  return { ...value, kind, apiVersion: apiVersion === CALICO_VERSION ? NATIVE_VERSION : apiVersion };
}

/** Becomes the name of a file. */
function isName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name);
}

const NAMELESS: Fault = {
  code: 'invalid-value',
  path: ['metadata', 'name'],
  message:
    'metadata.name must be letters, digits, dot, underscore and dash, beginning with a letter or digit, at most 128',
  hint: 'Give it a name that is one',
};

function manifestOf(kind: Kind, name: string, value: Fields): ImportedManifest {
  const { apiVersion, metadata, spec, status: _, ...more } = value;
  const { labels, annotations } = mapOf(metadata);
  const notes = without(mapOf(annotations), COPIES);
  const written = {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(!isEmpty(labels) && { labels }),
      ...(!isEmpty(notes) && { annotations: notes }),
    },
    ...without(more, new Set(['kind'])),
    spec: without(mapOf(spec), fieldsToLeaveOut(kind, mapOf(spec))),
  };
  return {
    id: `${kind}/${name}`,
    path: `${KINDS[kind].plural}/${name}.yaml`,
    text: stringify(written, { lineWidth: 0, aliasDuplicateObjects: false }),
  };
}

function fieldsToLeaveOut(kind: Kind, spec: object): ReadonlySet<string> {
  const served = serverFields(kind, spec).filter(({ field, isDefault }) => isDefault || field.reason);
  return new Set([...(BOOKKEEPING[kind] ?? []), ...served.map(({ name }) => name)]);
}

/** Of what is left out, what was not the default. */
function fieldsLeftOut(kind: Kind, name: string, spec: object): readonly LeftOut[] {
  return serverFields(kind, spec).flatMap(({ name: field, value, isDefault, field: { reason } }) =>
    isDefault || reason === undefined
      ? []
      : [{ id: `${kind}/${name} spec.${field}`, reason: `${reason}; it was ${JSON.stringify(value)}` }],
  );
}

function serverFields(kind: Kind, spec: object) {
  const table = SERVER_FIELDS[kind] ?? {};
  return Object.entries(spec).flatMap(([name, value]: [string, unknown]) => {
    const field = own(table, name);
    return field ? [{ name, value, field, isDefault: isSame(value, field.byDefault) }] : [];
  });
}

function isSame(value: unknown, byDefault: unknown): boolean {
  const text = (one: unknown) => JSON.stringify(Array.isArray(one) ? one.map(String).sort() : one);
  // What is null was never set.
  return value === null || text(value) === text(byDefault);
}

/** What a table says of a word of others, who may have written `constructor`. */
function own<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function without(map: object, keys: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.has(key)));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(mapOf(value)).length === 0;
}

/** Empty where there is none. */
function mapOf(value: unknown): Fields {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? value : {};
}
