/**
 * Policy means the same in the repository and on a host: random resources, as they are and as they come back
 * from their keys.
 */
import test from 'ava';
import fc from 'fast-check';
import { createLayout } from '../../src/layout/create-layout.js';
import type { Resource } from '../../src/model/resource.js';
import { policyFrom, profileFrom, tierFrom } from '../../src/policy/policy.js';
import { policyResource } from '../helpers/random-network.js';

const layout = createLayout('/calico');

test('policy reads a resource and what comes back of it from the store alike', (t) => {
  fc.assert(
    fc.property(policyResource, (resource) => {
      t.deepEqual(read(throughStore(resource)), read(resource));
    }),
    { numRuns: 1_000 },
  );
});

function throughStore(resource: Resource): Resource {
  const entries = layout.encode(resource, { pools: [] });
  const owner = entries[0] && layout.identify(entries[0].key);
  if (owner?.type !== 'resource') throw new Error(`${resource.kind} has no key of its own`);
  return layout.decode(owner.id, new Map(entries.map(({ key, value }) => [key, value])));
}

/** What policy takes from a resource; where it was written may differ. */
function read(resource: Resource): unknown {
  switch (resource.kind) {
    case 'GlobalNetworkPolicy':
      return { ...policyFrom(resource), origin: undefined };
    case 'Profile':
      return { ...profileFrom(resource), origin: undefined };
    case 'Tier':
      return tierFrom(resource);
    case 'WorkloadEndpoint':
    case 'HostEndpoint':
      return { labels: resource.metadata.labels, profiles: resource.spec.profiles ?? [] };
    default:
      return resource.metadata.labels;
  }
}
