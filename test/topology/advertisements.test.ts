/**
 * Which communities and filters the BGP of a host is given, and that a name which stands for nothing costs
 * nothing else. By example.
 */
import test from 'ava';
import { modelOf } from './session-text.js';
import { type NetworkText, network } from './topology-fixture.js';

const NODES = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } };

test('communities are named by value or by the names of the BGPConfiguration; unknown names add nothing', (t) => {
  const text: NetworkText = {
    nodes: NODES,
    bgp: {
      default: {
        communities: [
          { name: 'gold', value: '65000:1' },
          { name: 'large', value: '65000:1:2' },
        ],
        prefixAdvertisements: [
          { cidr: network('192.168.0.0/16'), communities: ['gold', '65000:9', 'gold'] },
          { cidr: network('10.0.0.0/8'), communities: ['large'] },
          { cidr: network('192.168.0.0/16'), communities: ['65000:9', '65000:10'] },
          { cidr: network('172.16.0.0/12'), communities: ['nobody'] },
        ],
      },
    },
  };
  t.deepEqual<unknown, unknown>(modelOf('a', text).advertisements, [
    { cidr: '10.0.0.0/8', communities: ['65000:1:2'] },
    { cidr: '192.168.0.0/16', communities: ['65000:1', '65000:9', '65000:10'] },
  ]);
});

test("a node's own communities and advertisements replace those of default, each list as a whole", (t) => {
  const text: NetworkText = {
    nodes: NODES,
    bgp: {
      default: {
        communities: [{ name: 'gold', value: '65000:1' }],
        prefixAdvertisements: [{ cidr: network('10.0.0.0/8'), communities: ['gold'] }],
      },
      'node.a': { communities: [{ name: 'gold', value: '65000:2' }] },
      'node.b': { prefixAdvertisements: [] },
    },
  };
  t.deepEqual<unknown, unknown>(modelOf('a', text).advertisements, [
    { cidr: '10.0.0.0/8', communities: ['65000:2'] },
  ]);
  t.deepEqual(modelOf('b', text).advertisements, []);
});

test('a model has the filters that its sessions name, also those that do not exist', (t) => {
  const text: NetworkText = {
    nodes: NODES,
    peers: { tor: { node: 'a', peerIP: '10.0.0.254', asNumber: 65001, filters: ['z', 'a', 'z'] } },
    filters: { a: { exportV4: [{ action: 'Reject' }] }, other: {} },
  };
  t.deepEqual(modelOf('a', text).filters, [
    { name: 'a', spec: { exportV4: [{ action: 'Reject' }] } },
    { name: 'z', spec: undefined },
  ]);
  t.deepEqual(
    modelOf('a', text).sessions.map(({ filters }) => filters),
    [undefined, ['z', 'a', 'z']],
  );
  t.deepEqual(modelOf('b', text).filters, []);
});

test('a name that stands for no community adds nothing, and the rest of the configuration holds', (t) => {
  const { advertisements, asNumber } = modelOf('a', {
    nodes: NODES,
    bgp: {
      default: {
        asNumber: 65000,
        communities: [
          { name: 'gold', value: '65536:1' },
          { name: 'good', value: '65000:2' },
        ],
        prefixAdvertisements: [{ cidr: network('10.65.0.0/16'), communities: ['gold', 'good', '99999:1'] }],
      },
    },
  });
  t.is(asNumber, 65000);
  t.deepEqual(advertisements, [{ cidr: network('10.65.0.0/16'), communities: ['65000:2'] }]);
});
