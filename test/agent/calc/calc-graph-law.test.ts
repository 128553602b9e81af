import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import type { StoredId } from '../../../src/layout/layout.js';
import type { Resource } from '../../../src/model/resource.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import { storedId } from '../../helpers/build-resources.js';
import { DataplaneView } from '../../helpers/dataplane-view.js';
import { naiveDataplane } from '../../helpers/naive-dataplane.js';
import { policyResource } from '../../helpers/random-network.js';
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
      const store = new Map<StoredId, Resource>();
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

test('one flush reads the same, message by message, whatever the order of the updates before it', (t) => {
  const network = fc.uniqueArray(policyResource, { maxLength: 12, selector: storedId });
  const orders = network.chain((resources) =>
    fc.tuple(fc.constant(resources), fc.shuffledSubarray(resources, { minLength: resources.length })),
  );
  fc.assert(
    fc.property(orders, ([one, other]) => {
      t.deepEqual(firstFlush(one), firstFlush(other));
    }),
    { numRuns: 300 },
  );
});

function firstFlush(resources: readonly Resource[]) {
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  for (const resource of resources) graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
  // Sets have no order, but assertions see one.
  return graph
    .flush()
    .map((message) =>
      message.type === 'ip-set-update' ? { ...message, members: [...message.members].sort() } : message,
    );
}
