/**
 * A plan says beforehand what a change of overlay costs: octets, MTU, packets. A table of pools before and
 * after.
 */
import test from 'ava';
import type { Cidr } from '../../../src/model/address.js';
import { describeOverlay, overlayChanges } from '../../../src/topology/propagation/overlay-change.js';
import { cidr, resource } from '../../helpers/build-resources.js';

type Mode = 'Never' | 'Always' | 'CrossSubnet';

const pools = (...all: readonly (readonly [net: string, vxlan: Mode, ipip?: Mode])[]) => ({
  pools: new Map(
    all.map(([net, vxlanMode, ipipMode = 'Never']) => [
      net,
      resource('IPPool', `pool-${net.length}`, { cidr: cidr(net), vxlanMode, ipipMode, ...REST }),
    ]),
  ),
});
const REST = { natOutgoing: false, disabled: false, disableBGPExport: false };
const V4 = '192.168.0.0/16';

const tells = test.macro({
  exec(t, before: ReturnType<typeof pools>, after: ReturnType<typeof pools>, expected: readonly string[]) {
    t.deepEqual(overlayChanges(before, after).map(describeOverlay), expected);
  },
  title: (title = '') => `overlayChanges() tells ${title}`,
});
const LOST = 'some are lost while hosts change over';

test(
  'nothing of what stays, comes or goes',
  tells,
  pools([V4, 'Always'], ['10.0.0.0/8', 'Always']),
  pools([V4, 'Always'], ['fd00::/64', 'Always']),
  [],
);
test(
  'of a pool that is put into VXLAN, and what workloads need then',
  tells,
  pools([V4, 'Never']),
  pools([V4, 'Always']),
  [
    `between hosts packets of ${V4} go through VXLAN: 50 octets more a packet, so workloads need an MTU that is smaller by that (1500 becomes 1450); ${LOST}`,
  ],
);
test(
  'of IPv6, whose headers are larger',
  tells,
  pools(['fd00::/64', 'Never']),
  pools(['fd00::/64', 'CrossSubnet']),
  [
    `between hosts packets of fd00::/64 go through VXLAN where they leave the subnet: 70 octets more a packet, so workloads need an MTU that is smaller by that (1500 becomes 1430); ${LOST}`,
  ],
);
test(
  'of a change to less, without a word about the MTU',
  tells,
  pools([V4, 'Always']),
  pools([V4, 'Never', 'Always']),
  [`between hosts packets of ${V4} go through IP in IP; ${LOST}`],
);
test('of a pool that is taken out, which is how many octets less', (t) => {
  const [change] = overlayChanges(pools([V4, 'Never', 'CrossSubnet']), pools([V4, 'Never']));
  t.deepEqual(change, {
    pool: V4 as Cidr,
    before: { encapsulation: 'ipip', isCrossSubnet: true },
    after: null,
    octets: -20,
  });
  t.is(change && describeOverlay(change), `between hosts packets of ${V4} go without IP in IP; ${LOST}`);
});
