/**
 * BGPConfiguration: `default` at /bgp/v1/global/{as_num,node_mesh,loglevel}, `node.<name>` at
 * /bgp/v1/host/<name>/loglevel, and whatever v1 cannot say at /heddle/v1/resources/bgpconfigurations/<name>.
 *
 * The AS number of one host has a v1 key too, but that is the Node's. BIRD knew three log levels; the others
 * of v3 have no v1 spelling. Without the keys the defaults hold: AS 64512, full mesh. A value that cannot be read takes no
 * other along: a network whose log level is misspelt keeps its AS number and its peers.
 */
import type { SpecOf } from '../../model/resource.js';
import { parseScope, type Scope, scopeName } from '../../model/scope.js';
import { compact } from '../compact.js';
import { escapeName, unescapeName } from '../escape.js';
import { asNumber, cidr, duration, interfacePattern, parseAsNumber } from '../field-decoders.js';
import { decodeJson, flag, integer, list, object, objectWith, oneOf, text } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import {
  decodeResourceValue,
  encodeResourceValue,
  resourcePath,
  resourceSegment,
} from '../resource-value.js';
import { scopeId, scopeOf, scopeOfId } from '../scope.js';
import { secret } from '../secret-decoder.js';
import { rawValue, type StoredValues, storedResource, valueEnding } from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

type Spec = SpecOf<'BGPConfiguration'>;

export const bgpConfigurationCodec: Codec<'BGPConfiguration'> = {
  kind: 'BGPConfiguration',

  encode({ kind, metadata, spec }) {
    const scope = scopeOf(metadata.name);
    const { v1, rest } = splitSpec(scope, spec);
    const base = scope.type === 'global' ? '/bgp/v1/global' : `/bgp/v1/host/${escapeName(scope.node)}`;
    const entries = v1.map(([key, value]) => ({ path: `${base}/${key}`, value }));
    if (Object.keys(rest).length === 0) return entries;
    const value = encodeResourceValue(kind, { name: metadata.name, labels: {} }, rest);
    return [...entries, { path: resourcePath(kind, metadata.name), value }];
  },

  identify(path) {
    if (GLOBAL_PATHS.test(path)) return scopeId('BGPConfiguration', { type: 'global' });
    const node = /^\/bgp\/v1\/host\/([^/]+)\/loglevel$/.exec(path)?.[1];
    if (node !== undefined) return scopeId('BGPConfiguration', { type: 'node', node: unescapeName(node) });
    const segment = resourceSegment('BGPConfiguration', path);
    const scope = segment === undefined ? undefined : parseScope(unescapeName(segment));
    return scope && scopeId('BGPConfiguration', scope);
  },

  decode(id, values) {
    const scope = scopeOfId(id);
    const unreadable = new Unreadable();
    const stored = valueEnding(values, resourcePath('BGPConfiguration', scopeName(scope)));
    const restOfSpec = unreadable.object(REST_OF_SPEC, 'refused');
    const rest = stored && unreadable.attempt(() => decodeResourceValue(stored, restOfSpec).spec);
    const spec = { ...rest, ...decodeV1(values, unreadable) };
    return settle(storedResource('BGPConfiguration', { name: scopeName(scope) }, spec, values), unreadable);
  },
};

/** With the spelling of the first documents, which was a configuration parameter. */
const GLOBAL_PATHS = /^(?:\/bgp\/v1\/global\/(?:as_num|node_mesh|loglevel)|\/v1\/config\/bgp_node_mesh)$/;

const LOG_LEVELS = [
  ['Debug', 'debug'],
  ['Info', 'info'],
  ['None', 'none'],
] as const;

/** The values of the v1 keys by their last segment, and the fields that have none. */
function splitSpec(scope: Scope, spec: Spec): { v1: [string, string][]; rest: Spec } {
  const level = LOG_LEVELS.find(([severity]) => severity === spec.logSeverityScreen)?.[1];
  const withoutLevel = compact({ ...spec, logSeverityScreen: level ? undefined : spec.logSeverityScreen });
  const v1: [string, string][] = level ? [['loglevel', level]] : [];
  if (scope.type === 'node') return { v1, rest: withoutLevel };
  const { asNumber: as, nodeToNodeMeshEnabled: mesh } = spec;
  if (as !== undefined) v1.push(['as_num', String(as)]);
  if (mesh !== undefined) v1.push(['node_mesh', JSON.stringify({ enabled: mesh })]);
  return { v1, rest: compact({ ...withoutLevel, asNumber: undefined, nodeToNodeMeshEnabled: undefined }) };
}

function decodeV1(values: StoredValues, unreadable: Unreadable): Spec {
  const as = valueEnding(values, '/as_num');
  const mesh = valueEnding(values, '/node_mesh') ?? valueEnding(values, '/bgp_node_mesh');
  const level = valueEnding(values, '/loglevel');
  const attempt = <T>(read: () => T): T | undefined => unreadable.attempt(read);
  return compact({
    asNumber: as && attempt(() => rawValue(as, parseAsNumber, 'an AS number')),
    nodeToNodeMeshEnabled:
      mesh && attempt(() => decodeJson(mesh.path, mesh.text, object({ enabled: flag })).enabled),
    logSeverityScreen: level && attempt(() => rawValue(level, severityOf, 'debug, info or none')),
  });
}

function severityOf(level: string): 'Debug' | 'Info' | 'None' | undefined {
  return LOG_LEVELS.find(([, v1]) => v1 === level.toLowerCase())?.[0];
}

const REST_OF_SPEC = {
  asNumber,
  nodeToNodeMeshEnabled: flag,
  listenPort: integer(1, 65535),
  bindMode: oneOf('None', 'NodeIP'),
  logSeverityScreen: oneOf('Debug', 'Info', 'Warning', 'Error', 'Fatal', 'None'),
  nodeMeshPassword: secret,
  nodeMeshMaxRestartTime: duration,
  ignoredInterfaces: list(interfacePattern),
  // Any text: for one name that stands for nothing, no host may lose its AS number and its mesh.
  communities: list(objectWith(['name', 'value'], { name: text, value: text })),
  prefixAdvertisements: list(objectWith(['cidr', 'communities'], { cidr, communities: list(text) })),
};
