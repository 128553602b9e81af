/**
 * WorkloadEndpoint: /v1/host/<node>/workload/<orchestrator>/<workload>/endpoint/<endpoint>.
 *
 * An endpoint is known by those four ids. The name in the manifest has no place in v1: what is decoded is named
 * after its workload when the other ids are the usual ones, and by all four (with slashes) otherwise.
 *
 * Each address inside a pool also takes its assignment key, so that nobody else is given the address; that key
 * belongs to the address, not to the endpoint, and is not read back here.
 */
import { type Cidr, cidrContains, familyOf, prefixLength } from '../../model/address.js';
import { DEFAULT_INTERFACE_PREFIX, workloadInterfaceName } from '../../model/interface-name.js';
import type { ResourceOf, SpecOf } from '../../model/resource.js';
import { compact } from '../compact.js';
import { assignmentPath, escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { address, interfaceName, mac, workloadNet } from '../field-decoders.js';
import { type Decoder, decodeJson, list, object, objectWith, oneOf, text, textMap } from '../json-decoder.js';
import type { Codec, EncodeContext } from '../layout.js';
import { firstValue, sortedMap, storedResource } from '../stored-values.js';

export const workloadEndpointCodec: Codec<'WorkloadEndpoint'> = {
  kind: 'WorkloadEndpoint',

  encode(resource, context) {
    return [
      { path: endpointPath(resource), value: JSON.stringify(encodeEndpoint(resource)) },
      ...assignments(resource.spec.ipNetworks, context).map((path) => ({ path, value: '' })),
    ];
  },

  identify(path) {
    const match = /^\/v1\/host\/([^/]+)\/workload\/([^/]+)\/([^/]+)\/endpoint\/([^/]+)$/.exec(path);
    return match ? storedId('WorkloadEndpoint', ...match.slice(1)) : undefined;
  },

  decode(id, values) {
    const { path, text: value } = firstValue(values);
    const v1 = decodeJson(path, value, v1Endpoint);
    const [node = '', orchestrator = '', workload = '', endpoint = ''] = idSegments(id).map(unescapeName);
    const isUsual = orchestrator === 'heddle' && endpoint === 'eth0';
    const name = isUsual ? workload : idSegments(id).join('/');
    const spec = compact({
      node,
      orchestrator,
      workload,
      endpoint,
      interfaceName: v1.name,
      mac: v1.mac,
      ipNetworks: [...(v1.ipv4_nets ?? []), ...(v1.ipv6_nets ?? [])],
      ipNATs: [...(v1.ipv4_nat ?? []), ...(v1.ipv6_nat ?? [])].map((nat) => ({
        internalIP: nat.int_ip,
        externalIP: nat.ext_ip,
      })),
      profiles: v1.profile_ids ?? (v1.profile_id === undefined ? [] : [v1.profile_id]),
      state: v1.state ?? 'active',
    });
    return storedResource('WorkloadEndpoint', { name, labels: v1.labels }, spec, values);
  },
};

function endpointPath({ metadata, spec }: ResourceOf<'WorkloadEndpoint'>): string {
  const host = `/v1/host/${escapeName(spec.node)}/workload/${escapeName(spec.orchestrator)}`;
  return `${host}/${escapeName(spec.workload ?? metadata.name)}/endpoint/${escapeName(spec.endpoint)}`;
}

function encodeEndpoint({ metadata, spec }: ResourceOf<'WorkloadEndpoint'>): object {
  const ids = { ...spec, workload: spec.workload ?? metadata.name };
  return compact({
    state: spec.state,
    name: spec.interfaceName ?? workloadInterfaceName(ids, DEFAULT_INTERFACE_PREFIX),
    mac: spec.mac ?? 'ee:ee:ee:ee:ee:ee',
    profile_ids: spec.profiles,
    ipv4_nets: spec.ipNetworks.filter((net) => familyOf(net) === 4),
    ipv6_nets: spec.ipNetworks.filter((net) => familyOf(net) === 6),
    ipv4_nat: encodeNats(spec.ipNATs, 4),
    ipv6_nat: encodeNats(spec.ipNATs, 6),
    labels: sortedMap(metadata.labels),
  });
}

function encodeNats(nats: SpecOf<'WorkloadEndpoint'>['ipNATs'], family: 4 | 6): object[] | undefined {
  const own = nats.filter((nat) => familyOf(nat.internalIP) === family);
  if (own.length === 0) return undefined;
  return own.map((nat) => ({ int_ip: nat.internalIP, ext_ip: nat.externalIP }));
}

/** One path for each address, in the narrowest pool that has it. */
function assignments(nets: readonly Cidr[], { pools }: EncodeContext): readonly string[] {
  const paths = nets.map((net) => {
    const around = pools.filter((pool) => cidrContains(pool, net));
    const [narrowest] = around.sort((a, b) => prefixLength(b) - prefixLength(a));
    return narrowest && assignmentPath(narrowest, net);
  });
  return [...new Set(paths)].filter((path) => path !== undefined);
}

const nat = objectWith(['int_ip', 'ext_ip'], { int_ip: address, ext_ip: address });

/** Python wrote an empty string where it had no value. */
function unlessBlank<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return (value, place) => (value === '' ? undefined : decoder(value, place));
}

const v1Endpoint = object({
  state: oneOf('active', 'inactive'),
  name: unlessBlank(interfaceName),
  mac: unlessBlank(mac),
  profile_ids: list(text),
  profile_id: text,
  ipv4_nets: list(workloadNet),
  ipv6_nets: list(workloadNet),
  ipv4_nat: list(nat),
  ipv6_nat: list(nat),
  labels: textMap,
});
