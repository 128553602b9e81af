/**
 * How a packet goes through tiers, policies and profiles until somebody decides: a table of actions and
 * nothing else.
 */
import test from 'ava';
import type { EffectivePolicy } from '../../src/policy/effective.js';
import { type Decision, evaluate } from '../../src/policy/evaluate.js';
import type { Membership, Packet } from '../../src/policy/match-rule.js';
import { policyFrom, profileFrom } from '../../src/policy/policy.js';
import { address, policy, resource } from '../helpers/build-resources.js';

const PACKET: Packet = {
  family: 4,
  protocol: 6,
  source: { address: address('10.0.0.1'), port: 1024 },
  destination: { address: address('10.0.0.2'), port: 80 },
};
const NOBODY: Membership = { inSelector: () => false, inTag: () => false };
type Action = 'Allow' | 'Deny' | 'Log' | 'Pass';

/** A tier is written as the actions of its policies' rules, a profile likewise; undefined is a missing profile. */
function judge(
  tiers: readonly { readonly policies: readonly (readonly Action[])[]; readonly end?: 'Deny' | 'Pass' }[],
  profiles: readonly (readonly Action[] | undefined)[] = [],
): Decision {
  const rules = (actions: readonly Action[]) => actions.map((action) => ({ action }));
  const effective: EffectivePolicy = {
    direction: 'ingress',
    tiers: tiers.map(({ policies, end = 'Deny' }, index) => ({
      name: `t${index}`,
      policies: policies.map((actions, number) =>
        policyFrom(policy(`p${number}`, { ingress: rules(actions) })),
      ),
      endOfTier: end,
    })),
    profiles: profiles.map((actions, index) => ({
      name: `f${index}`,
      profile: actions && profileFrom(resource('Profile', `f${index}`, { ingress: rules(actions) })),
    })),
    default: 'Deny',
  };
  return evaluate(effective, PACKET, NOBODY);
}

const decides = test.macro({
  exec(t, actual: Decision, verdict: Decision['verdict'], by: Decision['by']['type'], rule?: number) {
    t.is(actual.verdict, verdict);
    t.is(actual.by.type, by);
    t.is('rule' in actual.by ? actual.by.rule : undefined, rule);
  },
  title: (title = '') => `evaluate() ${title}`,
});

test(
  'lets the first rule that matches decide',
  decides,
  judge([{ policies: [['Deny', 'Allow']] }]),
  'deny',
  'policy',
  1,
);
test(
  'goes on after Log, and counts it',
  decides,
  judge([{ policies: [['Log', 'Allow']] }]),
  'allow',
  'policy',
  2,
);
test(
  'asks the next policy of the tier when one does not decide',
  decides,
  judge([{ policies: [['Log'], ['Allow']] }]),
  'allow',
  'policy',
  1,
);
test(
  'denies at the end of a tier that did not decide',
  decides,
  judge([{ policies: [['Log']] }], [['Allow']]),
  'deny',
  'end-of-tier',
);
test(
  'goes on at the end of a tier whose defaultAction is Pass',
  decides,
  judge([{ policies: [[]], end: 'Pass' }], [['Allow']]),
  'allow',
  'profile',
  1,
);
test(
  'leaves the tier at Pass, past its other policies',
  decides,
  judge([{ policies: [['Pass'], ['Deny']] }, { policies: [['Allow']] }]),
  'allow',
  'policy',
  1,
);
test(
  'asks the profiles after the last tier passed',
  decides,
  judge([{ policies: [['Pass']] }], [['Deny']]),
  'deny',
  'profile',
  1,
);
test(
  'denies when every tier passed and no profile is there',
  decides,
  judge([{ policies: [['Pass']] }]),
  'deny',
  'default',
);
test(
  'asks the next profile when one does not decide',
  decides,
  judge([], [[], ['Allow']]),
  'allow',
  'profile',
  1,
);
test('takes Pass in a profile for Allow', decides, judge([], [['Pass']]), 'allow', 'profile', 1);
test(
  'denies at a profile that does not exist',
  decides,
  judge([], [undefined, ['Allow']]),
  'deny',
  'missing-profile',
);
test(
  'lets a profile before a missing one decide',
  decides,
  judge([], [['Allow'], undefined]),
  'allow',
  'profile',
  1,
);

test('evaluate() names the tiers that left it to the next, in order, and the rules that said so', (t) => {
  const { passed } = judge([
    { policies: [['Log'], ['Log', 'Pass']] },
    { policies: [[]], end: 'Pass' },
    { policies: [['Allow']] },
    { policies: [['Deny']] },
  ]);
  t.deepEqual(
    passed?.map(({ tier, by }) => [tier, by?.policy.name, by?.rule]),
    [
      ['t0', 'p1', 2],
      ['t1', undefined, undefined],
    ],
  );
});

test('evaluate() names no tier where the first one decides, and all where none does', (t) => {
  t.false('passed' in judge([{ policies: [['Deny']] }]));
  t.is(judge([{ policies: [['Pass']] }, { policies: [], end: 'Pass' }]).passed?.length, 2);
});
