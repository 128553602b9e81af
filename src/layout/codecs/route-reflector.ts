/**
 * RouteReflector: /bgp/v1/rr_v4/<ip>, the same at rr_v6 when it has an IPv6 address, and what v1 had no word for
 * (name, labels, IPv6 address, AS number, clients) at /heddle/v1/resources/routereflectors/<IPv4 address>.
 *
 * v1 knows a reflector by its address, so that is its id, also of the extra facts. A key below rr_v6 does not say
 * to which reflector it belongs; it is written for v1's readers and not read back.
 */

import { familyOf, parseAddress } from '../../model/address.js';
import type { SpecOf } from '../../model/resource.js';
import { compact } from '../compact.js';
import { idSegments, storedId } from '../escape.js';
import { address, address4, asNumber, selector } from '../field-decoders.js';
import { decodeJson, object, objectWith } from '../json-decoder.js';
import { type Codec, LayoutError } from '../layout.js';
import {
  decodeResourceValue,
  encodeResourceValue,
  resourcePath,
  resourceSegment,
} from '../resource-value.js';
import { firstValue, storedResource, valueEnding } from '../stored-values.js';

type Spec = SpecOf<'RouteReflector'>;

export const routeReflectorCodec: Codec<'RouteReflector'> = {
  kind: 'RouteReflector',

  encode({ kind, metadata, spec }) {
    const { ipv4Address, ipv6Address, asNumber: as, clientSelector } = spec;
    const extra = compact({ ipv6Address, asNumber: as, clientSelector });
    return [
      { path: `${RR_V4}${ipv4Address}`, value: encodeV1(ipv4Address, spec) },
      ...(ipv6Address ? [{ path: `/bgp/v1/rr_v6/${ipv6Address}`, value: encodeV1(ipv6Address, spec) }] : []),
      { path: resourcePath(kind, ipv4Address), value: encodeResourceValue(kind, metadata, extra) },
    ];
  },

  identify(path) {
    const segment = path.startsWith(RR_V4)
      ? path.slice(RR_V4.length)
      : resourceSegment('RouteReflector', path);
    const ip = segment === undefined ? undefined : parseAddress(segment);
    return ip && familyOf(ip) === 4 ? storedId('RouteReflector', ip) : undefined;
  },

  decode(id, values) {
    const ipv4Address = parseAddress(idSegments(id)[0] ?? '');
    if (!ipv4Address) throw new TypeError(`The id of a RouteReflector holds its address: ${id}`);
    const stored = valueEnding(values, `${RR_V4}${ipv4Address}`);
    if (!stored) {
      const { path, text } = firstValue(values);
      throw new LayoutError(
        path,
        text,
        `the key ${RR_V4}${ipv4Address}, which has the cluster id, is missing`,
      );
    }
    const v1 = decodeJson(stored.path, stored.text, v1Reflector);
    const resource = valueEnding(values, resourcePath('RouteReflector', ipv4Address));
    const extra = resource && decodeResourceValue(resource, extraFacts);
    const spec = { ipv4Address, clusterID: v1.cluster_id, ...extra?.spec };
    const metadata = { name: extra?.name ?? ipv4Address, labels: extra?.labels };
    return storedResource('RouteReflector', metadata, spec, values);
  },
};

const RR_V4 = '/bgp/v1/rr_v4/';

function encodeV1(ip: string, spec: Spec): string {
  return JSON.stringify({ ip, cluster_id: spec.clusterID });
}

const v1Reflector = objectWith(['cluster_id'], { ip: address, cluster_id: address4 });

const extraFacts = object({ ipv6Address: address, asNumber, clientSelector: selector }, 'refused');
