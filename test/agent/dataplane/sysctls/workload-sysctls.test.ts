/** Which sysctls a host and a workload's interface need. */
import test from 'ava';
import { interfaceSysctl } from '../../../../src/agent/dataplane/sysctls/sysctl-path.js';
import { hostSysctls, workloadSysctls } from '../../../../src/agent/dataplane/sysctls/workload-sysctls.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import type { SysctlPath } from '../../../../src/model/sysctl.js';

const text = (settings: ReturnType<typeof hostSysctls>) =>
  settings.map(({ path, value }) => `${path} = ${value}`);

test('hostSysctls() turns forwarding on, and leaves the path filter of all interfaces to the operator', (t) => {
  t.deepEqual(text(hostSysctls(IP_FAMILIES)), [
    'net/ipv4/ip_forward = 1',
    'net/ipv6/conf/all/forwarding = 1',
  ]);
});

test('workloadSysctls() covers both families', (t) => {
  t.deepEqual(text(workloadSysctls('cali1', IP_FAMILIES)), [
    'net/ipv4/conf/cali1/proxy_arp = 1',
    'net/ipv4/neigh/cali1/proxy_delay = 0',
    'net/ipv4/conf/cali1/rp_filter = 1',
    'net/ipv4/conf/cali1/forwarding = 1',
    'net/ipv4/conf/cali1/accept_redirects = 0',
    'net/ipv6/conf/cali1/forwarding = 1',
    'net/ipv6/conf/cali1/accept_redirects = 0',
    'net/ipv6/conf/cali1/accept_ra = 0',
  ]);
});

test('workloadSysctls() of IPv4 alone touches nothing of IPv6', (t) => {
  t.true(text(workloadSysctls('cali1', [4])).every((line) => line.startsWith('net/ipv4/')));
});

const refuses = test.macro({
  exec(t, name: string) {
    t.throws(() => interfaceSysctl(4, 'conf', name, 'proxy_arp'), {
      instanceOf: RangeError,
      message: `No interface can be named ${JSON.stringify(name)}: 1 to 15 characters, no slash, colon or blank`,
    });
  },
  title: (_, name) => `interfaceSysctl() refuses the interface name ${JSON.stringify(name)}`,
});

for (const name of ['', '.', '..', '../all', 'cali/1', 'cali 1', 'cali:1', 'cali1\n', 'cali0123456789ab'])
  test(refuses, name);

test('interfaceSysctl() accepts a name with a dot, as of a VLAN', (t) => {
  t.is(
    interfaceSysctl(4, 'conf', 'eth0.100', 'forwarding'),
    'net/ipv4/conf/eth0.100/forwarding' as SysctlPath,
  );
});
