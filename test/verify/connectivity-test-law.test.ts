/**
 * A ConnectivityTest holds exactly when the naive oracle says so of every packet that it is about: random
 * networks, tests between two endpoints.
 */
import test from 'ava';
import fc from 'fast-check';
import { addressPart, familyOf, IP_FAMILIES } from '../../src/model/address.js';
import { type Resource, type ResourceOf, resourcesOf, type SpecOf } from '../../src/model/resource.js';
import { runTests } from '../../src/verify/connectivity-test.js';
import { networkFrom } from '../../src/verify/network.js';
import { resource } from '../helpers/build-resources.js';
import { type NaivePacket, naiveVerdict } from '../helpers/naive-policy.js';
import { policyNetwork } from '../helpers/random-network.js';
import { withUniqueNames } from './random-verify-network.js';

type Workload = ResourceOf<'WorkloadEndpoint'>;

const PORTS = [79, 80, 81, 442, 443, 444, 7_999, 8_000, 9_000, 9_001];
const SOURCE_PORT = 49_152;

const spec = fc
  .record({
    from: fc.constantFrom('w1', 'w2', 'w3'),
    to: fc.constantFrom('w1', 'w2', 'w3'),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const),
    port: fc.constantFrom(...PORTS),
    expect: fc.constantFrom('Allow' as const, 'Deny' as const),
  })
  .map(({ from, to, protocol, port, expect }): SpecOf<'ConnectivityTest'> => {
    const ports = protocol === 'ICMP' ? {} : { ports: [port] };
    return { from: { endpoint: from }, to: { endpoint: to }, protocol, ...ports, expect };
  });

test('a test of two endpoints is what the naive oracle says of every packet between their addresses', (t) => {
  const seen = { held: 0, broken: 0 };
  const property = fc.property(
    policyNetwork.map(withUniqueNames),
    fc.array(spec, { minLength: 8, maxLength: 8 }),
    (network, specs) => {
      const tests = specs.map((one, index) => resource('ConnectivityTest', `t${index}`, one));
      const { results } = runTests(networkFrom(network), tests);
      for (const [index, result] of results.entries()) {
        const verdicts = verdictsOf(network, specs[index]);
        const expected = verdicts.length > 0 && verdicts.every((verdict) => verdict === result.expect);
        t.is(result.ok, expected, JSON.stringify(specs[index]));
        if (result.counterexample) t.not(result.counterexample.verdict, result.expect.toLowerCase());
        if (verdicts.length > 0) seen[expected ? 'held' : 'broken'] += 1;
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
  t.true(seen.held > 5 && seen.broken > 5, JSON.stringify(seen));
});

/** Of each packet that the test is about. */
function verdictsOf(network: readonly Resource[], asked: SpecOf<'ConnectivityTest'> | undefined): string[] {
  const [from, to] = [asked?.from.endpoint, asked?.to.endpoint].map((name) =>
    resourcesOf(network, 'WorkloadEndpoint').find(({ metadata }) => metadata.name === name),
  );
  if (!from || !to || from === to) return [];
  return IP_FAMILIES.flatMap((family) =>
    asked?.protocol === 'ICMP' && family === 6
      ? []
      : addressesOf(from, family).flatMap((source) =>
          addressesOf(to, family).map((destination) => {
            const packet = packetOf(asked, source, destination);
            const closed = [from, to].some((one) => one.spec.state === 'inactive');
            const passes =
              !closed &&
              naiveVerdict(network, from, 'egress', packet).verdict === 'allow' &&
              naiveVerdict(network, to, 'ingress', packet).verdict === 'allow';
            return passes ? 'Allow' : 'Deny';
          }),
        ),
  );
}

function addressesOf({ spec: { ipNetworks } }: Workload, family: 4 | 6) {
  return ipNetworks.map(addressPart).filter((address) => familyOf(address) === family);
}

function packetOf(
  asked: SpecOf<'ConnectivityTest'> | undefined,
  source: NaivePacket['source']['address'],
  destination: NaivePacket['source']['address'],
): NaivePacket {
  const family = familyOf(source);
  if (asked?.protocol === 'ICMP')
    return {
      family,
      protocol: 1,
      source: { address: source },
      destination: { address: destination },
      icmp: { type: 8, code: 0 },
    };
  return {
    family,
    protocol: asked?.protocol === 'UDP' ? 17 : 6,
    source: { address: source, port: SOURCE_PORT },
    destination: { address: destination, port: Number(asked?.ports?.[0]) },
  };
}
