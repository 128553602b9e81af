/**
 * Law 7 again, message by message: sets, rules and endpoints each change by themselves and a little, as people change
 * them, on a host of two endpoints in the small world of arbitraries.ts.
 */
import test from 'ava';
import fc from 'fast-check';
import type {
  CompiledRule,
  DataplaneUpdate,
  EndpointPolicy,
  IpSetId,
  RuleSet,
} from '../../../../src/agent/calc/updates.js';
import { deniedFlows } from '../../../../src/agent/dataplane/flows/judge-flows.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import type { Flow } from '../../../../src/kernel/conntrack.js';
import type { Cidr } from '../../../../src/model/address.js';
import { DIRECTIONS, type Direction } from '../../../../src/model/rule.js';
import type { Packet } from '../../../../src/policy/match-rule.js';
import { flow } from '../../../helpers/fake-conntrack.js';
import { arbitraryPacket, arbitraryRule, arbitrarySets, compileRule } from '../arbitraries.js';
import { address, endpoint, policy, profile } from '../batch.js';
import type { IpSets } from '../simulator.js';

const ADDRESSES = ['10.0.0.0', '10.0.0.1'].map(address);
const PROFILES = ['p', 'q', 'r'];
const POLICY = 'policy';

/** What has been told so far. */
interface Host {
  readonly sets: Map<IpSetId, ReadonlySet<Cidr>>;
  readonly rules: Map<string, RuleSet>;
  readonly attached: Record<Direction, EndpointPolicy>[];
}

type Change = (host: Host) => DataplaneUpdate;

const someRule = arbitraryRule(4).map(compileRule);
const someRules = fc.array(someRule, { maxLength: 4 });
const someAttached: fc.Arbitrary<EndpointPolicy> = fc.record({
  tiers: fc.constantFrom([], [{ name: 'default', policies: [POLICY], endOfTier: 'Pass' as const }]),
  profiles: fc.shuffledSubarray(PROFILES),
  default: fc.constantFrom('Allow', 'Deny'),
});
const byDirection = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Record<Direction, T>> =>
  fc.record({ ingress: arbitrary, egress: arbitrary });

const someChange: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(3), fc.boolean(), arbitrarySets).map(
    ([index, isWhole, sets]): Change =>
      (host) =>
        changeSet(host, index, isWhole, sets),
  ),
  fc
    .tuple(
      fc.constantFrom(POLICY, ...PROFILES),
      fc.constantFrom(...DIRECTIONS),
      fc.nat(4),
      fc.option(someRule),
    )
    .map(
      ([name, ...edit]): Change =>
        (host) =>
          editRules(host, name, ...edit),
    ),
  fc.tuple(fc.nat(1), fc.constantFrom(...DIRECTIONS), someAttached).map(
    ([index, direction, attached]): Change =>
      (host) =>
        attach(host, index, direction, attached),
  ),
);

const someHost: fc.Arbitrary<Host> = fc
  .tuple(
    arbitrarySets,
    fc.array(byDirection(someRules), { minLength: 4, maxLength: 4 }),
    fc.array(byDirection(someAttached), { minLength: 2, maxLength: 2 }),
  )
  .map(([sets, rules, attached]) => ({
    sets: new Map(sets),
    rules: new Map([POLICY, ...PROFILES].map((name, index) => [name, rules[index] ?? NO_RULES])),
    attached,
  }));

const NO_RULES: RuleSet = { ingress: [], egress: [] };
const NOBODY = new Set<never>();

test('whatever message takes an allow away puts one end of the flow under suspicion', (t) => {
  const seen = { lost: 0, spared: 0 };
  fc.assert(
    fc.property(
      someHost,
      fc.array(fc.array(someChange, { minLength: 1, maxLength: 2 }), { maxLength: 8 }),
      fc.array(arbitraryPacket(4).map(flowOf), { minLength: 40, maxLength: 40 }),
      (host, batches, flows) => {
        const policed = new PolicedState([4]);
        hear(policed, everything(host));
        for (const batch of batches) {
          const before = new Set(deniedFlows(flows, policed, NOBODY));
          policed.acquit(policed.suspects);
          hear(
            policed,
            batch.map((change) => change(host)),
          );
          const lost = deniedFlows(flows, policed, NOBODY).filter((each) => !before.has(each));
          for (const { original } of lost)
            t.true(policed.suspects.has(original.source) || policed.suspects.has(original.destination));
          seen.lost += lost.length;
          if (policed.suspects.size === 0) seen.spared += 1;
        }
      },
    ),
    { numRuns: 800 },
  );
  t.true(seen.lost > 100, `${seen.lost} flows lost their allow`);
  t.true(seen.spared > 100, `${seen.spared} batches put nobody under suspicion`);
});

function everything({ sets, rules, attached }: Host): readonly DataplaneUpdate[] {
  return [
    ...[...sets].map(([id, members]) => ({
      type: 'ip-set-update' as const,
      id,
      setType: 'hash:net' as const,
      members,
    })),
    ...[...rules].map(([name, list]) => rulesUpdate(name, list)),
    ...attached.map((policies, index) => endpointUpdate(index, policies)),
  ];
}

function changeSet(host: Host, index: number, isWhole: boolean, drawn: IpSets): DataplaneUpdate {
  const [id, members] = [...drawn][index] ?? [];
  if (!id || !members) throw new Error('there are four sets');
  const before = host.sets.get(id) ?? new Set();
  host.sets.set(id, members);
  if (isWhole) return { type: 'ip-set-update', id, setType: 'hash:net', members };
  const added = [...members].filter((member) => !before.has(member));
  const removed = [...before].filter((member) => !members.has(member));
  return { type: 'ip-set-delta', id, added, removed };
}

/** Puts a rule in, or takes one out. */
function editRules(
  host: Host,
  name: string,
  direction: Direction,
  at: number,
  rule: CompiledRule | null,
): DataplaneUpdate {
  const before = host.rules.get(name) ?? NO_RULES;
  const list = rule ? before[direction].toSpliced(at, 0, rule) : before[direction].toSpliced(at, 1);
  const after = { ...before, [direction]: list };
  host.rules.set(name, after);
  return rulesUpdate(name, after);
}

function attach(host: Host, index: number, direction: Direction, attached: EndpointPolicy): DataplaneUpdate {
  const before = host.attached[index];
  if (!before) throw new Error('there are two endpoints');
  const after = { ...before, [direction]: attached };
  host.attached[index] = after;
  return endpointUpdate(index, after);
}

function rulesUpdate(name: string, rules: RuleSet): DataplaneUpdate {
  return name === POLICY ? policy(name, rules) : profile(name, rules);
}

function endpointUpdate(index: number, policies: Record<Direction, EndpointPolicy>): DataplaneUpdate {
  return endpoint(`w${index}`, `cali${index}`, { addresses: ADDRESSES.slice(index, index + 1), ...policies });
}

function hear(policed: PolicedState, updates: readonly DataplaneUpdate[]): void {
  for (const update of updates) policed.onUpdate(update);
  policed.completeDeferredWork();
}

function flowOf({ protocol, source, destination, icmp }: Packet): Flow {
  return flow(source.address, destination.address, {
    protocol,
    ...(source.port !== undefined && { sourcePort: source.port }),
    ...(destination.port !== undefined && { destinationPort: destination.port }),
    ...(icmp && { icmp }),
  });
}
