/** Which networks a rule of a BGPFilter is about: each operator, with and without prefix lengths. */
import test from 'ava';
import type { SpecOf } from '../../../src/model/resource.js';
import { filterVerdict } from '../../../src/topology/propagation/filter-verdict.js';
import { network } from '../topology-fixture.js';

type Rule = NonNullable<SpecOf<'BGPFilter'>['exportV4']>[number];

const ROUTES = ['10.0.0.0/8', '10.1.0.0/16', '10.1.1.0/24', '10.1.1.1/32', '172.16.0.0/16'] as const;
const RANGE = { min: 16, max: 24 };

/** The routes that a rule matches. */
function matched(rule: Omit<Rule, 'action' | 'cidr'>): readonly string[] {
  const exportV4 = [{ action: 'Reject', cidr: network('10.0.0.0/8'), ...rule }] as const;
  return ROUTES.filter((route) => {
    const asked = { network: network(route), asPath: [], communities: [], isRemote: false };
    return filterVerdict({ exportV4 }, 'export', false, asked).decision === 'reject';
  });
}

const rules = test.macro({
  exec(t, rule: Omit<Rule, 'action' | 'cidr'>, expected: readonly string[]) {
    t.deepEqual(matched(rule), expected);
  },
  title: (title) => `filterVerdict(): ${title} of 10.0.0.0/8`,
});

const [same, sixteen, twentyFour, host, elsewhere] = ROUTES;

test('In', rules, { matchOperator: 'In' }, [same, sixteen, twentyFour, host]);
test('In with lengths', rules, { matchOperator: 'In', prefixLength: RANGE }, [sixteen, twentyFour]);
test(
  'In with lengths that no prefix inside has',
  rules,
  { matchOperator: 'In', prefixLength: { max: 7 } },
  [],
);
test('NotIn', rules, { matchOperator: 'NotIn' }, [elsewhere]);
test('NotIn with lengths', rules, { matchOperator: 'NotIn', prefixLength: RANGE }, [same, host, elsewhere]);
test('NotIn with a shortest', rules, { matchOperator: 'NotIn', prefixLength: { min: 16 } }, [
  same,
  elsewhere,
]);
test(
  'NotIn with lengths that no prefix inside has',
  rules,
  { matchOperator: 'NotIn', prefixLength: { max: 7 } },
  ROUTES,
);
test('Equal', rules, { matchOperator: 'Equal' }, [same]);
test('Equal with its length', rules, { matchOperator: 'Equal', prefixLength: { max: 8 } }, [same]);
test('Equal with other lengths', rules, { matchOperator: 'Equal', prefixLength: RANGE }, []);
test('NotEqual', rules, { matchOperator: 'NotEqual' }, [sixteen, twentyFour, host, elsewhere]);
test('NotEqual with its length', rules, { matchOperator: 'NotEqual', prefixLength: { max: 8 } }, [
  sixteen,
  twentyFour,
  host,
  elsewhere,
]);
test('NotEqual with other lengths', rules, { matchOperator: 'NotEqual', prefixLength: RANGE }, ROUTES);
