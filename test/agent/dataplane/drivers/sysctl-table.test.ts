/** The sysctl driver against a /proc/sys in memory. */
import test from 'ava';
import { sysctlTable } from '../../../../src/agent/dataplane/drivers/sysctl-table.js';
import type { ProcSys } from '../../../../src/kernel/proc-sys.js';
import type { SysctlPath } from '../../../../src/model/sysctl.js';
import { applyAll } from './driver-fixture.js';

const PROXY_ARP = 'net/ipv4/conf/cali1/proxy_arp' as SysctlPath;
const FORWARDING = 'net/ipv4/conf/cali1/forwarding' as SysctlPath;

function setUp(files: Readonly<Record<string, string>>, stubborn: readonly string[] = []) {
  const contents = new Map(Object.entries(files));
  const writes: string[] = [];
  let failing: string | undefined;
  const procSys: ProcSys = {
    async read(path) {
      if (failing === `read ${path}`) throw new Error('EIO: told to fail');
      return contents.get(path);
    },
    async write(path, value) {
      if (failing === `write ${path}`)
        throw Object.assign(new Error('EINVAL: told to fail'), { code: 'EINVAL' });
      if (!contents.has(path)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      writes.push(`${path}=${value}`);
      if (!stubborn.includes(path)) contents.set(path, value);
    },
  };
  const fail = (operation: string | undefined) => {
    failing = operation;
  };
  return { table: sysctlTable(procSys), contents, writes, fail };
}

test('sysctlTable() writes what differs, and only that', async (t) => {
  const { table, contents, writes } = setUp({ [PROXY_ARP]: '0', [FORWARDING]: '1' });
  table.desired.set(PROXY_ARP, '1');
  table.desired.set(FORWARDING, '1');
  t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
  t.deepEqual(writes, [`${PROXY_ARP}=1`]);
  t.is(contents.get(PROXY_ARP), '1');
  t.deepEqual(await table.verify(), []);
});

test('sysctlTable() waits for a file that is missing, and writes when it comes', async (t) => {
  const { table, contents } = setUp({});
  table.desired.set(PROXY_ARP, '1');
  t.deepEqual(await applyAll(table), {
    changed: 0,
    failures: [],
    waiting: [{ object: `sysctl ${PROXY_ARP} = 1`, message: `there is no /proc/sys/${PROXY_ARP}` }],
  });
  t.deepEqual(await table.verify(), []);
  contents.set(PROXY_ARP, '0');
  t.like(await applyAll(table), { changed: 1, failures: [] });
});

test('sysctlTable() repairs what another program changed, after a resync', async (t) => {
  const { table, contents } = setUp({ [PROXY_ARP]: '0' });
  table.desired.set(PROXY_ARP, '1');
  await applyAll(table);
  contents.set(PROXY_ARP, '0');
  t.deepEqual(await table.verify(), [
    { object: `sysctl ${PROXY_ARP} = 1`, message: 'differs in the kernel' },
  ]);
  t.like(await applyAll(table), { changed: 1 });
  t.is(contents.get(PROXY_ARP), '1');
});

test('sysctlTable() leaves the value of a setting that is wanted no more', async (t) => {
  const { table, contents } = setUp({ [PROXY_ARP]: '0' });
  table.desired.set(PROXY_ARP, '1');
  await applyAll(table);
  table.desired.delete(PROXY_ARP);
  t.deepEqual((await applyAll(table)).failures, []);
  t.is(contents.get(PROXY_ARP), '1');
  t.deepEqual(await table.verify(), []);
});

test('sysctlTable() reports a value that the kernel does not keep', async (t) => {
  const { table } = setUp({ [PROXY_ARP]: '0' }, [PROXY_ARP]);
  table.desired.set(PROXY_ARP, '1');
  t.deepEqual((await applyAll(table)).failures, [
    { object: `sysctl ${PROXY_ARP} = 1`, message: 'the kernel keeps 0' },
  ]);
});

test('sysctlTable() writes the others when one fails, and converges when it works again', async (t) => {
  for (const operation of [`write ${PROXY_ARP}`, `read ${PROXY_ARP}`]) {
    const { table, contents, fail } = setUp({ [PROXY_ARP]: '0', [FORWARDING]: '0' });
    table.desired.set(PROXY_ARP, '1');
    table.desired.set(FORWARDING, '1');
    fail(operation);
    t.is((await applyAll(table)).failures.length > 0, true, operation);
    if (operation.startsWith('write')) t.is(contents.get(FORWARDING), '1');
    fail(undefined);
    await applyAll(table);
    t.deepEqual([contents.get(PROXY_ARP), contents.get(FORWARDING)], ['1', '1']);
    t.deepEqual(await table.verify(), []);
  }
});
