/** Blocks of addresses on their way through the calculation graph: this host's shape its BGP, others cost nothing. */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import { ObjectAssembler } from '../../../src/agent/syncer/object-assembler.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import type { KeyEvent } from '../../../src/model/store.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import type { BgpModel } from '../../../src/topology/bgp-model.js';
import { del, put } from '../syncer/helpers.js';

const NODES = [
  put('/calico/bgp/v1/host/host-1/ip_addr_v4', '10.0.0.1'),
  put('/calico/bgp/v1/host/host-2/ip_addr_v4', '10.0.0.2'),
];
const claim = (host: string, cidr: string) =>
  `/calico/ipam/v2/host/${host}/ipv${cidr.includes(':') ? 6 : 4}/block/${cidr.replace('/', '-')}`;

/** The store as an agent of host-1 sees it, and how often its BGP was worked out. */
function follow() {
  let computed = 0;
  const assembler = new ObjectAssembler(createLayout());
  const graph = createCalcGraph({
    node: 'host-1',
    computeBgp: (...input) => {
      computed += 1;
      return bgpModelFor(...input);
    },
  });
  let model: BgpModel | undefined;
  return {
    write(...events: KeyEvent[]) {
      for (const update of assembler.apply(events)) graph.onUpdate(update);
    },
    /** The model after a flush. */
    flush(): BgpModel | undefined {
      for (const update of graph.flush()) if (update.type === 'bgp-update') model = update.model;
      return model;
    },
    problems: () => [...graph.problems().values()],
    computed: () => computed,
  };
}

test('a block of this host changes its BGP, and goes as it came', (t) => {
  const agent = follow();
  agent.write(...NODES, put(claim('host-1', '10.65.1.0/26'), ''));
  t.is(agent.flush()?.blocks.length, 1);
  t.like(agent.flush()?.blocks[0], { cidr: '10.65.1.0/26', aggregated: true });
  agent.write(put(claim('host-1', '10.65.1.0/26'), '{"state":"pendingDeletion"}'));
  t.like(agent.flush()?.blocks[0], { aggregated: false });
  agent.write(del(claim('host-1', '10.65.1.0/26')));
  t.deepEqual(agent.flush()?.blocks, []);
});

test('blocks of other hosts come and go without BGP being worked out again', (t) => {
  const agent = follow();
  agent.write(...NODES, put(claim('host-1', '10.65.1.0/26'), ''));
  agent.flush();
  const before = agent.computed();
  for (let index = 0; index < 100; index += 1) {
    agent.write(
      put(claim('host-2', `10.65.2.${(index % 4) * 64}/26`), index % 3 === 0 ? '{}' : '{"state":"pending"}'),
    );
    agent.flush();
  }
  agent.write(
    put('/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26', '{"affinity":null,"allocations":[1]}'),
  );
  t.is(agent.flush()?.blocks.length, 1);
  t.true(agent.computed() <= before + 1, `${agent.computed() - before} times`);
});

test('a block that another host turns out to have is no longer announced here', (t) => {
  const agent = follow();
  agent.write(...NODES, put(claim('host-1', '10.65.1.0/26'), '{}'));
  t.is(agent.flush()?.blocks.length, 1);
  agent.write(put('/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26', '{"affinity":"host:host-2"}'));
  t.deepEqual(agent.flush()?.blocks, []);
});

test('a claim that cannot be read is a problem of the host by name, until it is put right', (t) => {
  const agent = follow();
  const key = claim('host-1', 'fd65::40/122');
  agent.write(...NODES, put(key, '{"state":"sure"}'));
  t.deepEqual(agent.flush()?.blocks, []);
  t.regex(agent.problems()[0] ?? '', /host-1\/ipv6\/block\/fd65::40-122: state: expected one of confirmed/);
  agent.write(put(key, '{"state":"confirmed"}'));
  t.is(agent.flush()?.blocks.length, 1);
  t.deepEqual(agent.problems(), []);
});

test('law 1: what a host announces follows from the keys that there are, not from their order', (t) => {
  const cidrs = ['10.65.1.0/26', '10.65.2.0/26', 'fd65::40/122'];
  const event = fc
    .tuple(
      fc.constantFrom('host-1', 'host-2', undefined),
      fc.constantFrom(...cidrs),
      fc.constantFrom(
        undefined,
        '',
        '{"state":"pending"}',
        '{"affinity":"host:host-1"}',
        '{"affinity":"host:host-2"}',
      ),
    )
    .map(([host, cidr, value]) => {
      const block = `/calico/ipam/v2/assignment/ipv${cidr.includes(':') ? 6 : 4}/block/${cidr.replace('/', '-')}`;
      const key = host === undefined ? block : claim(host, cidr);
      return value === undefined ? del(key) : put(key, value);
    });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      const stepwise = follow();
      stepwise.write(...NODES);
      for (const one of events) {
        stepwise.write(one);
        stepwise.flush();
      }
      const last = new Map(events.map((one) => [one.key, one]));
      const atOnce = follow();
      atOnce.write(...[...last.values()].reverse(), ...NODES);
      t.deepEqual(stepwise.flush()?.blocks, atOnce.flush()?.blocks);
    }),
    { numRuns: 200 },
  );
});
