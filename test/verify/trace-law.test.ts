/**
 * What `trace` says of a packet is what the naive oracle says at both of its ends: random networks without
 * host endpoints, some of whose pools encapsulate.
 */
import test from 'ava';
import fc from 'fast-check';
import { addressPart } from '../../src/model/address.js';
import { type Resource, type ResourceOf, resourcesOf } from '../../src/model/resource.js';
import { networkFrom } from '../../src/verify/network.js';
import { createTracer } from '../../src/verify/trace.js';
import { isNaiveTunnel, type NaivePacket, naiveVerdict } from '../helpers/naive-policy.js';
import { policyNetwork, randomPacket } from '../helpers/random-network.js';
import { pool } from './build-network.js';

type Workload = ResourceOf<'WorkloadEndpoint'>;

test('trace() between addresses is what the naive oracle says at both ends', (t) => {
  const seen = new Set<string>();
  const property = fc.property(
    fc.tuple(policyNetwork.map(withoutHostEndpoints), fc.subarray(POOLS)).map((parts) => parts.flat()),
    fc.array(fc.oneof(randomPacket, randomPacket, randomPacket.map(asTunnel)), {
      minLength: 5,
      maxLength: 10,
    }),
    (network, packets) => {
      const trace = createTracer(networkFrom(network));
      for (const packet of packets) {
        const { source, destination } = packet;
        const answer = trace({
          src: source.address,
          dst: destination.address,
          protocol: packet.protocol,
          ...(packet.icmp && { icmp: packet.icmp }),
          ...(destination.port !== undefined && { port: destination.port }),
          ...(source.port !== undefined && { srcPort: source.port }),
        });
        const expected = expectedAnswer(network, packet);
        const actual = answer.ok
          ? {
              egress: answer.value.egress?.verdict ?? null,
              ingress: answer.value.ingress?.verdict ?? null,
              verdict: answer.value.verdict,
            }
          : 'ambiguous';
        t.deepEqual(actual, expected);
        if (isNaiveTunnel(network, packet)) seen.add('encapsulated');
        seen.add(typeof expected === 'string' ? expected : `${expected.egress} ${expected.ingress}`);
      }
    },
  );
  fc.assert(property, { numRuns: 1_000 });
  for (const outcome of ['ambiguous', 'deny deny', 'null deny', 'deny null', 'null null', 'encapsulated'])
    t.true(seen.has(outcome), `never drawn: ${outcome}`);
});

const POOLS = [
  pool('four', '10.0.0.0/24', { vxlanMode: 'Always' }),
  pool('six', 'fd00::/64', { vxlanMode: 'CrossSubnet' }),
  pool('other', '10.1.0.0/16', { ipipMode: 'Always' }),
];

function asTunnel({ family, source, destination }: NaivePacket): NaivePacket {
  if (source.port !== undefined)
    return { family, protocol: 17, source, destination: { ...destination, port: 4789 } };
  return { family, protocol: 4, source, destination };
}

/** What polices the host itself depends on its addresses: that is for trace.test.ts. */
function withoutHostEndpoints(network: readonly Resource[]): readonly Resource[] {
  return network.filter(({ kind }) => kind !== 'HostEndpoint');
}

function expectedAnswer(network: readonly Resource[], packet: NaivePacket) {
  const [from, to] = [packet.source.address, packet.destination.address].map((address) => {
    const having = resourcesOf(network, 'WorkloadEndpoint').filter(({ spec }) =>
      spec.ipNetworks.map(addressPart).includes(address),
    );
    const active = having.filter(({ spec }) => spec.state === 'active');
    return active.length > 0 ? active : having;
  });
  if (!from || !to || from.length > 1 || to.length > 1) return 'ambiguous';
  const [source] = from;
  const [destination] = to;
  if (source && source === destination) return { egress: null, ingress: null, verdict: 'allow' };
  const judge = (endpoint: Workload | undefined, direction: 'ingress' | 'egress') => {
    if (!endpoint) return null;
    // Before any rule: an answer to nothing is dropped, and of the two ICMPs only that of the family is known.
    if (packet.icmp && !(packet.family === 4 ? [8, 13] : [128, 135]).includes(packet.icmp.type))
      return 'deny';
    if (endpoint.spec.state === 'inactive') return 'deny';
    return naiveVerdict(network, endpoint, direction, packet).verdict;
  };
  // Neither is this any rule's to decide.
  const egress = source && isNaiveTunnel(network, packet) ? 'deny' : judge(source, 'egress');
  const ingress = judge(destination, 'ingress');
  return { egress, ingress, verdict: egress === 'deny' || ingress === 'deny' ? 'deny' : 'allow' };
}
