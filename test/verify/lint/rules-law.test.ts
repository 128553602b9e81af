/**
 * Lint is certain: what it calls shadowed or unmatchable decides no packet of the naive oracle. Random rules,
 * networks and packets.
 */
import test from 'ava';
import fc from 'fast-check';
import type { DeepReadonly } from '../../../src/model/brand.js';
import { idOf, type Resource, resourceId } from '../../../src/model/resource.js';
import { DIRECTIONS, ruleFromSpec } from '../../../src/model/rule.js';
import type { RuleSpec } from '../../../src/model/specs.generated.js';
import { lint } from '../../../src/verify/lint/lint.js';
import { shadowsIn } from '../../../src/verify/lint/shadowed-rule.js';
import { whyUnmatchable } from '../../../src/verify/lint/unmatchable-rule.js';
import { policy, resource, workload } from '../../helpers/build-resources.js';
import { naiveVerdict } from '../../helpers/naive-policy.js';
import { policyNetwork, randomPacket, rule } from '../../helpers/random-network.js';

/** Lists in which rules resemble each other: one field of a rule is taken away, or comes from another. */
const rules = fc
  .array(rule, { minLength: 1, maxLength: 4 })
  .chain((drawn) =>
    fc
      .array(fc.tuple(fc.nat(drawn.length - 1), fc.nat(drawn.length - 1), fc.nat(7)), { maxLength: 5 })
      .map((mixes) => [
        ...drawn,
        ...mixes.flatMap(([base, other, field]) => mixed(drawn[base], drawn[other], FIELDS[field])),
      ]),
  );
const FIELDS = ['ipVersion', 'protocol', 'notProtocol', 'icmp', 'notICMP', 'source', 'destination'] as const;

function mixed(
  base: DeepReadonly<RuleSpec> | undefined,
  other: DeepReadonly<RuleSpec> | undefined,
  field: (typeof FIELDS)[number] | undefined,
): DeepReadonly<RuleSpec>[] {
  if (!base || !other) return [];
  if (field === undefined) return [base];
  const { [field]: _, ...rest } = base;
  return [other[field] === undefined ? rest : ({ ...rest, [field]: other[field] } as DeepReadonly<RuleSpec>)];
}

/** A network in which one policy with these rules, and nothing else, judges every packet of one endpoint. */
function judgedBy(list: readonly DeepReadonly<RuleSpec>[], others: readonly Resource[]) {
  const endpoint = workload('judged', { addresses: ['10.0.0.2', 'fd00::2'], labels: { role: 'db' } });
  const judging = policy('judging', { types: ['Ingress', 'Egress'], ingress: list, egress: list });
  const strangers = others.filter(({ kind }) => kind !== 'GlobalNetworkPolicy' && kind !== 'Tier');
  return { endpoint, network: [...strangers, endpoint, judging] };
}

test('a rule that is called shadowed or unmatchable decides no packet, by the naive evaluator', (t) => {
  let named = 0;
  let decided = 0;
  fc.assert(
    fc.property(
      rules,
      policyNetwork,
      fc.array(randomPacket, { minLength: 20, maxLength: 60 }),
      (list, others, packets) => {
        const { endpoint, network } = judgedBy(list, others);
        const parsed = list.map(ruleFromSpec);
        const shadowed = shadowsIn(parsed);
        const silent = parsed.flatMap((one, index) =>
          shadowed.has(index) || whyUnmatchable(one) ? [index + 1] : [],
        );
        named += silent.length;
        for (const packet of packets)
          for (const direction of DIRECTIONS) {
            const { by } = naiveVerdict(network, endpoint, direction, packet);
            const [what, , number] = by.split(' ');
            if (what === 'policy') decided += 1;
            t.false(what === 'policy' && silent.includes(Number(number)), `${by} of ${JSON.stringify(list)}`);
          }
      },
    ),
    { numRuns: 600 },
  );
  t.true(named > 300 && decided > 2_000, `${named} rules were named, and ${decided} packets decided`);
});

test('a rule that stands a second time is always named, unless the first is Log', (t) => {
  fc.assert(
    fc.property(rules, (list) => {
      const [first] = list;
      if (!first || first.action === 'Log') return;
      const found = lint([resource('Profile', 'p', { ingress: [...list, first] })], { isWhole: false });
      const last = found.filter(({ path }) => path[2] === list.length);
      t.is(last.length, 1);
      t.is(last[0]?.resource, resourceId('Profile', 'p'));
    }),
  );
});

test('findings name resources that are there, and paths that lead to something', (t) => {
  fc.assert(
    fc.property(policyNetwork, (network) => {
      const ids = new Map(network.map((one) => [idOf(one), one]));
      for (const { resource: id, path, message, hint } of lint(ids.values(), { isWhole: true })) {
        const named: unknown = ids.get(id);
        const holder = path.slice(0, -1).reduce<unknown>((value, step) => {
          t.true(typeof value === 'object' && value !== null, `${id} ${path.join('.')}`);
          return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
        }, named);
        t.true(typeof holder === 'object' && holder !== null, `${id} ${path.join('.')}`);
        t.truthy(message);
        t.truthy(hint);
      }
    }),
    { numRuns: 200 },
  );
});
