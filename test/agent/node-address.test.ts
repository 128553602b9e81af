/**
 * Which addresses a host registers as its own, and that nobody guesses where one was given. Interfaces are
 * made up here.
 */
import test from 'ava';
import { addressMismatches, registrationOf } from '../../src/agent/node-address.js';
import type { HostInterface } from '../../src/kernel/host-addresses.js';
import type { Address, InterfaceAddress } from '../../src/model/address.js';
import type { ResourceOf, SpecOf } from '../../src/model/resource.js';

const node = (bgp?: SpecOf<'Node'>['bgp']): ResourceOf<'Node'> => ({
  kind: 'Node',
  metadata: { name: 'host-1', labels: {}, annotations: {} },
  spec: bgp ? { bgp } : {},
  origin: { file: '', line: 0, col: 0 },
});
const on = (
  name: string,
  addresses: readonly string[],
  defaultRouteOf: readonly (4 | 6)[] = [],
): HostInterface => ({
  name,
  addresses: addresses as readonly InterfaceAddress[],
  defaultRouteOf,
});
const [OWN, OWN6] = ['10.0.0.1/24' as InterfaceAddress, 'fd00::1/64' as InterfaceAddress];
const ETH1 = on('eth1', ['fe80::1/64', OWN, OWN6], [4, 6]);

function found(interfaces: readonly HostInterface[], given: readonly string[] = []) {
  const registration = registrationOf(node(), interfaces, {
    given: given as readonly Address[],
    workloadPrefix: 'cali',
  });
  return registration.type === 'register' ? registration.addresses : registration.type;
}

test('registrationOf() a Node that has an address is none', (t) => {
  const options = { given: ['10.0.0.9' as Address], workloadPrefix: 'cali' };
  for (const bgp of [{ ipv4Address: OWN }, { ipv6Address: OWN6 }])
    t.deepEqual(registrationOf(node(bgp), [ETH1], options), { type: 'none' });
});

test('registrationOf() takes the global addresses of the interface of the default route, each family by itself', (t) => {
  t.deepEqual(found([on('eth0', ['192.0.2.1/24']), ETH1]), { ipv4Address: OWN, ipv6Address: OWN6 });
  const [four, six] = [on('eth4', [OWN], [4]), on('eth6', [OWN6], [6])];
  t.deepEqual(found([six, four]), { ipv4Address: OWN, ipv6Address: OWN6 });
  t.deepEqual(found([on('br-lan', [OWN], [4])]), { ipv4Address: OWN }, 'whatever its name');
});

test("registrationOf() takes the first interface that is a host's where there is no default route", (t) => {
  const others = ['lo', 'docker0', 'cali1', 'virbr0', 'veth12', 'tunl0', 'ipip.calico', 'vxlan.calico'];
  t.deepEqual(found([...others.map((name) => on(name, ['192.0.2.1/24'])), on('eth0', [OWN])]), {
    ipv4Address: OWN,
  });
  t.deepEqual(found([on('eth0', ['169.254.7.7/16', 'fe80::1/64']), on('eth1', [OWN])]), { ipv4Address: OWN });
});

test('registrationOf() takes what the operator gave, with the prefix length that it has on the host', (t) => {
  t.deepEqual(found([on('eth0', ['192.0.2.1/24'], [4]), on('docker0', [OWN])], ['10.0.0.1']), {
    ipv4Address: OWN,
  });
  t.deepEqual(found([ETH1], ['203.0.113.7']), {
    ipv4Address: '203.0.113.7/32' as InterfaceAddress,
    ipv6Address: OWN6,
  });
});

test('registrationOf() a host without an IPv4 address is impossible, and says what to do', (t) => {
  const registration = registrationOf(node(), [on('eth0', [OWN6], [6])], {
    given: [],
    workloadPrefix: 'cali',
  });
  if (registration.type !== 'impossible') return t.fail(registration.type);
  t.is(registration.problem.object, 'Node host-1');
  t.regex(registration.problem.message, /no IPv4 address .* spec\.bgp\.ipv4Address .* --ip/);
});

test('addressMismatches() names each address that is not on the host', (t) => {
  const bgp = { ipv4Address: '10.0.0.9/24' as InterfaceAddress, ipv6Address: OWN6 };
  t.deepEqual(addressMismatches(node(bgp), new Set(['10.0.0.9', 'fd00::1'] as Address[])), []);
  const [mismatch, ...others] = addressMismatches(node(bgp), new Set(['10.0.0.1', 'fd00::1'] as Address[]));
  t.deepEqual(others, []);
  t.regex(mismatch?.message ?? '', /^AddressMismatch: 10\.0\.0\.9 is on no interface/);
  t.deepEqual(addressMismatches(node(), new Set()), []);
});
