/**
 * Law 7 for connections: what policy denies now is deleted once the rules are there, and no other flow.
 * Against a connection tracking table in memory.
 */
import test from 'ava';
import { FlowTable } from '../../../../src/agent/dataplane/drivers/flow-table.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import { FakeConntrack, flow } from '../../../helpers/fake-conntrack.js';
import { address, cidr, endpoint, ports, profile, rule, withProfiles } from '../batch.js';
import { applyAll } from './driver-fixture.js';

const WEB = rule('Allow', { protocol: 6, destination: { ports: ports(80) } });
const web = flow('10.65.0.2', '10.65.0.1', { sourcePort: 1024, destinationPort: 80 });
const ssh = flow('10.65.0.2', '10.65.0.1', { sourcePort: 1025, destinationPort: 22 });
const others = flow('10.65.0.2', '10.65.0.3', { sourcePort: 1026, destinationPort: 22 });

/** One local endpoint, 10.65.0.1, that lets TCP 80 in, and whose flows have been judged. */
async function setUp(flows = [web, ssh, others]) {
  const conntrack = new FakeConntrack();
  const policed = new PolicedState(IP_FAMILIES);
  const table = new FlowTable({ conntrack, policed, hostAddresses: () => new Set([address('10.99.0.1')]) });
  for (const update of [
    profile('p', { ingress: [WEB] }),
    endpoint('w1', 'cali1', { addresses: [address('10.65.0.1')], ingress: withProfiles('p') }),
  ])
    policed.onUpdate(update);
  policed.completeDeferredWork();
  await applyAll(table);
  conntrack.listings.length = 0;
  for (const each of flows) conntrack.flows.add(each);
  return { conntrack, policed, table };
}

test('FlowTable asks the kernel nothing while nobody is under suspicion and no address left', async (t) => {
  const { conntrack, table } = await setUp();
  t.deepEqual(await applyAll(table), { changed: 0, failures: [], waiting: [] });
  t.deepEqual(conntrack.listings, []);
  t.deepEqual(await table.verify(), []);
});

test('FlowTable deletes the flows of suspects that policy denies, once', async (t) => {
  const { conntrack, policed, table } = await setUp();
  policed.suspectAll();
  t.deepEqual(await table.verify(), [{ object: 'flows of 10.65.0.1', message: 'not judged yet' }]);
  t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
  t.deepEqual(conntrack.flows, new Set([web, others]));
  t.deepEqual(await table.verify(), []);
  await applyAll(table);
  t.deepEqual(conntrack.listings, [[cidr('10.65.0.1/32')]]);
});

test('FlowTable does nothing before deletions, when the rules are not there yet', async (t) => {
  const { conntrack, policed, table } = await setUp();
  policed.suspectAll();
  t.deepEqual(await table.applyUpdates(), { changed: 0, failures: [] });
  t.deepEqual(conntrack.listings, []);
});

test('FlowTable deletes every flow of an address that left, whichever end it is, and whatever policy says', async (t) => {
  const outgoing = flow('10.65.0.2', '192.0.2.1', { answeredTo: '10.99.0.1' });
  const { conntrack, table } = await setUp([web, outgoing, flow('10.65.0.7', '10.65.0.8')]);
  table.addressLeft(cidr('10.65.0.2/32'));
  t.deepEqual(await table.verify(), [{ object: 'flows of 10.65.0.2/32', message: 'not deleted yet' }]);
  t.deepEqual(await applyAll(table), { changed: 2, failures: [], waiting: [] });
  t.is(conntrack.flows.size, 1);
  t.deepEqual(await table.verify(), []);
});

test('FlowTable asks once for an address that left and is under suspicion as well', async (t) => {
  const { conntrack, policed, table } = await setUp();
  policed.suspectAll();
  table.addressLeft(cidr('10.65.0.1/32'));
  t.like(await applyAll(table), { changed: 2 });
  t.deepEqual(conntrack.flows, new Set([others]));
  t.deepEqual(conntrack.listings, [[cidr('10.65.0.1/32')]]);
});

test('FlowTable deletes the flows of a whole network that left', async (t) => {
  const { conntrack, table } = await setUp();
  table.addressLeft(cidr('10.65.0.0/30'));
  await applyAll(table);
  t.is(conntrack.flows.size, 0);
});

test('FlowTable reports a table that cannot be listed, and tries again', async (t) => {
  const { conntrack, policed, table } = await setUp();
  policed.suspectAll();
  table.addressLeft(cidr('10.65.0.3/32'));
  conntrack.isBroken = true;
  t.deepEqual((await applyAll(table)).failures, [{ object: 'flows', message: 'EPERM' }]);
  t.is((await table.verify()).length, 2);
  conntrack.isBroken = false;
  t.like(await applyAll(table), { changed: 2, failures: [] });
  t.deepEqual(conntrack.flows, new Set([web]));
});

test('FlowTable names a flow that cannot be deleted, deletes its neighbours, and tries again', async (t) => {
  const { conntrack, policed, table } = await setUp();
  policed.suspectAll();
  table.addressLeft(cidr('10.65.0.3/32'));
  conntrack.busy.add(ssh);
  t.deepEqual(await applyAll(table), {
    changed: 1,
    failures: [{ object: 'flow 10.65.0.2 > 10.65.0.1, protocol 6', message: 'EBUSY' }],
    waiting: [],
  });
  t.deepEqual(conntrack.flows, new Set([web, ssh]));
  conntrack.busy.clear();
  t.like(await applyAll(table), { changed: 1, failures: [] });
  t.deepEqual(conntrack.flows, new Set([web]));
});
