/**
 * The policy engine says what the naive oracle says, and by whom: random networks and packets, until each way
 * to decide has been seen.
 */
import test from 'ava';
import fc from 'fast-check';
import { cidrContains } from '../../src/model/address.js';
import { type Resource, resourcesOf } from '../../src/model/resource.js';
import { DIRECTIONS } from '../../src/model/rule.js';
import { matchesSelector } from '../../src/model/selector/evaluate.js';
import { selectorAst } from '../../src/model/selector/selector.js';
import { effective, type PolicyMatches } from '../../src/policy/effective.js';
import { endpointLabels, endpointTags } from '../../src/policy/endpoint-labels.js';
import { type Decider, evaluate } from '../../src/policy/evaluate.js';
import type { Membership } from '../../src/policy/match-rule.js';
import { type Profile, policyFrom, profileFrom, tierFrom } from '../../src/policy/policy.js';
import { type Endpoint, naiveNets, naiveVerdict } from '../helpers/naive-policy.js';
import { policyNetwork, randomPacket } from '../helpers/random-network.js';

test('evaluate(effective()) is the verdict of the naive oracle, on every endpoint and in both directions', (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      policyNetwork,
      fc.array(randomPacket, { minLength: 5, maxLength: 10 }),
      fc.constantFrom('Allow' as const, 'Deny' as const),
      (network, packets, noPolicyEgress) => {
        for (const endpoint of endpointsOf(network))
          for (const direction of DIRECTIONS) {
            const policy = effective(
              policed(endpoint),
              direction,
              matchesOf(network, endpoint, noPolicyEgress),
            );
            for (const packet of packets) {
              const actual = evaluate(policy, packet, membershipOf(network));
              const expected = naiveVerdict(network, endpoint, direction, packet, noPolicyEgress);
              t.deepEqual({ verdict: actual.verdict, by: describe(actual.by) }, expected);
              seen.add(`${actual.verdict} ${actual.by.type}`);
            }
          }
      },
    ),
    { numRuns: 1_500 },
  );
  t.deepEqual([...seen].sort(), [
    'allow default',
    'allow policy',
    'allow profile',
    'deny default',
    'deny end-of-tier',
    'deny missing-profile',
    'deny policy',
    'deny profile',
  ]);
});

function endpointsOf(network: readonly Resource[]): readonly Endpoint[] {
  return [...resourcesOf(network, 'WorkloadEndpoint'), ...resourcesOf(network, 'HostEndpoint')];
}

function policed(endpoint: Endpoint) {
  return { kind: endpoint.kind, profiles: endpoint.spec.profiles ?? [] };
}

function matchesOf(
  network: readonly Resource[],
  endpoint: Endpoint,
  noPolicyEgress: 'Allow' | 'Deny',
): PolicyMatches {
  const labels = labelsOf(network, endpoint);
  return {
    policies: resourcesOf(network, 'GlobalNetworkPolicy')
      .map((one) => policyFrom(one))
      .filter((policy) => matchesSelector(policy.selector, labels)),
    tiers: new Map(resourcesOf(network, 'Tier').map((tier) => [tier.metadata.name, tierFrom(tier)])),
    profiles: profilesByName(network),
    noPolicyEgress,
  };
}

function membershipOf(network: readonly Resource[]): Membership {
  const holders = (address: Parameters<Membership['inTag']>[0]): Resource[] =>
    network.filter((resource) =>
      naiveNets(resource).some((net) => cidrContains(net as Parameters<typeof cidrContains>[0], address)),
    );
  return {
    inSelector: (address, selector) =>
      holders(address).some((holder) => matchesSelector(selectorAst(selector), labelsOf(network, holder))),
    inTag: (address, tag) =>
      holders(address).some((holder) => endpointTags(profilesOf(network, holder)).has(tag)),
  };
}

function labelsOf(network: readonly Resource[], resource: Resource) {
  return endpointLabels(resource.metadata.labels, profilesOf(network, resource));
}

function profilesOf(network: readonly Resource[], resource: Resource): Profile[] {
  if (resource.kind !== 'WorkloadEndpoint' && resource.kind !== 'HostEndpoint') return [];
  const profiles = profilesByName(network);
  return (resource.spec.profiles ?? []).flatMap((name) => profiles.get(name) ?? []);
}

function profilesByName(network: readonly Resource[]): ReadonlyMap<string, Profile> {
  return new Map(
    resourcesOf(network, 'Profile').map((profile) => [profile.metadata.name, profileFrom(profile)]),
  );
}

function describe(by: Decider): string {
  switch (by.type) {
    case 'policy':
      return `policy ${by.policy.tier}/${by.policy.name} ${by.rule}`;
    case 'profile':
      return `profile ${by.profile.name} ${by.rule}`;
    case 'end-of-tier':
      return `end-of-tier ${by.tier}`;
    case 'missing-profile':
      return `missing-profile ${by.name}`;
    case 'default':
      return 'default';
  }
}
