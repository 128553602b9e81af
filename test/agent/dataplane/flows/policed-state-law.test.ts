/**
 * Law 7, as far as it can be told without a kernel: whoever loses what was allowed is under suspicion.
 */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../../src/agent/calc/calc-graph.js';
import { deniedFlows } from '../../../../src/agent/dataplane/flows/judge-flows.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import type { Flow } from '../../../../src/kernel/conntrack.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import type { Resource } from '../../../../src/model/resource.js';
import { bgpModelFor } from '../../../../src/topology/bgp.js';
import { storedId } from '../../../helpers/build-resources.js';
import { flow } from '../../../helpers/fake-conntrack.js';
import { policyResource, randomPacket } from '../../../helpers/random-network.js';

const NOBODY = new Set<never>();
const someFlow: fc.Arbitrary<Flow> = randomPacket.map(({ protocol, source, destination, icmp }) =>
  flow(source.address, destination.address, {
    protocol,
    ...(source.port !== undefined && { sourcePort: source.port }),
    ...(destination.port !== undefined && { destinationPort: destination.port }),
    ...(icmp && { icmp }),
  }),
);
const someBatch = fc.array(fc.record({ resource: policyResource, isWritten: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
});

test('a flow that was allowed and is denied has an end that is under suspicion', (t) => {
  const seen = { lost: 0, spared: 0 };
  fc.assert(
    fc.property(
      fc.array(policyResource, { minLength: 6, maxLength: 14 }),
      fc.array(someBatch, { minLength: 1, maxLength: 6 }),
      fc.array(someFlow, { minLength: 20, maxLength: 20 }),
      (start, batches, flows) => {
        const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
        const policed = new PolicedState(IP_FAMILIES);
        tell(
          graph,
          policed,
          start.map((resource) => ({ resource, isWritten: true })),
        );
        policed.acquit(policed.suspects);
        for (const batch of batches) {
          const before = new Set(deniedFlows(flows, policed, NOBODY));
          tell(graph, policed, batch);
          const lost = deniedFlows(flows, policed, NOBODY).filter((each) => !before.has(each));
          for (const { original } of lost)
            t.true(
              policed.suspects.has(original.source) || policed.suspects.has(original.destination),
              `${original.source} > ${original.destination}`,
            );
          seen.lost += lost.length;
          if (policed.suspects.size === 0) seen.spared += 1;
          policed.acquit(policed.suspects);
        }
      },
    ),
    { numRuns: 500 },
  );
  t.true(seen.lost > 200, `${seen.lost} flows lost their allow`);
  t.true(seen.spared > 250, `${seen.spared} batches put nobody under suspicion`);
});

function tell(
  graph: ReturnType<typeof createCalcGraph>,
  policed: PolicedState,
  batch: readonly { readonly resource: Resource; readonly isWritten: boolean }[],
): void {
  for (const { resource, isWritten } of batch)
    graph.onUpdate({
      id: storedId(resource),
      kind: resource.kind,
      resource: isWritten ? resource : undefined,
    });
  for (const update of graph.flush()) policed.onUpdate(update);
  policed.completeDeferredWork();
}
