/**
 * HostEndpoint: /v1/host/<node>/endpoint/<name>.
 *
 * v1 lists the expected addresses by family, so their order across families is lost. Only these addresses feed
 * selectors; the interface (`*` for all) says where the rules go.
 */
import { familyOf } from '../../model/address.js';
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { address, interfaceName } from '../field-decoders.js';
import { type Decoder, decodeJson, list, object, text, textMap } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { firstValue, sortedMap, storedResource } from '../stored-values.js';

export const hostEndpointCodec: Codec<'HostEndpoint'> = {
  kind: 'HostEndpoint',

  encode({ metadata, spec }) {
    const expected = spec.expectedIPs ?? [];
    const value = compact({
      name: spec.interfaceName,
      expected_ipv4_addrs: expected.filter((ip) => familyOf(ip) === 4),
      expected_ipv6_addrs: expected.filter((ip) => familyOf(ip) === 6),
      profile_ids: spec.profiles ?? [],
      labels: sortedMap(metadata.labels),
    });
    const path = `/v1/host/${escapeName(spec.node)}/endpoint/${escapeName(metadata.name)}`;
    return [{ path, value: JSON.stringify(value) }];
  },

  identify(path) {
    const match = /^\/v1\/host\/([^/]+)\/endpoint\/([^/]+)$/.exec(path);
    return match ? storedId('HostEndpoint', ...match.slice(1)) : undefined;
  },

  decode(id, values) {
    const { path, text: value } = firstValue(values);
    const v1 = decodeJson(path, value, v1Endpoint);
    const [node = '', name = ''] = idSegments(id).map(unescapeName);
    const spec = compact({
      node,
      interfaceName: v1.name,
      expectedIPs: [...(v1.expected_ipv4_addrs ?? []), ...(v1.expected_ipv6_addrs ?? [])],
      profiles: v1.profile_ids ?? (v1.profile_id === undefined ? [] : [v1.profile_id]),
    });
    return storedResource('HostEndpoint', { name, labels: v1.labels }, spec, values);
  },
};

const anyInterfaceName: Decoder<string | undefined> = (value, place) => {
  if (value === '' || value === '*') return value || undefined;
  return interfaceName(value, place);
};

const v1Endpoint = object({
  name: anyInterfaceName,
  expected_ipv4_addrs: list(address),
  expected_ipv6_addrs: list(address),
  profile_ids: list(text),
  profile_id: text,
  labels: textMap,
});
