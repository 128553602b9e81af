/**
 * Law 1: whatever random events lead to a state, the graph says what a naive calculation of that state says.
 */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import type { DataplaneUpdate } from '../../../src/agent/calc/updates.js';
import type { StoredId } from '../../../src/layout/layout.js';
import { type Resource, resourcesOf } from '../../../src/model/resource.js';
import { DIRECTIONS } from '../../../src/model/rule.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import { type Stored, storedId } from '../../helpers/build-resources.js';
import { dataplaneVerdict } from '../../helpers/dataplane-verdict.js';
import { DataplaneView } from '../../helpers/dataplane-view.js';
import { naiveDataplane } from '../../helpers/naive-dataplane.js';
import { naiveVerdict } from '../../helpers/naive-policy.js';
import { policyNetwork, policyResource, randomPacket } from '../../helpers/random-network.js';
import { applyUpdate } from '../../helpers/state-expanders.js';

/** An object is written, or removed, or the graph is flushed. */
const event = fc.oneof(
  { arbitrary: fc.record({ type: fc.constant('write' as const), resource: policyResource }), weight: 6 },
  { arbitrary: fc.record({ type: fc.constant('remove' as const), resource: policyResource }), weight: 2 },
  { arbitrary: fc.record({ type: fc.constant('flush' as const) }), weight: 2 },
);

test('after any events the dataplane is what the state of the store alone says', (t) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
      const view = new DataplaneView();
      const store = new Map<StoredId, Stored>();
      for (const happening of [...events, { type: 'flush' } as const]) {
        if (happening.type === 'flush') {
          view.apply(graph.flush());
          t.deepEqual(view.state, naiveDataplane('host-1', store));
          continue;
        }
        const { kind } = happening.resource;
        const resource = happening.type === 'write' ? happening.resource : undefined;
        const update = { id: storedId(happening.resource), kind, resource };
        graph.onUpdate(update);
        applyUpdate(store, update);
      }
    }),
    { numRuns: 500 },
  );
});

test('what the dataplane is told gives every packet the verdict of the naive oracle', (t) => {
  const seen = new Set<string>();
  const packets = fc.array(randomPacket, { minLength: 5, maxLength: 10 });
  fc.assert(
    fc.property(policyNetwork, packets, (network, drawn) => {
      const view = new DataplaneView();
      view.apply(firstFlush(network));
      for (const endpoint of resourcesOf(network, 'WorkloadEndpoint')) {
        const local = view.state.endpoints.get(storedId(endpoint));
        t.is(local !== undefined, endpoint.spec.node === 'host-1');
        if (!local) continue;
        for (const direction of DIRECTIONS)
          for (const packet of drawn) {
            const verdict = dataplaneVerdict(view.state, local, direction, packet);
            t.is(verdict, naiveVerdict(network, endpoint, direction, packet).verdict);
            seen.add(`${direction} ${verdict}`);
          }
      }
    }),
    { numRuns: 500 },
  );
  t.deepEqual([...seen].sort(), ['egress allow', 'egress deny', 'ingress allow', 'ingress deny']);
});

test('one flush reads the same, message by message, whatever the order of the updates before it', (t) => {
  const network = fc.uniqueArray(policyResource, { maxLength: 12, selector: storedId });
  const orders = network.chain((resources) =>
    fc.tuple(fc.constant(resources), fc.shuffledSubarray(resources, { minLength: resources.length })),
  );
  fc.assert(
    fc.property(orders, ([one, other]) => {
      t.deepEqual(readable(firstFlush(one)), readable(firstFlush(other)));
    }),
    { numRuns: 300 },
  );
});

function firstFlush(resources: readonly Resource[]): readonly DataplaneUpdate[] {
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  for (const resource of resources) graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
  return graph.flush();
}

/** Sets have no order, but assertions see one. */
function readable(messages: readonly DataplaneUpdate[]) {
  return messages.map((message) =>
    message.type === 'ip-set-update' ? { ...message, members: [...message.members].sort() } : message,
  );
}
