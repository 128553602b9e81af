/**
 * IPPool: /v1/ipam/v4|v6/pool/<cidr>.
 *
 * A pool is known by its network; the name in the manifest is lost. `ipam` is the older spelling of `disabled`:
 * Go writers kept both, each the opposite of the other, and Python omitted whatever had its default. Without
 * `ipip` there is no encapsulation, whatever `ipip_mode` says.
 */
import type { SpecOf } from '../../model/resource.js';
import { compact } from '../compact.js';
import { cidrSegment, familySegment, idSegments, parseCidrSegment, storedId } from '../escape.js';
import { cidr, selector } from '../field-decoders.js';
import { decodeJson, flag, integer, object, oneOf, text } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { firstValue, storedResource } from '../stored-values.js';

export const ippoolCodec: Codec<'IPPool'> = {
  kind: 'IPPool',

  encode({ spec }) {
    const value = compact({
      cidr: spec.cidr,
      ...(spec.ipipMode !== 'Never' && { ipip: 'tunl0', ipip_mode: V1_MODES[spec.ipipMode] }),
      masquerade: spec.natOutgoing,
      ipam: !spec.disabled,
      disabled: spec.disabled,
      vxlan_mode: spec.vxlanMode === 'Never' ? undefined : V1_MODES[spec.vxlanMode],
      block_size: spec.blockSize,
      node_selector: spec.nodeSelector,
      disable_bgp_export: spec.disableBGPExport || undefined,
    });
    const path = `/v1/ipam/${familySegment(spec.cidr)}/pool/${cidrSegment(spec.cidr)}`;
    return [{ path, value: JSON.stringify(value) }];
  },

  identify(path) {
    const match = /^\/v1\/ipam\/(v[46])\/pool\/([^/]+)$/.exec(path);
    const segment = match?.[2] ?? '';
    const net = parseCidrSegment(segment);
    return net && familySegment(net) === match?.[1] ? storedId('IPPool', segment) : undefined;
  },

  decode(id, values) {
    const { path, text: value } = firstValue(values);
    const pool = decodeJson(path, value, v1Pool);
    const segment = idSegments(id).join('/');
    const net = pool.cidr ?? parseCidrSegment(segment);
    if (!net) throw new TypeError(`The id of an IPPool holds its network: ${id}`);
    const spec = compact({
      cidr: net,
      natOutgoing: pool.masquerade ?? false,
      disabled: pool.disabled === true || pool.ipam === false,
      ipipMode: pool.ipip ? (MODES.get(pool.ipip_mode) ?? 'Always') : 'Never',
      vxlanMode: MODES.get(pool.vxlan_mode) ?? 'Never',
      blockSize: pool.block_size,
      nodeSelector: pool.node_selector,
      disableBGPExport: pool.disable_bgp_export ?? false,
    });
    return storedResource('IPPool', { name: segment }, spec, values);
  },
};

type Mode = SpecOf<'IPPool'>['ipipMode'];
const V1_MODES = { Always: 'always', CrossSubnet: 'cross-subnet' } as const;
const MODES = new Map<string | undefined, Mode>([
  ['always', 'Always'],
  ['cross-subnet', 'CrossSubnet'],
]);

const v1Pool = object({
  cidr,
  ipip: text,
  ipip_mode: oneOf('', 'always', 'cross-subnet'),
  masquerade: flag,
  ipam: flag,
  disabled: flag,
  vxlan_mode: oneOf('', 'always', 'cross-subnet'),
  block_size: integer(20, 128),
  node_selector: selector,
  disable_bgp_export: flag,
});
