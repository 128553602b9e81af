/**
 * The two chains of a workload endpoint: `cali-tw-` for packets to it, `cali-fw-` for packets from it.
 *
 * They decide new connections; conntrack answers for the rest. A packet between two endpoints of one host passes
 * the `fw` chain of the first and then the `tw` chain of the second, so neither may accept a new connection with a
 * final verdict: acceptance is the accept mark and a return, denial is a drop. Each chain clears the mark that the
 * one before it left.
 */
import type { Direction } from '../../../model/rule.js';
import type { EndpointPolicy, LocalEndpoint } from '../../calc/updates.js';
import type { Chain, ChainRule } from '../intent.js';
import { endpointChainName, policyChainName, profileChainName } from './chain-names.js';
import { ACCEPT, DROP, jump, RETURN, rule } from './chain-rule.js';
import { clearMark, isMarked, isNotMarked, type MarkBits, setMark } from './mark-bits.js';

export function endpointChain(direction: Direction, endpoint: LocalEndpoint, marks: MarkBits): Chain {
  return {
    table: 'filter',
    name: endpointChainName(direction, endpoint.interfaceName),
    rules: endpoint.active
      ? [...conntrackRules(), ...policyRules(direction, endpoint[direction], marks)]
      : [rule([], DROP, 'Endpoint administratively down')],
  };
}

function conntrackRules(): ChainRule[] {
  return [
    rule([{ type: 'conntrack', states: ['RELATED', 'ESTABLISHED'] }], ACCEPT),
    rule([{ type: 'conntrack', states: ['INVALID'] }], DROP),
  ];
}

function policyRules(direction: Direction, policy: EndpointPolicy, marks: MarkBits): ChainRule[] {
  const accepted = [isMarked(marks.accept)];
  return [
    rule([], clearMark(marks.accept)),
    ...policy.tiers.flatMap((tier) => tierRules(direction, tier, marks)),
    ...policy.profiles.flatMap((profile) => [
      rule([], jump(profileChainName(direction, profile)), `Profile ${profile}`),
      rule(accepted, RETURN, 'Return if profile accepted'),
    ]),
    policy.default === 'Allow'
      ? rule([], setMark(marks.accept), 'Nothing is attached: allow')
      : rule([], DROP, 'Drop if nothing accepted'),
  ];
}

function tierRules(
  direction: Direction,
  tier: EndpointPolicy['tiers'][number],
  marks: MarkBits,
): ChainRule[] {
  const accepted = [isMarked(marks.accept)];
  const notPassed = [isNotMarked(marks.pass)];
  return [
    rule([], clearMark(marks.pass), `Start of tier ${tier.name}`),
    ...tier.policies.flatMap((policy) => [
      rule(notPassed, jump(policyChainName(direction, tier.name, policy)), `Policy ${policy}`),
      rule(accepted, RETURN, 'Return if policy accepted'),
    ]),
    ...(tier.endOfTier === 'Deny'
      ? [rule(notPassed, DROP, `End of tier ${tier.name}: drop if no policy passed`)]
      : []),
  ];
}
