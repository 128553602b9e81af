/**
 * The rules in the kernel and the verifier's answer are the same policy: what `heddle trace` says, a packet meets.
 */
import test from 'ava';
import fc from 'fast-check';
import type { EndpointPolicy, LocalEndpoint } from '../../../../src/agent/calc/updates.js';
import type { Chain } from '../../../../src/agent/dataplane/intent.js';
import { endpointChainName, policyChainName } from '../../../../src/agent/dataplane/rules/chain-names.js';
import { endpointChain } from '../../../../src/agent/dataplane/rules/endpoint-chains.js';
import { policyChain, profileChain } from '../../../../src/agent/dataplane/rules/rule-chains.js';
import type { StoredId } from '../../../../src/layout/layout.js';
import type { IpFamily } from '../../../../src/model/address.js';
import { DIRECTIONS, type Rule } from '../../../../src/model/rule.js';
import type { EffectivePolicy } from '../../../../src/policy/effective.js';
import { evaluate } from '../../../../src/policy/evaluate.js';
import { matchesRule, type Packet } from '../../../../src/policy/match-rule.js';
import {
  arbitraryFamily,
  arbitraryPacket,
  arbitraryRule,
  arbitrarySets,
  compileRule,
  membershipOf,
} from '../arbitraries.js';
import { MARKS } from '../marks.js';
import { simulate } from '../simulator.js';

const RUNS = { numRuns: 3000 };
const ORIGIN = { file: 'test.yaml', line: 1, col: 1 };

test('policyChain() does what the rule says to packets that it matches, and nothing to others', (t) => {
  fc.assert(
    fc.property(arbitraryMeeting(arbitraryRule), arbitrarySets, ([rule, packet], sets) => {
      const rules = { ingress: [compileRule(rule)], egress: [] };
      const { family } = packet;
      const chain = policyChain('ingress', { tier: 'default', name: 'p', rules }, { family, marks: MARKS });
      const entering = { ...packet, conntrack: 'NEW' as const, mark: MARKS.allBlocks };
      const outcome = simulate([chain], policyChainName('ingress', 'default', 'p'), entering, sets);
      const matches = matchesRule(rule, packet, membershipOf(sets));
      const does = (action: Rule['action']): boolean => matches && rule.action === action;
      t.is(outcome.verdict, does('Deny') ? 'drop' : 'return');
      t.is((outcome.mark & MARKS.accept) !== 0, does('Allow'));
      t.is((outcome.mark & MARKS.pass) !== 0, does('Pass'));
      t.is(outcome.logged, does('Log') ? 1 : 0);
    }),
    RUNS,
  );
});

test('endpointChain() accepts a new packet exactly when the policy allows it, whatever marks it brings', (t) => {
  fc.assert(
    fc.property(
      arbitraryMeeting(arbitraryPolicy),
      arbitrarySets,
      fc.nat(15).map((bits) => bits * MARKS.accept),
      ([policy, packet], sets, mark) => {
        const { direction } = policy;
        const entering = { ...packet, conntrack: 'NEW' as const, mark };
        const outcome = simulate(
          chainsOf(policy, packet),
          endpointChainName(direction, 'cali1'),
          entering,
          sets,
        );
        const accepted = outcome.verdict === 'return' && (outcome.mark & MARKS.accept) !== 0;
        t.is(accepted, evaluate(policy, packet, membershipOf(sets)).verdict === 'allow');
        t.is(outcome.verdict, accepted ? 'return' : 'drop');
      },
    ),
    RUNS,
  );
});

/** Something and a packet that are mostly of one family. */
function arbitraryMeeting<T>(of: (family: IpFamily) => fc.Arbitrary<T>): fc.Arbitrary<[T, Packet]> {
  return arbitraryFamily.chain((family) => fc.tuple(of(family), arbitraryPacket(family)));
}

function arbitraryPolicy(family: IpFamily): fc.Arbitrary<EffectivePolicy> {
  const arbitraryRules = fc.array(arbitraryRule(family), { maxLength: 3 });
  return fc
    .record({
      direction: fc.constantFrom(...DIRECTIONS),
      tiers: fc.array(
        fc.record({
          policies: fc.array(arbitraryRules, { minLength: 1, maxLength: 2 }),
          endOfTier: fc.constantFrom('Deny', 'Pass', 'Pass'),
        }),
        { maxLength: 2 },
      ),
      profiles: fc.array(fc.option(arbitraryRules, { freq: 6 }), { maxLength: 2 }),
      default: fc.constantFrom('Allow', 'Deny'),
    })
    .map(({ direction, tiers, profiles, default: fallback }) => ({
      direction,
      tiers: tiers.map(({ policies, endOfTier }, tier) => ({
        name: tier === 0 ? 'default' : `tier${tier}`,
        policies: policies.map((rules, index) => ({
          name: `policy${index}`,
          tier: tier === 0 ? 'default' : `tier${tier}`,
          order: index,
          selector: { type: 'all' as const },
          types: new Set(DIRECTIONS),
          rules: { ingress: rules, egress: rules },
          judgesConnections: true,
          origin: ORIGIN,
        })),
        endOfTier,
      })),
      profiles: profiles.map((rules, index) => ({
        name: `profile${index}`,
        profile: rules
          ? {
              name: `profile${index}`,
              rules: { ingress: rules, egress: rules },
              labels: {},
              tags: [],
              origin: ORIGIN,
            }
          : undefined,
      })),
      default: fallback,
    }));
}

function chainsOf(policy: EffectivePolicy, { family }: { readonly family: 4 | 6 }): Chain[] {
  const { direction } = policy;
  const context = { family, marks: MARKS };
  const compiled = (rules: readonly Rule[]) => {
    const list = rules.map(compileRule);
    return { ingress: list, egress: list };
  };
  const attached: EndpointPolicy = {
    tiers: policy.tiers.map((tier) => ({ ...tier, policies: tier.policies.map(({ name }) => name) })),
    profiles: policy.profiles.map(({ name }) => name),
    default: policy.default,
  };
  const endpoint: LocalEndpoint = {
    id: 'WorkloadEndpoint/h/heddle/w/eth0' as StoredId,
    interfaceName: 'cali1',
    addresses: [],
    active: true,
    ingress: attached,
    egress: attached,
  };
  return [
    endpointChain(direction, endpoint, MARKS),
    ...policy.tiers.flatMap((tier) =>
      tier.policies.map(({ name, rules }) =>
        policyChain(direction, { tier: tier.name, name, rules: compiled(rules[direction]) }, context),
      ),
    ),
    ...policy.profiles.map(({ name, profile }) =>
      profileChain(
        direction,
        { name, rules: compiled(profile?.rules[direction] ?? []), missing: !profile },
        context,
      ),
    ),
  ];
}
