/** /proc/sys of the namespace that the process is in. */
import test from 'ava';
import { procSys } from '../../src/kernel/proc-sys.js';
import type { SysctlPath } from '../../src/model/sysctl.js';
import { createVeth, requirePrivateNetns, run } from '../helpers/netns.js';

requirePrivateNetns();

const path = (text: string) => text as SysctlPath;

test.serial('procSys writes what sysctl(8) reads, and reads it without the newline', async (t) => {
  await using veth = await createVeth();
  const key = path(`net/ipv4/conf/${veth.name}/proxy_arp`);
  t.is(await procSys.read(key), '0');
  await procSys.write(key, '1');
  t.is(await procSys.read(key), '1');
  t.is(await run('sysctl', ['-n', `net/ipv4/conf/${veth.name}/proxy_arp`]), '1\n');
});

test.serial('procSys reads undefined from a missing file, and writing to it is ENOENT', async (t) => {
  const key = path('net/ipv4/conf/no-such-link/proxy_arp');
  t.is(await procSys.read(key), undefined);
  await t.throwsAsync(procSys.write(key, '1'), { code: 'ENOENT' });
});

test.serial('procSys throws when the kernel refuses a value', async (t) => {
  await t.throwsAsync(procSys.write(path('net/ipv4/ip_forward'), 'perhaps'), { code: 'EINVAL' });
});
