import test, { type ExecutionContext } from 'ava';
import type { Cidr } from '../../src/model/address.js';
import { encapsulationOf, type PoolEncapsulation } from '../../src/model/encapsulation.js';

type Mode = 'Never' | 'Always' | 'CrossSubnet';

function is(
  t: ExecutionContext,
  [cidr, vxlanMode, ipipMode]: readonly [string, Mode, Mode],
  expected: PoolEncapsulation | undefined,
): void {
  t.deepEqual(encapsulationOf({ cidr: cidr as Cidr, vxlanMode, ipipMode }), expected);
}

const [V4, V6] = ['10.65.0.0/16', 'fd65::/48'];
test('neither', is, [V4, 'Never', 'Never'], undefined);
test('VXLAN', is, [V4, 'Always', 'Never'], { encapsulation: 'vxlan', isCrossSubnet: false });
test('VXLAN of IPv6', is, [V6, 'CrossSubnet', 'Never'], { encapsulation: 'vxlan', isCrossSubnet: true });
test('IP in IP', is, [V4, 'Never', 'Always'], { encapsulation: 'ipip', isCrossSubnet: false });
test('IP in IP between subnets', is, [V4, 'Never', 'CrossSubnet'], {
  encapsulation: 'ipip',
  isCrossSubnet: true,
});
test('IP in IP of IPv6: there is none', is, [V6, 'Never', 'Always'], undefined);
test('both, in a store: VXLAN', is, [V4, 'CrossSubnet', 'Always'], {
  encapsulation: 'vxlan',
  isCrossSubnet: true,
});
