/**
 * Chains of different objects have different names that netfilter takes, whatever the objects are called:
 * examples, and random names.
 */
import test from 'ava';
import fc from 'fast-check';
import {
  chainName,
  endpointChainName,
  policyChainName,
  profileChainName,
} from '../../../../src/agent/dataplane/rules/chain-names.js';

test('chains are named after what they are for', (t) => {
  const names: readonly string[] = [
    endpointChainName('ingress', 'cali123'),
    endpointChainName('egress', 'cali123'),
    policyChainName('ingress', 'default', 'web'),
    policyChainName('egress', 'default', 'web'),
    profileChainName('ingress', 'web'),
    profileChainName('egress', 'web'),
  ];
  t.deepEqual(names, [
    'cali-tw-cali123',
    'cali-fw-cali123',
    'cali-pi-web',
    'cali-po-web',
    'cali-pri-web',
    'cali-pro-web',
  ]);
});

test('a policy of another tier is not taken for one of the tier default', (t) => {
  const names = [
    policyChainName('ingress', 'default', 'a.b.c'),
    policyChainName('ingress', 'a', 'b.c'),
    policyChainName('ingress', 'a.b', 'c'),
  ];
  t.is(new Set(names).size, 3);
});

test('chainName() hashes what is too long, and what could be taken for a hash', (t) => {
  const name = (suffix: string): string => chainName('cali-pi-', suffix);
  t.is(name('x'.repeat(20)), `cali-pi-${'x'.repeat(20)}`);
  t.is(name('x'.repeat(21)), 'cali-pi-_d5nlFFjIVAwcqp0Y6We');
  t.not(name(`_${'x'.repeat(19)}`), `cali-pi-_${'x'.repeat(19)}`);
  t.is(name(`_${'x'.repeat(18)}`), `cali-pi-_${'x'.repeat(18)}`);
});

test('chainName() is short, harmless and different for different names, whatever they hold', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 40 }), (a, b) => {
      for (const name of [a, b]) t.regex(chainName('cali-pri-', name), /^cali-pri-[A-Za-z0-9_.-]{0,19}$/);
      t.is(chainName('cali-pri-', a) === chainName('cali-pri-', b), a === b);
    }),
  );
});
