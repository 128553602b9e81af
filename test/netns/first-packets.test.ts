/**
 * Every type of ICMP and every protocol through the kernel, between endpoints whose rules allow everything: what does
 * not arrive can begin no connection.
 */
import test from 'ava';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { hasPorts } from '../../src/model/rule.js';
import type { Packet } from '../../src/policy/match-rule.js';
import { canBeFirst } from '../../src/verify/first-packets.js';
import { icmpProtocol } from '../../src/verify/packets.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { PLACES } from '../helpers/random-host.js';
import { prepareHost } from './dataplane-world.js';
import { createRawHost } from './raw-host.js';

requirePrivateNetns();
test.before(prepareHost);

const document = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'heddle/v1', kind, metadata: { name }, spec });
const endpoint = (name: 'w1' | 'w2') =>
  document('WorkloadEndpoint', name, {
    node: 'host-1',
    interfaceName: `cali${name}`,
    mac: 'ee:ee:ee:ee:ee:ee',
    ipNetworks: IP_FAMILIES.map((family) => PLACES[name][family]),
    profiles: ['open'],
  });
const MANIFESTS = [
  document('Node', 'host-1', { bgp: { ipv4Address: '192.0.2.1/24', ipv6Address: 'fd99::1/64' } }),
  document('Profile', 'open', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] }),
  endpoint('w1'),
  endpoint('w2'),
].join('\n---\n');
const ROUTER_ADVERTISEMENT = 134;
/** Headers of IPv6 that say nothing of what they carry (RFC 8200, RFC 4302); and DCCP, whose header conntrack reads. */
const LEFT_OUT: Readonly<Record<IpFamily, readonly number[]>> = {
  4: [33],
  6: [0, 33, 43, 44, 51, 60, 135, 139, 140],
};

for (const family of IP_FAMILIES)
  test.serial(`canBeFirst() is what conntrack of this kernel does, IPv${family}`, async (t) => {
    await using host = await createRawHost('iptables');
    await host.enforce(MANIFESTS);
    const octets = Array.from({ length: 256 }, (_, number) => number);
    const ends = {
      family,
      source: { address: PLACES.w1[family] },
      destination: { address: PLACES.w2[family] },
    };
    const packets: readonly Packet[] = [
      // No workload may pose as a router, whatever conntrack thinks of that.
      ...octets
        .filter((type) => family === 4 || type !== ROUTER_ADVERTISEMENT)
        .map((type) => ({ ...ends, protocol: icmpProtocol(family), icmp: { type, code: 0 } })),
      ...octets
        .filter((protocol) => protocol !== icmpProtocol(family) && !hasPorts(protocol))
        .filter((protocol) => !LEFT_OUT[family].includes(protocol))
        .map((protocol) => ({ ...ends, protocol })),
    ];
    const arrived = await host.send(packets.map((packet) => ({ from: 'w1', to: 'w2', packet })));
    const describe = ({ protocol, icmp }: Packet) => `${protocol} ${icmp ? `${icmp.type}/${icmp.code}` : ''}`;
    const judged = (canArrive: boolean, hasArrived: boolean) =>
      packets.filter(
        (packet, index) => canBeFirst(packet) === canArrive && arrived.has(index) === hasArrived,
      );
    t.deepEqual(judged(true, false).map(describe), [], 'dropped all the same');
    t.deepEqual(judged(false, true).map(describe), [], 'arrived all the same');
    t.true(judged(true, true).length > 0 && judged(false, false).length > 0);
  });
