/**
 * Whether a change of rules or of an endpoint can take something from a connection that is there; in doubt it
 * can. A table.
 */
import test from 'ava';
import type { CompiledRule, EndpointPolicy, LocalEndpoint } from '../../../../src/agent/calc/updates.js';
import { endpointMayLose, rulesMayTakeAway } from '../../../../src/agent/dataplane/flows/may-take-away.js';
import { endpointId, ports, rule, withProfiles } from '../batch.js';

const [allowWeb, allowAll] = [rule('Allow', { destination: { ports: ports(80) } }), rule('Allow')];
const [denyWeb, denyAll] = [rule('Deny', { destination: { ports: ports(80) } }), rule('Deny')];
const [passAll, log] = [rule('Pass'), rule('Log')];

const changed = test.macro({
  exec(t, mayTakeAway: boolean, before: readonly CompiledRule[], after: readonly CompiledRule[]) {
    for (const direction of ['ingress', 'egress'] as const) {
      const rules = { ingress: [], egress: [] };
      t.is(
        rulesMayTakeAway({ ...rules, [direction]: before }, { ...rules, [direction]: after }),
        mayTakeAway,
      );
    }
  },
  title: (what) => `rulesMayTakeAway(): ${what}`,
});

test('nothing happens where nothing changes', changed, false, [denyWeb, allowAll], [denyWeb, allowAll]);
test('an allow behind the others adds', changed, false, [denyWeb], [denyWeb, allowAll]);
test('an allow before the others adds', changed, false, [denyWeb, passAll], [allowAll, denyWeb, passAll]);
test('an allow between the others adds', changed, false, [denyWeb, denyAll], [denyWeb, allowAll, denyAll]);
test('a denial that is taken out adds', changed, false, [denyWeb, allowAll], [allowAll]);
test('a denial that is turned into an allow adds', changed, false, [denyWeb, passAll], [allowWeb, passAll]);
test('a Log is nothing', changed, false, [log, allowAll], [allowAll, log]);
test('an allow that goes takes away', changed, true, [allowWeb, allowAll], [allowAll]);
test('an allow that becomes narrower takes away', changed, true, [allowAll], [allowWeb]);
test('a denial that comes takes away', changed, true, [allowAll], [denyWeb, allowAll]);
test('a denial that moves forward takes away', changed, true, [allowAll, denyWeb], [denyWeb, allowAll]);
test('a Pass that comes may take away', changed, true, [allowAll], [passAll, allowAll]);
test('a Pass that goes may take away', changed, true, [passAll, denyAll], [denyAll]);

const endpointOf = (policy: EndpointPolicy): LocalEndpoint => ({
  id: endpointId('w'),
  interfaceName: 'cali1',
  addresses: [],
  active: true,
  ingress: policy,
  egress: withProfiles('p'),
});
const tiers = (...policies: readonly string[]) => [{ name: 'default', policies, endOfTier: 'Deny' as const }];
const open: EndpointPolicy = { tiers: [], profiles: [], default: 'Allow' };

const moved = test.macro({
  exec(t, mayLose: boolean, before: EndpointPolicy, after: EndpointPolicy) {
    t.is(endpointMayLose(endpointOf(before), endpointOf(after)), mayLose);
  },
  title: (what) => `endpointMayLose(): ${what}`,
});

test('a profile behind the others adds', moved, false, withProfiles('a'), withProfiles('a', 'b'));
test('a first profile adds to what is denied', moved, false, withProfiles(), withProfiles('a'));
test('a first profile takes away from what is open', moved, true, open, withProfiles('a'));
test('what is open and stays so loses nothing', moved, false, open, { ...open });
test('what is opened loses nothing', moved, false, withProfiles(), open);
test('what is closed loses', moved, true, open, withProfiles());
test('a profile before the others may take away', moved, true, withProfiles('a'), withProfiles('b', 'a'));
test('a profile that goes may take away', moved, true, withProfiles('a', 'b'), withProfiles('a'));
test(
  'a policy that comes may take away',
  moved,
  true,
  { ...withProfiles('a'), tiers: tiers('p') },
  { ...withProfiles('a'), tiers: tiers('p', 'q') },
);
test('a tier that comes may take away', moved, true, withProfiles('a'), {
  ...withProfiles('a'),
  tiers: tiers('p'),
});
