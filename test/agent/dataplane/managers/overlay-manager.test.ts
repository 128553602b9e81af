/** What an overlay asks of the drivers, encapsulation by encapsulation. */
import test from 'ava';
import { recordDesired } from '../../../../src/agent/dataplane/desired-record.js';
import { OverlayManager } from '../../../../src/agent/dataplane/managers/overlay-manager.js';
import { IP_FAMILIES, type MacAddress } from '../../../../src/model/address.js';
import type { OverlayModel } from '../../../../src/topology/overlay.js';
import { address, cidr } from '../batch.js';

const MAC = '66:00:00:00:00:01' as MacAddress;
const PEER = { node: 'b', hostAddress: address('10.99.2.2'), gateway: address('10.99.2.2') };
const OWN = { hostAddress: address('10.99.1.1'), tunnelAddress: address('10.65.1.0') };

const IPIP: OverlayModel = {
  tunnels: [{ encapsulation: 'ipip', family: 4, ...OWN, peers: [PEER] }],
  routes: [{ type: 'tunnel', encapsulation: 'ipip', cidr: cidr('10.65.2.0/26'), gateway: PEER.gateway }],
};
const VXLAN: OverlayModel = {
  tunnels: [{ encapsulation: 'vxlan', family: 4, mac: MAC, ...OWN, peers: [{ ...PEER, mac: MAC }] }],
  routes: [{ type: 'tunnel', encapsulation: 'vxlan', cidr: cidr('10.66.2.0/26'), gateway: PEER.gateway }],
};
const BOTH: OverlayModel = {
  tunnels: [...VXLAN.tunnels, ...IPIP.tunnels],
  routes: [
    ...IPIP.routes,
    ...VXLAN.routes,
    { type: 'direct', cidr: cidr('10.65.3.0/26'), gateway: address('10.99.1.3') },
    { type: 'blackhole', cidr: cidr('10.65.1.0/26') },
  ],
};

/** The wishes after each of these in turn. */
function wishesAfter(...models: readonly (OverlayModel | undefined)[]) {
  const wishes = recordDesired(IP_FAMILIES);
  const manager = new OverlayManager(wishes);
  for (const model of models) {
    manager.onUpdate({ type: 'overlay-update', model });
    manager.completeDeferredWork();
  }
  return {
    tunnels: [...wishes.tunnels.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    forwarding: [...wishes.forwarding.keys()],
    neighbors: wishes.families.flatMap(({ neighbors }) => [...neighbors.keys()]),
    routes: wishes.families
      .flatMap(({ routes }) => [...routes.values()])
      .map(({ cidr: to, gateway = '-', interfaceName = '-' }) => `${to} ${gateway} ${interfaceName}`)
      .sort(),
  };
}

test('IP in IP asks for one device and routes through it; there are no MAC addresses to tell', (t) => {
  t.deepEqual(wishesAfter(IPIP), {
    tunnels: [
      {
        ...{ name: 'ipip.calico', encapsulation: 'ipip', family: 4 },
        ...{ local: OWN.hostAddress, address: OWN.tunnelAddress },
      },
    ],
    forwarding: [],
    neighbors: [],
    routes: ['10.65.2.0/26 10.99.2.2 ipip.calico'],
  });
});

test('both encapsulations stand side by side, each with what it needs', (t) => {
  const { tunnels, ...rest } = wishesAfter(BOTH);
  t.deepEqual(
    tunnels.map(({ name }) => name),
    ['ipip.calico', 'vxlan.calico'],
  );
  t.deepEqual(rest, {
    forwarding: [`vxlan.calico/${MAC}`],
    neighbors: ['vxlan.calico/10.99.2.2'],
    routes: [
      '10.65.1.0/26 - -',
      '10.65.2.0/26 10.99.2.2 ipip.calico',
      '10.65.3.0/26 10.99.1.3 -',
      '10.66.2.0/26 10.99.2.2 vxlan.calico',
    ],
  });
});

test('law 1: what is wished for follows from the last model alone', (t) => {
  for (const last of [IPIP, VXLAN, BOTH, undefined])
    for (const before of [IPIP, VXLAN, BOTH, undefined])
      t.deepEqual(wishesAfter(before, last), wishesAfter(last));
});
