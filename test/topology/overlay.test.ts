/** The overlay of a host from the resources of the network: routes, ends of tunnels, and which of the two it takes. */
import test, { type ExecutionContext } from 'ava';
import type { Cidr, InterfaceAddress } from '../../src/model/address.js';
import type { SpecOf } from '../../src/model/resource.js';
import {
  type OverlayModel,
  type OverlayWorkload,
  overlayFor,
  overlayPools,
  type VxlanOverlayTunnel,
} from '../../src/topology/overlay.js';
import { address, type NetworkText, topologyInput } from './topology-fixture.js';

const NODES = {
  a: { v4: '10.99.1.1/24', v6: 'fd99:1::1/64' },
  b: { v4: '10.99.1.2/24', v6: 'fd99:1::2/64' },
  c: { v4: '10.99.2.3/24', v6: 'fd99:2::3/64' },
};

interface Network extends NetworkText {
  /** Node -> addresses. */
  readonly workloads?: Readonly<Record<string, readonly string[]>>;
  /** Node -> what its tunnels are called. */
  readonly ends?: Readonly<Record<string, SpecOf<'Node'>>>;
  readonly hasBgp?: boolean;
}

function overlayOf(node: string, { workloads = {}, ends = {}, hasBgp = true, ...text }: Network) {
  const input = topologyInput({ nodes: NODES, ...text });
  const nodes = new Map(
    [...input.nodes].map(([name, one]) => [name, { ...one, spec: { ...one.spec, ...ends[name] } }]),
  );
  const listed = Object.entries(workloads).map(([at, addresses]): [string, OverlayWorkload] => [
    at,
    { node: at, addresses: addresses.map(address) },
  ]);
  return overlayFor(node, { ...input, nodes, workloads: new Map(listed), hasBgp });
}

function vxlanOf(node: string, network: Network): readonly VxlanOverlayTunnel[] {
  const { tunnels } = overlayOf(node, network) ?? { tunnels: [] };
  return tunnels.flatMap((tunnel) => (tunnel.encapsulation === 'vxlan' ? [tunnel] : []));
}

/** As a person would write them. */
function routesOf(model: OverlayModel | undefined): readonly string[] {
  return (model?.routes ?? []).map((route) =>
    route.type === 'blackhole'
      ? `${route.cidr} blackhole`
      : `${route.cidr} ${route.type === 'tunnel' ? route.encapsulation : route.type} ${route.gateway}`,
  );
}

function routes(t: ExecutionContext, network: Network, ...expected: readonly string[]): void {
  t.deepEqual(routesOf(overlayOf('a', network)), expected);
}

const ALWAYS = { '10.65.0.0/16': { vxlanMode: 'Always' }, 'fd65::/48': { vxlanMode: 'Always' } } as const;
const CROSS = {
  '10.65.0.0/16': { vxlanMode: 'CrossSubnet' },
  'fd65::/48': { vxlanMode: 'CrossSubnet' },
} as const;
const IPIP = { '10.65.0.0/16': { ipipMode: 'Always' } } as const;
const BOTH = {
  '10.65.0.0/16': { vxlanMode: 'Always' },
  '10.66.0.0/16': { ipipMode: 'CrossSubnet' },
  'fd65::/48': { vxlanMode: 'CrossSubnet' },
} as const;
const BLOCKS = {
  '10.65.1.0/26': { a: 'confirmed' },
  '10.65.2.0/26': { b: 'confirmed' },
  '10.65.3.0/26': { c: 'confirmed' },
  'fd65::300/122': { c: 'confirmed' },
} as const;

test('overlayFor() is undefined where no pool is encapsulated', (t) => {
  t.is(overlayOf('a', { pools: { '10.65.0.0/16': {} }, blocks: BLOCKS }), undefined);
});

test(
  'Always: blocks of every other host are reached through the tunnel',
  routes,
  { pools: ALWAYS, blocks: BLOCKS },
  '10.65.2.0/26 vxlan 10.99.1.2',
  '10.65.3.0/26 vxlan 10.99.2.3',
  'fd65::300/122 vxlan fe80::64f3:f8ff:fe44:2ad7',
);
test(
  'CrossSubnet: hosts of our subnet are reached by their own address, others through the tunnel',
  routes,
  { pools: CROSS, workloads: { b: ['fd65::2'], c: [] }, blocks: BLOCKS },
  '10.65.2.0/26 direct 10.99.1.2',
  '10.65.3.0/26 vxlan 10.99.2.3',
  'fd65::2/128 direct fd99:1::2',
  'fd65::300/122 vxlan fe80::64f3:f8ff:fe44:2ad7',
);
test(
  'CrossSubnet: an IPv6 address whose prefix length is not known has a /64',
  routes,
  {
    pools: CROSS,
    nodes: { a: { v4: '10.0.0.1/24', v6: 'fd99:1::1/128' }, b: { v4: '10.0.1.1/24', v6: 'fd99:1::2/128' } },
    workloads: { b: ['fd65::2', '10.65.0.2'] },
  },
  '10.65.0.2/32 vxlan 10.0.1.1',
  'fd65::2/128 direct fd99:1::2',
);
test(
  'a workload outside the blocks of its host has a route of its own, one inside has none',
  routes,
  {
    pools: ALWAYS,
    blocks: BLOCKS,
    workloads: { b: ['10.65.2.7', '10.65.9.7'], c: ['10.65.2.8', '10.65.1.8'] },
  },
  '10.65.1.8/32 vxlan 10.99.2.3',
  '10.65.2.0/26 vxlan 10.99.1.2',
  '10.65.2.8/32 vxlan 10.99.2.3',
  '10.65.3.0/26 vxlan 10.99.2.3',
  '10.65.9.7/32 vxlan 10.99.1.2',
  'fd65::300/122 vxlan fe80::64f3:f8ff:fe44:2ad7',
);
test(
  'a block that is not confirmed leads nowhere, its workloads do',
  routes,
  {
    pools: ALWAYS,
    blocks: { '10.65.2.0/26': { b: 'pending', c: 'pendingDeletion' } },
    workloads: { b: ['10.65.2.7'] },
  },
  '10.65.2.7/32 vxlan 10.99.1.2',
);
test(
  'without BGP the blocks of this host end here, with BGP its daemon sees to that',
  routes,
  {
    pools: ALWAYS,
    blocks: { '10.65.1.0/26': { a: 'confirmed' } },
    hasBgp: false,
    workloads: { a: ['10.65.1.1'] },
  },
  '10.65.1.0/26 blackhole',
);
test('a pool that is not encapsulated has no routes', routes, {
  pools: { '10.65.0.0/16': {}, '10.66.0.0/16': { vxlanMode: 'Always' } },
  blocks: BLOCKS,
});
test(
  'of pools inside each other the most specific decides',
  routes,
  {
    pools: { '10.65.0.0/16': { vxlanMode: 'Always' }, '10.65.2.0/24': { vxlanMode: 'CrossSubnet' } },
    blocks: BLOCKS,
  },
  '10.65.2.0/26 direct 10.99.1.2',
  '10.65.3.0/26 vxlan 10.99.2.3',
);

test(
  'IP in IP, Always: the gateway is the other host itself',
  routes,
  { pools: IPIP, blocks: BLOCKS, workloads: { c: ['10.65.2.8'] } },
  '10.65.2.0/26 ipip 10.99.1.2',
  '10.65.2.8/32 ipip 10.99.2.3',
  '10.65.3.0/26 ipip 10.99.2.3',
);
test(
  'IP in IP, CrossSubnet: hosts of our subnet are reached without it',
  routes,
  { pools: { '10.65.0.0/16': { ipipMode: 'CrossSubnet' } }, blocks: BLOCKS },
  '10.65.2.0/26 direct 10.99.1.2',
  '10.65.3.0/26 ipip 10.99.2.3',
);
test(
  'pools of both encapsulations stand side by side, and each decides for its own networks',
  routes,
  { pools: BOTH, blocks: BLOCKS, workloads: { b: ['10.66.0.2'], c: ['10.66.0.3', 'fd65::3'] } },
  '10.65.2.0/26 vxlan 10.99.1.2',
  '10.65.3.0/26 vxlan 10.99.2.3',
  '10.66.0.2/32 direct 10.99.1.2',
  '10.66.0.3/32 ipip 10.99.2.3',
  'fd65::3/128 vxlan fe80::64f3:f8ff:fe44:2ad7',
  'fd65::300/122 vxlan fe80::64f3:f8ff:fe44:2ad7',
);
test(
  'IP in IP without BGP: the blocks of this host end here',
  routes,
  { pools: IPIP, blocks: { '10.65.1.0/26': { a: 'confirmed' } }, hasBgp: false },
  '10.65.1.0/26 blackhole',
);

test('IP in IP is of IPv4: an IPv6 pool in the store that asks for it is not encapsulated', (t) => {
  t.is(overlayOf('a', { pools: { 'fd65::/48': { ipipMode: 'Always' } }, blocks: BLOCKS }), undefined);
});

test('overlayPools() lists the pools of either encapsulation, sorted', (t) => {
  const { pools } = topologyInput({
    pools: { ...BOTH, '10.67.0.0/16': {}, 'fd67::/48': { ipipMode: 'Always' } },
  });
  t.deepEqual(overlayPools(pools.values()), ['10.65.0.0/16', '10.66.0.0/16', 'fd65::/48'] as Cidr[]);
});

test('there is one tunnel a family and encapsulation, also where nothing is sent through it', (t) => {
  const tunnelsOf = (network: Network) =>
    overlayOf('a', network)?.tunnels.map(({ encapsulation, family }) => `${encapsulation} ${family}`);
  t.deepEqual(tunnelsOf({ pools: BOTH }), ['vxlan 4', 'ipip 4', 'vxlan 6']);
  t.deepEqual(tunnelsOf({ pools: IPIP, nodes: { a: { v4: '10.99.1.1/24' } } }), ['ipip 4']);
  t.deepEqual(tunnelsOf({ pools: IPIP, nodes: { a: { v6: 'fd99:1::1/64' } } }), []);
});

test('the ends of an IP in IP tunnel have no MAC addresses, and the address that the Node says', (t) => {
  const ends = {
    a: { bgp: { ipv4Address: '10.99.1.1/24' as InterfaceAddress, ipv4IPIPTunnelAddr: address('10.65.1.0') } },
  };
  const [tunnel, ...others] = overlayOf('a', { pools: IPIP, blocks: BLOCKS, ends })?.tunnels ?? [];
  t.deepEqual(others, []);
  t.deepEqual(tunnel, {
    encapsulation: 'ipip',
    family: 4,
    hostAddress: address('10.99.1.1'),
    tunnelAddress: address('10.65.1.0'),
    peers: [
      { node: 'b', hostAddress: address('10.99.1.2'), gateway: address('10.99.1.2') },
      { node: 'c', hostAddress: address('10.99.2.3'), gateway: address('10.99.2.3') },
    ],
  });
});

test('the ends of a tunnel are what the Nodes say, and what follows from their names where they say nothing', (t) => {
  const mac = '66:00:00:00:00:02' as NonNullable<SpecOf<'Node'>['vxlanTunnelMACAddr']>;
  const ends = { b: { ipv4VXLANTunnelAddr: address('10.65.2.0'), vxlanTunnelMACAddr: mac } };
  const network = { pools: ALWAYS, blocks: BLOCKS, ends };
  const [tunnel4, tunnel6] = vxlanOf('a', network);
  t.like(tunnel4, { family: 4, hostAddress: '10.99.1.1', tunnelAddress: undefined });
  t.like(tunnel4?.peers[0], { node: 'b', mac, hostAddress: '10.99.1.2', gateway: '10.65.2.0' });
  const derived = tunnel4?.peers[1]?.mac;
  t.regex(derived ?? '', /^66(:[0-9a-f]{2}){5}$/);
  t.not(derived, tunnel6?.peers[0]?.mac, 'one a family');
  const [seenByItself] = vxlanOf('c', network);
  t.is(seenByItself?.mac, derived);
  t.deepEqual(
    tunnel6?.peers.map(({ node }) => node),
    ['c'],
    'only who is sent something',
  );
});

test('a host without an address of the family has no tunnel of it, and nobody sends it anything', (t) => {
  const nodes = { a: { v4: '10.99.1.1/24' }, b: { v4: '10.99.1.2/24', v6: 'fd99:1::2/64' } };
  const network = { nodes, pools: ALWAYS, workloads: { a: ['fd65::1'], b: ['fd65::2', '10.65.0.2'] } };
  t.deepEqual(routesOf(overlayOf('a', network)), ['10.65.0.2/32 vxlan 10.99.1.2']);
  t.deepEqual(routesOf(overlayOf('b', network)), []);
});

test('of one address on two hosts, the one that is named first has it, in whatever order they came', (t) => {
  const [there, too] = [{ b: ['10.65.9.1'] }, { c: ['10.65.9.1'] }];
  for (const workloads of [
    { ...there, ...too },
    { ...too, ...there },
  ])
    t.deepEqual(routesOf(overlayOf('a', { pools: ALWAYS, workloads })), ['10.65.9.1/32 vxlan 10.99.1.2']);
});
