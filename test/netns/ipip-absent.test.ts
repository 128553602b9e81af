/**
 * IP in IP on the kernel of this machine, whether it has it or not: a kernel without says so, and the rest of the overlay is
 * none the worse. The kernel itself decides which of the two is asserted; test/qemu has one that has IP in IP for certain.
 */
import test from 'ava';
import { IPIP_NAME, VXLAN_NAMES } from '../../src/agent/dataplane/intent.js';
import { type Cidr, IP_FAMILIES, type MacAddress } from '../../src/model/address.js';
import type { OverlayModel } from '../../src/topology/overlay.js';
import { PROTOCOL } from '../agent/dataplane/drivers/driver-fixture.js';
import { bringUpLoopback, createVeth, hasIpip, ip, ipJson, requirePrivateNetns } from '../helpers/netns.js';
import { address } from '../topology/topology-fixture.js';
import { openOverlayAgent } from './overlay-fixture.js';

requirePrivateNetns();
test.before(bringUpLoopback);

const [OWN4, OWN6] = [address('10.99.1.1'), address('fd99:1::1')];
const MAC = '66:00:00:00:00:01' as MacAddress;
const NO_TUNNEL_ADDRESS = { tunnelAddress: undefined, peers: [] };

/** Pools of both encapsulations, and of both families. */
const MODEL: OverlayModel = {
  tunnels: [
    { encapsulation: 'ipip', family: 4, hostAddress: OWN4, ...NO_TUNNEL_ADDRESS },
    { encapsulation: 'vxlan', family: 4, mac: MAC, hostAddress: OWN4, ...NO_TUNNEL_ADDRESS },
    { encapsulation: 'vxlan', family: 6, mac: MAC, hostAddress: OWN6, ...NO_TUNNEL_ADDRESS },
  ],
  routes: [
    { ...tunnelRoute('10.65.2.0/26', '10.99.2.2'), encapsulation: 'ipip' },
    { ...tunnelRoute('10.66.2.0/26', '10.99.2.2'), encapsulation: 'vxlan' },
    { ...tunnelRoute('fd65::200/122', 'fe80::2'), encapsulation: 'vxlan' },
    { type: 'direct', cidr: '10.65.7.0/26' as Cidr, gateway: address('10.99.1.7') },
  ],
};

function tunnelRoute(cidr: string, gateway: string) {
  return { type: 'tunnel', cidr: cidr as Cidr, gateway: address(gateway) } as const;
}

test.serial(
  'a kernel without IP in IP says so, packets for the tunnel end here, and nothing else suffers; one with it has the tunnel',
  async (t) => {
    const present = await hasIpip();
    t.log(
      present ? 'this kernel has IP in IP: the tunnel is asserted' : 'this kernel has none: the refusal is',
    );
    await using _eth0 = await createVeth({ name: 'eth0' });
    await ip(`addr add ${OWN4}/24 dev eth0`);
    await ip(`addr add ${OWN6}/64 dev eth0 nodad`);
    await using agent = await openOverlayAgent(MODEL);
    const refusal = {
      object: 'tunnel ipip.calico',
      message: 'this kernel has no IPIP (module ipip): use vxlanMode, or load the module',
    };
    for (const _ of ['first', 'again']) t.deepEqual(await agent.apply(), present ? [] : [refusal]);
    t.deepEqual(await agent.verify(), []);
    for (const family of IP_FAMILIES)
      t.like((await ipJson(`link show ${VXLAN_NAMES[family]}`))[0], { address: MAC });
    const routes = await Promise.all(
      IP_FAMILIES.map((family) => ipJson(`-${family} route show proto ${PROTOCOL}`)),
    );
    t.deepEqual(
      routes
        .flat()
        .map(({ type = 'unicast', dst, dev }) => `${type} ${dst}${type === 'unicast' ? ` ${dev}` : ''}`)
        .sort(),
      [
        present ? `unicast 10.65.2.0/26 ${IPIP_NAME}` : 'blackhole 10.65.2.0/26',
        `unicast 10.66.2.0/26 ${VXLAN_NAMES[4]}`,
        'unicast 10.65.7.0/26 eth0',
        `unicast fd65::200/122 ${VXLAN_NAMES[6]}`,
      ].sort(),
    );
    agent.want(undefined);
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await agent.verify(), []);
    for (const family of IP_FAMILIES)
      t.deepEqual(await ipJson(`-${family} route show proto ${PROTOCOL}`), []);
  },
);
