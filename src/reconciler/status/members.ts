/**
 * Who should run an agent: every Node and RouteReflector that the store knows, whether it ever said something or not.
 *
 * A host that is silent is the one that matters most, so it is not the statuses that say how many hosts there are. A
 * Node without an address has no key for BGP, and a reflector none for a host: each place is looked at.
 */
import type { Datastore } from '../../datastore/datastore.js';
import type { Layout } from '../../layout/layout.js';
import { resourcesPrefix } from '../../layout/resource-value.js';
import type { Revision } from '../../model/store.js';
import { storedObjects } from '../stored-objects.js';

/** Their names. */
export async function readMembers(store: Datastore, layout: Layout): Promise<ReadonlySet<string>> {
  const places = ['/v1/host/', '/bgp/v1/', resourcesPrefix('RouteReflector')];
  const snapshots = await Promise.all(places.map((place) => store.snapshot(`${layout.root}${place}`)));
  const entries = new Map(snapshots.flatMap((snapshot) => [...snapshot.entries]));
  const all = { revision: 0 as Revision, entries };
  const objects = [...storedObjects(all, layout, 'Node'), ...storedObjects(all, layout, 'RouteReflector')];
  return new Set(objects.map(({ name }) => name));
}
