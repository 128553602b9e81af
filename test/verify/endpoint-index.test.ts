/**
 * The index finds what looking at every endpoint finds: random endpoints, with a fixed lot of selectors and
 * networks.
 */
import test from 'ava';
import fc from 'fast-check';
import { cidrContains, familyOf } from '../../src/model/address.js';
import { matchesSelector } from '../../src/model/selector/evaluate.js';
import { selectorAst } from '../../src/model/selector/selector.js';
import { EndpointIndex } from '../../src/verify/endpoint-index.js';
import { LabelValues } from '../../src/verify/label-values.js';
import { type Endpoint, networkFrom } from '../../src/verify/network.js';
import { address, cidr, selector, workload } from '../helpers/build-resources.js';

const ADDRESSES = ['10.0.0.1', '10.0.1.1', '10.1.0.1', '192.0.2.1', 'fd00::1', 'fd00:0:1::1', 'fd00:1::1'];
const NETS = [
  '0.0.0.0/0',
  '10.0.0.0/15',
  '10.0.0.0/24',
  '10.0.0.1/32',
  '::/0',
  'fd00::/48',
  'fd00:1::/32',
].map(cidr);
const SELECTORS = [
  'all()',
  "role == 'db'",
  "role != 'db'",
  "role in {'db', 'api'} && zone == 'a'",
  "role not in {'db'} || zone starts with 'a'",
  "role == 'db' && role == 'api'",
  'has(constructor) && !has(zone)',
].map((text) => selectorAst(selector(text)));

const endpoints = fc
  .array(
    fc.record({
      addresses: fc.subarray(ADDRESSES, { maxLength: 2 }),
      labels: fc.dictionary(
        fc.constantFrom('role', 'zone', 'constructor'),
        fc.constantFrom('db', 'api', 'a', 'ab'),
      ),
    }),
    { minLength: 1, maxLength: 60, size: 'max' },
  )
  .map((drawn) => networkFrom(drawn.map((options, number) => workload(`w${number}`, options))).endpoints);

/** In no order of theirs. */
function namesOf(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.map(({ name }) => name).sort();
}

test('EndpointIndex finds by selectors, addresses and networks what looking at each finds', (t) => {
  fc.assert(
    fc.property(endpoints, (all) => {
      const index = new EndpointIndex(all);
      for (const node of SELECTORS)
        t.deepEqual(
          namesOf(index.select(node)),
          namesOf(all.filter(({ labels }) => matchesSelector(node, labels))),
        );
      for (const one of ADDRESSES.map(address)) {
        const holders = all.filter(({ addresses }) => addresses.includes(one));
        t.deepEqual(index.holdersOf(one), holders);
        t.is(index.isHeld(one), holders.length > 0);
      }
      for (const net of NETS)
        t.deepEqual(
          index.within([net]),
          all.filter(({ addresses }) => addresses.some((one) => cidrContains(net, one))),
        );
      for (const family of [4, 6] as const)
        t.deepEqual(
          index.workloads(family).all,
          all.filter(({ addresses }) => addresses.some((one) => familyOf(one) === family)),
        );
    }),
  );
});

test('count() says the same whether the label was indexed before or not, up to what is enough', (t) => {
  fc.assert(
    fc.property(endpoints, fc.nat({ max: 20 }), (all, enough) => {
      const [fresh, indexed] = [new EndpointIndex(all), new EndpointIndex(all)];
      const having = indexed.having('role', 'db').length;
      t.is(fresh.count('role', 'db'), having);
      t.is(indexed.count('role', 'db'), having);
      t.is(Math.min(fresh.count('role', 'db', enough), enough + 1), Math.min(having, enough + 1));
    }),
  );
});

test('LabelValues passes over no selector that picks one of them', (t) => {
  const seen = { passed: 0 };
  fc.assert(
    fc.property(endpoints, (all) => {
      const values = new LabelValues(all);
      for (const node of SELECTORS) {
        if (values.mayPick(node)) continue;
        seen.passed += 1;
        t.false(all.some(({ labels }) => matchesSelector(node, labels)));
      }
    }),
  );
  t.true(seen.passed > 3, String(seen.passed));
});
