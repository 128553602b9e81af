/** The overlay on its way through the calculation graph: said once, in any order, and not at all where there is none. */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import type { DataplaneUpdate, UpdateOf } from '../../../src/agent/calc/updates.js';
import { ObjectAssembler } from '../../../src/agent/syncer/object-assembler.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import type { KeyEvent } from '../../../src/model/store.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import { del, put } from '../syncer/helpers.js';

const POOL = '/calico/v1/ipam/v4/pool/10.65.0.0-16';
const BLOCK = '/calico/ipam/v2/host/host-2/ipv4/block/10.65.2.0-26';
const WORKLOAD = '/calico/v1/host/host-2/workload/static/static/endpoint/web';
const vxlan = put(POOL, '{"cidr":"10.65.0.0/16","ipam":true,"vxlan_mode":"always"}');
const ipip = put(POOL, '{"cidr":"10.65.0.0/16","ipam":true,"ipip":"tunl0","ipip_mode":"always"}');
const plain = put(POOL, '{"cidr":"10.65.0.0/16","ipam":true}');
const workload = put(
  WORKLOAD,
  '{"name":"cali1","state":"active","mac":null,"profile_ids":[],"ipv4_nets":["10.65.9.1/32"],"ipv6_nets":[]}',
);
const NETWORK = [
  put('/calico/bgp/v1/host/host-1/ip_addr_v4', '10.0.0.1'),
  put('/calico/bgp/v1/host/host-2/ip_addr_v4', '10.0.0.2'),
  vxlan,
  put(BLOCK, ''),
  workload,
];

/** An agent of host-1: what each flush says of the overlay. */
function followModels() {
  const assembler = new ObjectAssembler(createLayout());
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  const isOverlay = (update: DataplaneUpdate): update is UpdateOf<'overlay-update'> =>
    update.type === 'overlay-update';
  return (...events: readonly KeyEvent[]) => {
    for (const update of assembler.apply(events)) graph.onUpdate(update);
    return graph
      .flush()
      .filter(isOverlay)
      .map(({ model }) => model);
  };
}

/** Of each, the networks only. */
function follow() {
  const write = followModels();
  return (...events: readonly KeyEvent[]) =>
    write(...events).map((model) => model?.routes.map(({ cidr }) => `${cidr}`));
}

test('a network without encapsulated pools is told of no overlay', (t) => {
  const write = follow();
  t.deepEqual(write(...NETWORK.filter((event) => event !== vxlan), plain), []);
});

test('a pool that becomes encapsulated brings its routes, and takes them along', (t) => {
  const write = follow();
  write(...NETWORK.filter((event) => event !== vxlan), plain);
  t.deepEqual(write(vxlan), [['10.65.2.0/26', '10.65.9.1/32']]);
  t.deepEqual(write(plain), [undefined]);
  t.deepEqual(write(plain), []);
});

test('a pool that goes from one encapsulation to the other is told once, tunnel and routes together', (t) => {
  const write = followModels();
  const said = (...events: readonly KeyEvent[]) =>
    write(...events).map((model) => [
      model?.tunnels.map(({ encapsulation }) => encapsulation),
      model?.routes.map((route) => (route.type === 'tunnel' ? route.encapsulation : route.type)),
    ]);
  t.deepEqual(said(...NETWORK), [[['vxlan'], ['vxlan', 'vxlan']]]);
  t.deepEqual(said(ipip), [[['ipip'], ['ipip', 'ipip']]]);
  t.deepEqual(said(vxlan), [[['vxlan'], ['vxlan', 'vxlan']]]);
});

test('blocks, workloads and hosts come and go', (t) => {
  const write = follow();
  t.deepEqual(write(...NETWORK), [['10.65.2.0/26', '10.65.9.1/32']]);
  t.deepEqual(write(del(BLOCK)), [['10.65.9.1/32']]);
  t.deepEqual(write(del(WORKLOAD)), [[]]);
  t.deepEqual(write(workload), [['10.65.9.1/32']]);
  t.deepEqual(write(del('/calico/bgp/v1/host/host-2/ip_addr_v4')), [[]]);
});

test('law 1: the overlay depends on the state, not on the order in which it came', (t) => {
  fc.assert(
    fc.property(fc.shuffledSubarray(NETWORK, { minLength: NETWORK.length }), (events) => {
      const write = follow();
      const said = events.flatMap((event) => write(event));
      t.deepEqual(said.at(-1), ['10.65.2.0/26', '10.65.9.1/32']);
    }),
  );
});
