/**
 * From resources to chains: the whole way, against the oracle that only reads the resources.
 */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import type { DataplaneUpdate } from '../../../src/agent/calc/updates.js';
import type { RecordedFamily } from '../../../src/agent/dataplane/desired-record.js';
import { CHAINS } from '../../../src/agent/dataplane/rules/chain-names.js';
import type { IpFamily } from '../../../src/model/address.js';
import { type Resource, resourcesOf } from '../../../src/model/resource.js';
import { DIRECTIONS, type Direction } from '../../../src/model/rule.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import { storedId } from '../../helpers/build-resources.js';
import { type NaivePacket, naiveVerdict } from '../../helpers/naive-policy.js';
import { policyNetwork, randomPacket } from '../../helpers/random-network.js';
import { desiredOf } from './goldens.js';
import { MARKS } from './marks.js';
import { type IpSets, simulate } from './simulator.js';

test('the chains of a host give every packet the verdict of the naive oracle', (t) => {
  const seen = new Set<string>();
  const packets = fc.array(randomPacket, { minLength: 5, maxLength: 10 });
  fc.assert(
    fc.property(policyNetwork, packets, (network, drawn) => {
      const batch = firstFlush(network);
      const interfaces = interfacesIn(batch);
      const { families } = desiredOf(batch);
      for (const endpoint of resourcesOf(network, 'WorkloadEndpoint')) {
        const interfaceName = interfaces.get(storedId(endpoint));
        if (interfaceName === undefined) continue;
        for (const direction of DIRECTIONS)
          for (const packet of drawn) {
            const verdict = chainVerdict(familyIn(families, packet.family), interfaceName, direction, packet);
            t.is(verdict, naiveVerdict(network, endpoint, direction, packet).verdict);
            seen.add(`${direction} ${verdict}`);
          }
      }
    }),
    { numRuns: 300 },
  );
  t.deepEqual([...seen].sort(), ['egress allow', 'egress deny', 'ingress allow', 'ingress deny']);
});

function firstFlush(network: readonly Resource[]): readonly DataplaneUpdate[] {
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  for (const resource of network) graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
  return graph.flush();
}

/** Of local endpoints that are up and have their interface to themselves. */
function interfacesIn(batch: readonly DataplaneUpdate[]): ReadonlyMap<string, string> {
  const endpoints = batch.flatMap((update) =>
    update.type === 'workload-endpoint-update' ? [update.endpoint] : [],
  );
  const names = endpoints.map(({ interfaceName }) => interfaceName);
  return new Map(
    endpoints
      .filter(({ interfaceName }) => names.indexOf(interfaceName) === names.lastIndexOf(interfaceName))
      .filter(({ active }) => active)
      .map(({ id, interfaceName }) => [id, interfaceName]),
  );
}

function familyIn(families: readonly RecordedFamily[], family: IpFamily): RecordedFamily {
  const found = families.find((each) => each.family === family);
  if (!found) throw new Error(`No IPv${family}`);
  return found;
}

function chainVerdict(
  { chains, sets }: RecordedFamily,
  interfaceName: string,
  direction: Direction,
  packet: NaivePacket,
): 'allow' | 'deny' {
  const members: IpSets = new Map([...sets].map(([id, set]) => [id, set.members]));
  const filter = [...chains.values()].filter(({ table }) => table === 'filter');
  const root = direction === 'ingress' ? CHAINS.toWorkload : CHAINS.fromWorkload;
  const { verdict, mark } = simulate(
    filter,
    root,
    {
      ...packet,
      conntrack: 'NEW',
      mark: 0,
      [direction === 'ingress' ? 'outInterface' : 'inInterface']: interfaceName,
    },
    members,
  );
  return verdict === 'return' && (mark & MARKS.accept) !== 0 ? 'allow' : 'deny';
}
