/** What a policy or a profile means by what it leaves out: a table. */
import test from 'ava';
import { policyFrom, profileFrom } from '../../src/policy/policy.js';
import { policy, resource, selector } from '../helpers/build-resources.js';

const ALLOW = [{ action: 'Allow' }] as const;

const types = test.macro({
  exec(t, spec: Parameters<typeof policy>[1], expected: readonly string[]) {
    t.deepEqual([...policyFrom(policy('p', spec)).types], expected);
  },
  title: (title = '') => `policyFrom() without types decides ${title}`,
});
test('ingress when there are no rules', types, {}, ['ingress']);
test('ingress when there are ingress rules only', types, { ingress: ALLOW }, ['ingress']);
test('egress when there are egress rules only', types, { egress: ALLOW }, ['egress']);
test('both when there are rules for both', types, { ingress: ALLOW, egress: ALLOW }, ['ingress', 'egress']);

test('ingress when the list of types is empty', types, { types: [] }, ['ingress']);

test('policyFrom() takes the name of the tier out of the name of the policy', (t) => {
  t.is(policyFrom(policy('default.web', {})).name, 'web');
  t.is(policyFrom(policy('first.web', { tier: 'first' })).name, 'web');
  t.is(policyFrom(policy('first.web', {})).name, 'first.web');
});

test('policyFrom() drops the rules of a direction that is not among the types', (t) => {
  const { rules } = policyFrom(policy('p', { types: ['Egress'], ingress: ALLOW, egress: ALLOW }));
  t.deepEqual([rules.ingress.length, rules.egress.length], [0, 1]);
});

test('policyFrom() reads a policy without selector as one for all()', (t) => {
  t.deepEqual(policyFrom(policy('p', {})).selector, { type: 'all' });
});

test('policyFrom() keeps the tree of the selector', (t) => {
  t.deepEqual(policyFrom(policy('p', { selector: selector('has(role)') })).selector, {
    type: 'has',
    label: 'role',
  });
});

test('policyFrom() puts a policy without tier into the tier default', (t) => {
  t.is(policyFrom(policy('p', {})).tier, 'default');
});

test('profileFrom() reads absent rules, labels and tags as none', (t) => {
  const { rules, labels, tags } = profileFrom(resource('Profile', 'web', {}));
  t.deepEqual({ rules, labels, tags }, { rules: { ingress: [], egress: [] }, labels: {}, tags: [] });
});
