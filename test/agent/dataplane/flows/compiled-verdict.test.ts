/**
 * One policy, read three ways: as the kernel was told, as the verifier reads it, and by the naive oracle.
 */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../../src/agent/calc/calc-graph.js';
import type { DataplaneUpdate, LocalEndpoint, RuleSet } from '../../../../src/agent/calc/updates.js';
import { isAllowed, type Rulebook } from '../../../../src/agent/dataplane/flows/compiled-verdict.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import { cidrContains, IP_FAMILIES } from '../../../../src/model/address.js';
import { resourcesOf } from '../../../../src/model/resource.js';
import { DIRECTIONS } from '../../../../src/model/rule.js';
import { matchesRule } from '../../../../src/policy/match-rule.js';
import { bgpModelFor } from '../../../../src/topology/bgp.js';
import { storedId } from '../../../helpers/build-resources.js';
import { naiveVerdict } from '../../../helpers/naive-policy.js';
import { policyNetwork, randomPacket } from '../../../helpers/random-network.js';
import {
  arbitraryFamily,
  arbitraryPacket,
  arbitraryRule,
  arbitrarySets,
  compileRule,
  membershipOf,
} from '../arbitraries.js';
import { rule, withProfiles } from '../batch.js';
import type { IpSets } from '../simulator.js';

test('isAllowed() is the verdict of the naive oracle, on every local endpoint and in both directions', (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      policyNetwork,
      fc.array(randomPacket, { minLength: 5, maxLength: 10 }),
      (network, packets) => {
        const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
        for (const resource of network)
          graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
        const updates = graph.flush();
        const policed = new PolicedState(IP_FAMILIES);
        for (const update of updates) policed.onUpdate(update);
        for (const endpoint of resourcesOf(network, 'WorkloadEndpoint')) {
          const local = localEndpoint(updates, storedId(endpoint));
          if (!local) continue;
          for (const direction of DIRECTIONS)
            for (const packet of packets) {
              const expected = naiveVerdict(network, endpoint, direction, packet);
              t.is(
                isAllowed(local[direction], direction, packet, policed.rulebook),
                expected.verdict === 'allow',
                expected.by,
              );
              seen.add(`${expected.verdict} ${expected.by.split(' ')[0]}`);
            }
        }
      },
    ),
    { numRuns: 1_000 },
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

test('isAllowed() asks of a packet what policy/match-rule asks, of every field of a rule', (t) => {
  const meeting = arbitraryFamily.chain((family) => fc.tuple(arbitraryRule(family), arbitraryPacket(family)));
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(meeting, arbitrarySets, ([drawn, packet], sets) => {
      const policyRule = { ...drawn, action: 'Allow' as const };
      const rulebook = rulebookOf({ ingress: [compileRule(policyRule)], egress: [] }, sets);
      const expected = matchesRule(policyRule, packet, membershipOf(sets));
      t.is(isAllowed(withProfiles('p'), 'ingress', packet, rulebook), expected);
      seen[`${expected}`] += 1;
    }),
    { numRuns: 5_000 },
  );
  t.true(seen.true > 50 && seen.false > 50);
});

test('isAllowed() asks for ports only in protocols that have them, though the kernel tracks some for others', (t) => {
  const any = rule('Allow', { destination: { ports: [{ first: 1, last: 65_535 }] } });
  const rulebook = rulebookOf({ ingress: [any], egress: [] });
  const packet = (protocol: number) => ({
    family: 4 as const,
    protocol,
    source: { address: '10.0.0.1' as LocalEndpoint['addresses'][number], port: 7 },
    destination: { address: '10.0.0.2' as LocalEndpoint['addresses'][number], port: 8 },
  });
  t.true(isAllowed(withProfiles('p'), 'ingress', packet(6), rulebook));
  t.false(isAllowed(withProfiles('p'), 'ingress', packet(47), rulebook), 'the call ids of GRE');
});

function localEndpoint(updates: readonly DataplaneUpdate[], id: string): LocalEndpoint | undefined {
  return updates.flatMap((update) =>
    update.type === 'workload-endpoint-update' && update.endpoint.id === id ? [update.endpoint] : [],
  )[0];
}

function rulebookOf(rules: RuleSet, sets: IpSets = new Map()): Rulebook {
  return {
    ofPolicy: () => undefined,
    ofProfile: () => rules,
    isMember: (id, address) => [...(sets.get(id) ?? [])].some((member) => cidrContains(member, address)),
  };
}
