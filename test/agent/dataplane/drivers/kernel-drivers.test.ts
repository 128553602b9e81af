/** The drivers wired together: their order, and how an address that moves loses its flows. */

import test from 'ava';
import { kernelDrivers } from '../../../../src/agent/dataplane/drivers/kernel-drivers.js';
import { kernelDriversOf } from '../../../../src/agent/dataplane/kernel-kinds.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import { FakeConntrack, flow } from '../../../helpers/fake-conntrack.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { PREFIX, PROTOCOL, route } from './driver-fixture.js';

function setUp() {
  const rtnetlink = new FakeRtNetlink();
  const log: string[] = [];
  const conntrack = new FakeConntrack([flow('192.168.1.1', '192.0.2.1'), flow('192.0.2.1', '192.168.1.9')]);
  const deleteFlows: typeof conntrack.delete = async (flows) => {
    log.push(`${flows.length} flows deleted with ${(await rtnetlink.routes(4)).length} routes`);
    return conntrack.delete(flows);
  };
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    settings: { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX },
    rtnetlink,
    procSys: { read: async () => undefined, write: async () => {} },
    conntrack: { flowsOf: (networks) => conntrack.flowsOf(networks), delete: deleteFlows },
    hostAddresses: () => new Set(),
  });
  const apply = async () => {
    for (const driver of kernelDriversOf(wired.drivers)) await driver.applyUpdates();
    for (const driver of kernelDriversOf(wired.drivers).toReversed()) await driver.applyDeletions();
    return log.splice(0);
  };
  const [ipv4] = wired.families;
  if (!ipv4) throw new Error('there is a family');
  return { rtnetlink, wired, apply, ipv4 };
}

test('kernelDrivers() lists routes last, so that they come last and go first', (t) => {
  t.deepEqual(
    kernelDriversOf(setUp().wired.drivers).map(({ name }) => name),
    [
      ...['flows', 'sysctls', 'tunnel-table', 'forwarding-table'],
      ...['neighbor-table-4', 'neighbor-table-6', 'route-table-4', 'route-table-6'],
    ],
  );
});

test('kernelDrivers() deletes the flows of an address after its route is gone', async (t) => {
  const { rtnetlink, ipv4, apply } = setUp();
  rtnetlink.addLink('cali1');
  const { cidr, interfaceName } = route('192.168.1.1', 'cali1');
  ipv4.routes.set(cidr, { cidr, interfaceName });
  t.deepEqual(await apply(), [], 'an address that comes has no flows to lose');
  ipv4.routes.delete(cidr);
  t.deepEqual(await apply(), ['1 flows deleted with 0 routes']);
});

test('kernelDrivers() deletes the flows of an address whose interface went before its endpoint', async (t) => {
  const { rtnetlink, wired, ipv4, apply } = setUp();
  rtnetlink.addLink('cali1');
  const wish = route('192.168.1.1', 'cali1');
  ipv4.routes.set(wish.cidr, wish);
  await apply();
  rtnetlink.removeLink('cali1');
  for (const driver of kernelDriversOf(wired.drivers)) driver.queueResync();
  t.deepEqual(await apply(), [], 'the workload may be restarting');
  ipv4.routes.delete(wish.cidr);
  t.deepEqual(await apply(), ['1 flows deleted with 0 routes']);
});

test('kernelDrivers() deletes the flows of a stale route that it finds at start', async (t) => {
  const { rtnetlink, ipv4, apply } = setUp();
  const { index } = rtnetlink.addLink('cali1');
  const { cidr } = route('192.168.1.9', 'cali1');
  rtnetlink.plant({
    op: 'create',
    object: 'route',
    route: {
      family: 4,
      destination: cidr,
      interfaceIndex: index,
      gateway: undefined,
      table: 254,
      protocol: PROTOCOL,
      scope: 253,
      type: 1,
      priority: undefined,
    },
  });
  t.is(ipv4.routes.size, 0);
  t.deepEqual(await apply(), ['1 flows deleted with 0 routes']);
  t.deepEqual(await apply(), []);
});
