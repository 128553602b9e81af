/**
 * A comparison that leaves out bystanders gives the answer of the whole one: random changes of policies,
 * compared both ways.
 */
import test from 'ava';
import fc from 'fast-check';
import { familyOf } from '../../src/model/address.js';
import { idOf, type Resource, type ResourceOf } from '../../src/model/resource.js';
import { selectorAst, toSelectorText } from '../../src/model/selector/selector.js';
import { narrow } from '../../src/verify/narrow.js';
import { networkFrom } from '../../src/verify/network.js';
import {
  type ConnectivityChange,
  type ConnectivityDiff,
  diffConnectivity,
} from '../../src/verify/semantic-diff.js';
import { cidr, policy, selector, workload } from '../helpers/build-resources.js';
import { verifyNetwork, withUniqueNames } from './random-verify-network.js';

type Policy = ResourceOf<'GlobalNetworkPolicy'>;

/** Endpoints that few selectors and no networks are about, so that there is something to leave out. */
const BYSTANDERS = Array.from({ length: 24 }, (_, number) =>
  workload(`bystander-${number}`, {
    addresses: [`172.16.0.${number + 1}`, `fd11::${number + 1}`],
    labels: { role: 'bystander' },
    node: number % 2 === 0 ? 'host-1' : 'host-2',
  }),
);

const SELECTORS = [
  "role == 'db'",
  "role == 'api'",
  "role in {'db', 'api'}",
  "zone == 'a'",
  "zone starts with 'a'",
].map(selector);
const peer = fc.oneof(
  fc.record({ selector: fc.constantFrom(...SELECTORS) }),
  fc.record({ selector: fc.constantFrom(...SELECTORS), notSelector: fc.constantFrom(...SELECTORS) }),
  fc.record({ nets: fc.constantFrom([cidr('10.0.0.0/24')], [cidr('fd00::/64'), cidr('10.0.0.2/32')]) }),
  fc.record({ tag: fc.constantFrom('web', 'api') }),
);
const rule = fc
  .tuple(fc.constantFrom('Allow', 'Deny', 'Pass', 'Log'), peer, fc.constantFrom(undefined, 80, 443, '80:90'))
  .map(([action, match, port]) => ({ action, match, port }));

/** Rules that name whom they are about, most of them, in policies that select few. */
const randomPolicy: fc.Arbitrary<Policy> = fc
  .record({
    name: fc.constantFrom('p', 'q', 'r'),
    tier: fc.constantFrom('default', 'default', 'first'),
    order: fc.constantFrom(1, 2, 3),
    selector: fc.constantFrom(...SELECTORS),
    types: fc.constantFrom(['Ingress'], ['Ingress', 'Egress']),
    ingress: fc.array(rule, { maxLength: 3 }),
    egress: fc.array(rule, { maxLength: 2 }),
  })
  .map(({ name, ingress, egress, ...spec }) =>
    policy(name, {
      ...spec,
      ingress: ingress.map(({ action, match, port }) => ruleOf(action, { source: match }, port)),
      egress: egress.map(({ action, match, port }) => ruleOf(action, { destination: match }, port)),
    } as Parameters<typeof policy>[1]),
  );

function ruleOf(
  action: string,
  ends: Readonly<Record<string, object>>,
  port: number | string | undefined,
): object {
  if (port === undefined) return { action, ...ends };
  return { action, protocol: 'TCP', ...ends, destination: { ...ends.destination, ports: [port] } };
}

/** Ours among the bystanders, with whatever the network has besides policies. */
const network = fc
  .tuple(
    verifyNetwork.map((drawn) =>
      drawn.filter(({ kind }) => kind !== 'GlobalNetworkPolicy' && kind !== 'HostEndpoint'),
    ),
    fc.array(randomPolicy, { minLength: 2, maxLength: 3 }),
  )
  .map(([drawn, policies]) => withUniqueNames([...OURS, ...drawn, ...policies, ...BYSTANDERS]));

const OURS = [
  { role: 'db', zone: 'a' },
  { role: 'db', zone: 'b' },
  { role: 'api', zone: 'ab' },
  { role: 'web', zone: 'a' },
].map((labels, number) =>
  workload(`ours-${number}`, {
    addresses: [`10.0.0.${number + 1}`, `fd00::${number + 1}`],
    labels,
    profiles: ['web'],
  }),
);

/** Policies that come, go, move, or get other rules. */
const change = fc.record({
  which: fc.nat(5),
  how: fc.constantFrom('rules' as const, 'rules' as const, 'whole' as const, 'gone' as const),
  other: randomPolicy,
});
/** One or two of them most of the time: of many changes few leave out anybody. */
const changes = fc.oneof(
  { weight: 4, arbitrary: fc.array(change, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.array(change, { minLength: 3, maxLength: 5 }) },
);

interface Change {
  readonly which: number;
  readonly how: 'rules' | 'whole' | 'gone';
  readonly other: Policy;
}

function changePolicy(network: readonly Resource[], { which, how, other }: Change): readonly Resource[] {
  const policies = network.filter((one): one is Policy => one.kind === 'GlobalNetworkPolicy');
  const chosen = policies[which % Math.max(1, policies.length)];
  if (!chosen || how === 'whole') return withUniqueNames([...network, other]);
  if (how === 'gone') return network.filter((one) => one !== chosen);
  const { ingress, egress, ...spec } = chosen.spec;
  const rules = {
    ...(other.spec.ingress && { ingress: other.spec.ingress }),
    ...(other.spec.egress && { egress: other.spec.egress }),
  };
  const changed: Policy = {
    ...chosen,
    spec: { ...spec, types: spec.types ?? ['Ingress', 'Egress'], ...rules },
  };
  return network.map((one) => (idOf(one) === idOf(chosen) ? changed : one));
}

test('narrow() leaves out nobody to whom a change of policies makes a difference', (t) => {
  const seen = { narrowed: 0, changed: 0 };
  const property = fc.property(network, changes, (old, changed) => {
    const now = changed.reduce(changePolicy, old);
    const before = networkFrom(old);
    const sharing = networkFrom(now, before);
    const narrowed = narrow([before, sharing]);
    if (!narrowed) return;
    seen.narrowed += 1;
    t.true(narrowed[0].endpoints.length < before.endpoints.length);
    const found = diffConnectivity(before, sharing);
    const expected = diffConnectivity(before, networkFrom(now));
    seen.changed += Number(expected.gained.length + expected.lost.length > 0);
    t.deepEqual(withoutOutsiders(found), withoutOutsiders(expected));
    const taken = new Set<string>(before.endpoints.flatMap(({ addresses }) => addresses));
    for (const { sample } of [...found.gained, ...found.lost])
      for (const { type, address } of [sample.from, sample.to])
        t.false(type === 'outside' && taken.has(address));
  });
  fc.assert(property, { numRuns: 500 });
  t.true(seen.narrowed > 20 && seen.changed > 5, JSON.stringify(seen));
});

test('a selector that tells a group picks exactly its endpoints, written into a manifest', (t) => {
  let told = 0;
  const property = fc.property(network, changes, (old, changed) => {
    const [before, after] = [networkFrom(old), networkFrom(changed.reduce(changePolicy, old))];
    for (const { from, to, families } of diffConnectivity(before, after).gained) {
      for (const { selector: text, count, members, outside } of [from, to]) {
        const parsed = text === undefined ? undefined : toSelectorText(text);
        t.is(parsed === undefined, text === undefined, text);
        if (parsed === undefined || outside || members.length < count) continue;
        told += 1;
        const picked = after.index
          .select(selectorAst(parsed))
          .filter(
            ({ kind, addresses }) =>
              kind === 'WorkloadEndpoint' &&
              addresses.some((address) => families.includes(familyOf(address))),
          );
        const names = new Set(after.endpoints.map(({ name }) => name));
        t.deepEqual(
          members.filter((name) => names.has(name)),
          picked.map(({ name }) => name).sort(),
        );
      }
    }
  });
  fc.assert(property, { numRuns: 200 });
  t.true(told > 3, `${told}`);
});

/** Which address stands for all of outside is of no account. */
function withoutOutsiders({ gained, lost }: ConnectivityDiff) {
  const normal = ({ sample, ...change }: ConnectivityChange) => {
    const { src, dst, from, to, ...rest } = sample;
    const ends = [
      { asked: src, ...from },
      { asked: dst, ...to },
    ].map((end) => (end.type === 'outside' ? 'outside' : end));
    return { ...change, sample: { ...rest, ends } };
  };
  return { gained: gained.map(normal), lost: lost.map(normal) };
}

test('narrow() leaves nothing out where the networks do not share all but policies', (t) => {
  const network = networkFrom(BYSTANDERS);
  t.truthy(narrow([network, networkFrom(BYSTANDERS, network)]));
  t.is(narrow([network, networkFrom(BYSTANDERS)]), undefined);
  t.is(narrow([network, networkFrom(BYSTANDERS.slice(1), network)]), undefined);
});
