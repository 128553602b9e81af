/**
 * Random networks for questions of connectivity: those of test/helpers, on hosts with addresses, with pools, settings
 * and host endpoints.
 */
import fc from 'fast-check';
import { idOf, type Resource } from '../../src/model/resource.js';
import { address, resource } from '../helpers/build-resources.js';
import { policyNetwork } from '../helpers/random-network.js';
import { interfaceAddress, pool } from './build-network.js';

const NODES = ['host-1', 'host-2'].map((name, index) =>
  resource('Node', name, {
    bgp: {
      ipv4Address: interfaceAddress(`192.0.2.${index + 1}/24`),
      ipv6Address: interfaceAddress(`2001:db8::${index + 1}/64`),
    },
    ipv4VXLANTunnelAddr: address(`10.0.0.${index + 64}`),
  }),
);

const POOLS = [
  { name: 'four', net: '10.0.0.0/24' },
  { name: 'six', net: 'fd00::/64' },
];

/** What nobody asks for is drawn most often. */
const poolModes = fc.constantFrom(
  {},
  {},
  { vxlanMode: 'Always' as const },
  { vxlanMode: 'CrossSubnet' as const },
  { ipipMode: 'Always' as const },
);

const settings = fc.record(
  {
    noPolicyEgress: fc.constantFrom('Allow' as const, 'Deny' as const),
    defaultEndpointToHostAction: fc.constantFrom('Drop' as const, 'Return' as const),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const configuration = fc
  .tuple(fc.constantFrom('default', 'node.host-1'), settings)
  .map(([name, spec]) => resource('AgentConfiguration', name, spec));

const surroundings = fc
  .record({
    nodes: fc.subarray(NODES),
    pools: fc.subarray(POOLS),
    natOutgoing: fc.boolean(),
    modes: fc.array(poolModes, { minLength: POOLS.length, maxLength: POOLS.length }),
    configurations: fc.uniqueArray(configuration, {
      maxLength: 2,
      selector: ({ metadata }) => metadata.name,
    }),
  })
  .map(({ nodes, pools, natOutgoing, modes, configurations }): readonly Resource[] => [
    ...nodes,
    ...pools.map(({ name, net }, index) => pool(name, net, { natOutgoing, ...modes[index] })),
    ...configurations,
  ]);

export const verifyNetwork: fc.Arbitrary<readonly Resource[]> = fc
  .tuple(policyNetwork, surroundings)
  .map(([policed, around]) => [...policed, ...around]);

/** Of workloads that share a name, as two hosts may have them, the last. */
export function withUniqueNames(network: readonly Resource[]): readonly Resource[] {
  return [...new Map(network.map((one) => [idOf(one), one])).values()];
}
