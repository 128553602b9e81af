/**
 * An address that leaves its interface is told of, so that its flows can go, and the wish for its route
 * passes on unchanged.
 */
import test from 'ava';
import { tellLostPaths } from '../../../../src/agent/dataplane/drivers/lost-paths.js';
import type { Route } from '../../../../src/agent/dataplane/intent.js';
import type { Cidr } from '../../../../src/model/address.js';
import { DeltaTracker } from '../../../../src/model/delta-tracker.js';
import { route } from './driver-fixture.js';

const CIDR = '192.168.1.1/32' as Cidr;

test('tellLostPaths() tells an address that is taken back or moves, and passes every wish on', (t) => {
  const lost: Cidr[] = [];
  const tracker = new DeltaTracker<Cidr, Route>();
  const routes = tellLostPaths(tracker.desired, (cidr) => lost.push(cidr));
  const wish = route('192.168.1.1', 'cali1');
  routes.set(CIDR, wish);
  routes.set(CIDR, { ...wish });
  t.deepEqual(lost, []);
  routes.set(CIDR, route('192.168.1.1', 'cali2'));
  t.deepEqual(lost, [CIDR]);
  t.deepEqual([...routes.entries()], [...tracker.desired.entries()]);
  t.deepEqual([routes.size, routes.has(CIDR), [...routes.keys()]], [1, true, [CIDR]]);
  t.is(routes.get(CIDR)?.interfaceName, 'cali2');
  routes.delete(CIDR);
  routes.delete(CIDR);
  t.deepEqual(lost, [CIDR, CIDR]);
  t.is(tracker.desired.size, 0);
});
