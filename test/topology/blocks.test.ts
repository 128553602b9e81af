/**
 * Only a confirmed block is announced as a whole; what may still go to another host is not (DESIGN.md). One
 * network.
 */
import test from 'ava';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { topologyInput } from './topology-fixture.js';

const NETWORK = {
  nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } },
  reflectors: { rr: { v4: '10.0.0.11', cluster: '1.0.0.1' } },
  blocks: {
    'fd65::40/122': { a: 'confirmed' },
    '10.65.2.0/26': { a: 'pending', b: 'pending' },
    '10.65.1.0/26': { a: 'confirmed' },
    '10.65.3.0/26': { a: 'pendingDeletion' },
    '10.65.4.4/32': { a: 'confirmed' },
    'fd65::1/128': { a: 'confirmed' },
    '10.65.9.0/26': { rr: 'confirmed' },
  },
} as const;

const blocksOf = (node: string) =>
  bgpModelFor(node, topologyInput(NETWORK))?.blocks.map(({ cidr, aggregated }) =>
    aggregated ? `${cidr} announced` : cidr,
  );

test('a host announces its confirmed blocks and no others, sorted, and none of a single address', (t) => {
  t.deepEqual(blocksOf('a'), [
    '10.65.1.0/26 announced',
    '10.65.2.0/26',
    '10.65.3.0/26',
    'fd65::40/122 announced',
  ]);
  t.deepEqual(blocksOf('b'), ['10.65.2.0/26']);
});

test('a RouteReflector has no blocks, whatever the store says', (t) => t.deepEqual(blocksOf('rr'), []));
