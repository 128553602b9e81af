/** The neighbour driver against a kernel in memory. */
import test from 'ava';
import { neighborKey, neighborTable } from '../../../../src/agent/dataplane/drivers/neighbor.js';
import type { IpFamily, MacAddress } from '../../../../src/model/address.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { applyAll, kernelNeighbor, MAC, neighbor, PREFIX } from './driver-fixture.js';

const OTHER_MAC = '02:00:00:00:00:09' as MacAddress;

function setUp(family: IpFamily = 4) {
  const rtnetlink = new FakeRtNetlink();
  const table = neighborTable({ family, rtnetlink, interfacePrefix: PREFIX });
  const want = (address: string, interfaceName: string, mac?: MacAddress) => {
    const wanted = neighbor(address, interfaceName, mac);
    table.desired.set(neighborKey(wanted), wanted);
  };
  const held = async () =>
    (await rtnetlink.neighbors(family))
      .map((it) => `${it.address} ${it.interfaceIndex} ${it.mac} ${it.state}`)
      .sort();
  return { rtnetlink, table, want, held };
}

test('neighborTable() installs permanent entries, in both families', async (t) => {
  for (const [family, address] of [
    [4, '192.168.1.1'],
    [6, 'fd65::1'],
  ] as const) {
    const { rtnetlink, table, want, held } = setUp(family);
    rtnetlink.addLink('cali1');
    want(address, 'cali1');
    t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
    t.deepEqual(await held(), [`${address} 1 ${MAC} 128`]);
    t.deepEqual(await table.verify(), []);
  }
});

test('neighborTable() sweeps stale permanent entries of workload interfaces, and no others', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  const cali1 = rtnetlink.addLink('cali1');
  const eth0 = rtnetlink.addLink('eth0');
  rtnetlink.plant({
    op: 'replace',
    object: 'neighbor',
    neighbor: kernelNeighbor('192.168.1.9', cali1.index),
  });
  rtnetlink.plant({
    op: 'replace',
    object: 'neighbor',
    neighbor: kernelNeighbor('192.168.1.8', cali1.index, { state: 2 }),
  });
  rtnetlink.plant({ op: 'replace', object: 'neighbor', neighbor: kernelNeighbor('10.0.0.1', eth0.index) });
  want('192.168.1.1', 'cali1');
  t.like(await applyAll(table), { changed: 2, failures: [] });
  t.deepEqual(await held(), [`10.0.0.1 2 ${MAC} 128`, `192.168.1.1 1 ${MAC} 128`, `192.168.1.8 1 ${MAC} 2`]);
});

test('neighborTable() changes an entry whose MAC address differs', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  const { index } = rtnetlink.addLink('cali1');
  rtnetlink.plant({ op: 'replace', object: 'neighbor', neighbor: kernelNeighbor('192.168.1.1', index) });
  want('192.168.1.1', 'cali1', OTHER_MAC);
  t.deepEqual(await table.verify(), [
    { object: 'neighbor 192.168.1.1 dev cali1', message: 'differs in the kernel' },
  ]);
  t.like(await applyAll(table), { changed: 1, failures: [] });
  t.deepEqual(await held(), [`192.168.1.1 1 ${OTHER_MAC} 128`]);
});

test('neighborTable() waits for its interface, and writes again when that was down', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  want('192.168.1.1', 'cali1');
  t.deepEqual((await applyAll(table)).waiting, [
    { object: 'neighbor 192.168.1.1 dev cali1', message: 'there is no interface cali1' },
  ]);
  t.deepEqual(await table.verify(), []);
  rtnetlink.addLink('cali1');
  t.like(await applyAll(table), { changed: 1 });
  rtnetlink.setUp('cali1', false);
  rtnetlink.setUp('cali1', true);
  table.queueResync();
  t.like(await applyAll(table), { changed: 1 });
  t.deepEqual(await held(), [`192.168.1.1 1 ${MAC} 128`]);
});

test('neighborTable() removes an entry together with its endpoint', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  rtnetlink.addLink('cali1');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  table.desired.delete('cali1/192.168.1.1');
  t.like(await applyAll(table), { changed: 1, failures: [] });
  t.deepEqual(await held(), []);
});
