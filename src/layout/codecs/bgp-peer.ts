/**
 * BGPPeer: /bgp/v1/global/peer_v4|v6/<ip> for all nodes, /bgp/v1/host/<node>/peer_v4|v6/<ip> for one.
 *
 * v1 knows a peer by its address and gives it nothing but an AS number, which is a string (templates of the time
 * printed big numbers as 6.5e+04). A peer that v1 cannot say is stored as a resource: one with a selector, with
 * a port of its own (two sessions with one address are two peers), or without an AS number.
 */
import { type Address, parseAddress } from '../../model/address.js';
import { parsePeerAddress, v1PeerAddress } from '../../model/peer-address.js';
import type { ResourceOf, SpecOf } from '../../model/resource.js';
import { compact } from '../compact.js';
import { escapeName, familySegment, idSegments, storedId, unescapeName } from '../escape.js';
import { address, asNumber, duration, selector } from '../field-decoders.js';
import { decodeJson, flag, integer, list, object, oneOf, parsed, text } from '../json-decoder.js';
import { type Codec, LayoutError } from '../layout.js';
import {
  decodeResourceValue,
  encodeResourceValue,
  resourcePath,
  resourceSegment,
} from '../resource-value.js';
import { secret } from '../secret-decoder.js';
import { firstValue, type StoredValues, storedResource } from '../stored-values.js';

type Spec = SpecOf<'BGPPeer'>;

export const bgpPeerCodec: Codec<'BGPPeer'> = {
  kind: 'BGPPeer',

  encode(peer) {
    const ip = v1PeerAddress(peer.spec);
    if (ip === undefined) {
      const value = encodeResourceValue(peer.kind, peer.metadata, peer.spec);
      return [{ path: resourcePath(peer.kind, peer.metadata.name), value }];
    }
    const { node } = peer.spec;
    const base = node === undefined ? '/bgp/v1/global' : `/bgp/v1/host/${escapeName(node)}`;
    return [{ path: `${base}/peer_${familySegment(ip)}/${ip}`, value: encodeV1(ip, peer.spec) }];
  },

  identify(path) {
    const segment = resourceSegment('BGPPeer', path);
    if (segment !== undefined) return storedId('BGPPeer', 'name', segment);
    const match = V1_PATH.exec(path) ?? LEGACY_PATH.exec(path);
    const [, node, family, ip = ''] = match ?? [];
    const parsedIp = parseAddress(ip);
    if (!parsedIp || familySegment(parsedIp) !== family) return undefined;
    return node === undefined ? storedId('BGPPeer', 'global', ip) : storedId('BGPPeer', 'node', node, ip);
  },

  decode(id, values) {
    const [scope = '', ...segments] = idSegments(id);
    if (scope === 'name') return decodeResource(unescapeName(segments[0] ?? ''), values);
    const node = scope === 'node' ? unescapeName(segments[0] ?? '') : undefined;
    return decodeV1(idSegments(id).join('/'), node, segments.at(-1) ?? '', values);
  },
};

const V1_PATH = /^\/bgp\/v1\/(?:global|host\/([^/]+))\/peer_(v[46])\/([^/]+)$/;
const LEGACY_PATH = /^\/v1\/(?:config|host\/([^/]+))\/bgp_peer_(v[46])\/([^/]+)$/;

function encodeV1(ip: Address, spec: Spec): string {
  return JSON.stringify(
    compact({
      ip,
      as_num: String(spec.asNumber),
      local_as_num: spec.localASNumber === undefined ? undefined : String(spec.localASNumber),
      password: spec.password,
      keep_original_next_hop: spec.keepOriginalNextHop,
      next_hop_mode: spec.nextHopMode,
      source_address: spec.sourceAddress,
      max_restart_time: spec.maxRestartTime,
      keepalive_time: spec.keepaliveTime,
      bfd: spec.bfd,
      ttl_security: spec.ttlSecurity,
      num_allowed_local_as_numbers: spec.numAllowedLocalASNumbers,
      reachable_by: spec.reachableBy,
      reverse_peering: spec.reversePeering,
      filters: spec.filters,
    }),
  );
}

function decodeV1(
  name: string,
  node: string | undefined,
  ip: string,
  values: StoredValues,
): ResourceOf<'BGPPeer'> {
  const { path, text: value } = firstValue(values);
  const peer = decodeJson(path, value, v1Peer);
  if (peer.as_num === undefined) throw new LayoutError(path, value, 'as_num: missing');
  const spec = compact({
    node,
    peerIP: peer.ip ?? ip,
    asNumber: peer.as_num,
    localASNumber: peer.local_as_num,
    password: peer.password,
    keepOriginalNextHop: peer.keep_original_next_hop,
    nextHopMode: peer.next_hop_mode,
    sourceAddress: peer.source_address,
    maxRestartTime: peer.max_restart_time,
    keepaliveTime: peer.keepalive_time,
    bfd: peer.bfd,
    ttlSecurity: peer.ttl_security,
    numAllowedLocalASNumbers: peer.num_allowed_local_as_numbers,
    reachableBy: peer.reachable_by,
    reversePeering: peer.reverse_peering,
    filters: peer.filters,
  });
  return storedResource('BGPPeer', { name }, spec, values);
}

function decodeResource(name: string, values: StoredValues): ResourceOf<'BGPPeer'> {
  const stored = decodeResourceValue(firstValue(values), peerSpec);
  return storedResource('BGPPeer', { name, labels: stored.labels }, stored.spec ?? {}, values);
}

const peerAddress = parsed((text) => parsePeerAddress(text)?.text, 'an address, or an address and a port');

const modes = {
  nextHop: oneOf('Auto', 'Self', 'Keep'),
  source: oneOf('UseNodeIP', 'None'),
  reverse: oneOf('Auto', 'Manual'),
};
const ttl = integer(1, 255);
const allowedLocal = integer(0, 255);

const v1Peer = object({
  ip: address,
  as_num: asNumber,
  local_as_num: asNumber,
  password: secret,
  keep_original_next_hop: flag,
  next_hop_mode: modes.nextHop,
  source_address: modes.source,
  max_restart_time: duration,
  keepalive_time: duration,
  bfd: flag,
  ttl_security: ttl,
  num_allowed_local_as_numbers: allowedLocal,
  reachable_by: address,
  reverse_peering: modes.reverse,
  filters: list(text),
});

const peerSpec = object(
  {
    node: text,
    nodeSelector: selector,
    peerIP: peerAddress,
    peerSelector: selector,
    asNumber,
    localASNumber: asNumber,
    password: secret,
    keepOriginalNextHop: flag,
    nextHopMode: modes.nextHop,
    sourceAddress: modes.source,
    maxRestartTime: duration,
    keepaliveTime: duration,
    bfd: flag,
    ttlSecurity: ttl,
    numAllowedLocalASNumbers: allowedLocal,
    reachableBy: address,
    reversePeering: modes.reverse,
    filters: list(text),
  },
  'refused',
);
