/**
 * What we render is what the real tools take, rule for rule, whatever names and rules people write.
 */
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ipSetsText, iptablesText } from '../../src/agent/dataplane/backends/iptables/render-text.js';
import type { RecordedFamily } from '../../src/agent/dataplane/desired-record.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { arbitraryRule, arbitrarySets, compileRule } from '../agent/dataplane/arbitraries.js';
import { endpoint, policy, profile, rule, withProfiles } from '../agent/dataplane/batch.js';
import { desiredOf, GOLDENS } from '../agent/dataplane/goldens.js';
import { createNamespace, type Namespace, requirePrivateNetns } from '../helpers/netns.js';

requirePrivateNetns();

const VARIANTS = ['nft', 'legacy'] as const;

function toolOf(family: IpFamily, variant: (typeof VARIANTS)[number]): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}`;
}

for (const name of Object.keys(GOLDENS))
  for (const family of IP_FAMILIES)
    for (const variant of VARIANTS)
      test.serial(`${toolOf(family, variant)} takes test/golden/iptables/${name}.v${family}`, async (t) => {
        await using ns = await createNamespace('gd');
        const read = (kind: string) => readFile(`test/golden/iptables/${name}.v${family}.${kind}`, 'utf8');
        await ns.run('ipset', ['restore'], { input: await read('ipsets') });
        const input = await read('iptables');
        await ns.run(`${toolOf(family, variant)}-restore`, ['--noflush', '--test'], { input });
        await ns.run(`${toolOf(family, variant)}-restore`, ['--noflush'], { input });
        await keepsAll(t, ns, toolOf(family, variant), input);
      });

for (const variant of VARIANTS)
  test.serial(
    `iptables-${variant} takes any policy, with exactly as many rules as were rendered`,
    async (t) => {
      await using ns = await createNamespace('rl');
      await fc.assert(
        fc.asyncProperty(
          fc
            .constantFrom(...IP_FAMILIES)
            .chain((family) =>
              fc.tuple(
                fc.constant(family),
                fc.array(arbitraryRule(family), { minLength: 20, maxLength: 40 }),
              ),
            ),
          arbitrarySets,
          async ([family, rules], sets) => {
            const wishes = desiredOf([
              ...[...sets].map(
                ([id, members]) => ({ type: 'ip-set-update', id, setType: 'hash:ip', members }) as const,
              ),
              ...rules.map((each, index) => policy(`p${index}`, { ingress: [compileRule(each)] })),
            ]);
            await takesAll(t, ns, variant, wishes.families, family);
          },
        ),
        { numRuns: 15, endOnFailure: true },
      );
    },
  );

for (const variant of VARIANTS)
  test.serial(`iptables-${variant} takes any name, and no name becomes a rule`, async (t) => {
    await using ns = await createNamespace('nm');
    const hostile = fc.oneof(
      fc.constantFrom(
        'a; -j ACCEPT',
        'a"\n-A INPUT -j ACCEPT',
        '-j',
        '`id`',
        "'",
        '\\"',
        '#',
        'COMMIT',
        'ä'.repeat(300),
      ),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 260 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(hostile, { minLength: 5, maxLength: 20 }),
        fc.constantFrom(...IP_FAMILIES),
        async (names, family) => {
          const wishes = desiredOf(
            names.flatMap((name, index) => [
              policy(name, { ingress: [rule('Allow')] }, name),
              profile(name, { ingress: [rule('Log'), rule('Deny')] }),
              endpoint(`w${index}`, name),
              endpoint(`v${index}`, `cali${index}`, {
                ingress: {
                  tiers: [{ name, policies: [name], endOfTier: 'Deny' }],
                  profiles: [name],
                  default: 'Deny',
                },
                egress: withProfiles(name),
              }),
            ]),
          );
          await takesAll(t, ns, variant, wishes.families, family);
        },
      ),
      { numRuns: 15, endOnFailure: true },
    );
  });

/** Loads sets and rules of one family into the emptied tables, and counts. */
async function takesAll(
  t: ExecutionContext,
  ns: Namespace,
  variant: (typeof VARIANTS)[number],
  families: readonly RecordedFamily[],
  family: IpFamily,
): Promise<void> {
  const wished = families.find((each) => each.family === family);
  if (!wished) throw new Error(`No IPv${family}`);
  const tool = toolOf(family, variant);
  const nothing = ['raw', 'nat', 'filter'].map((table) => `*${table}\nCOMMIT\n`).join('');
  for (const each of IP_FAMILIES) await ns.run(`${toolOf(each, variant)}-restore`, [], { input: nothing });
  await ns.run('ipset', ['destroy']);
  await ns.run('ipset', ['restore'], { input: ipSetsText(wished) });
  const input = iptablesText(wished);
  const rendered = [...wished.chains.values(), ...wished.hooks.values()].flatMap(({ rules }) => rules).length;
  t.is(input.split('\n').filter((line) => /^-[AI]/.test(line)).length, rendered);
  await ns.run(`${tool}-restore`, ['--noflush', '--test'], { input });
  await ns.run(`${tool}-restore`, ['--noflush'], { input });
  await keepsAll(t, ns, tool, input);
}

/** The kernel has the chains and, in each, as many rules as the text. */
async function keepsAll(t: ExecutionContext, ns: Namespace, tool: string, input: string): Promise<void> {
  for (const transaction of input.split(/^COMMIT\n/m).filter((text) => text !== '')) {
    const table = transaction.slice(1, transaction.indexOf('\n'));
    const saved = await ns.run(`${tool}-save`, ['-t', table]);
    t.deepEqual(rulesByChain(saved), rulesByChain(transaction), `${tool} ${table}`);
  }
}

function rulesByChain(text: string): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const chain = /^(?::|-[AI] )(cali-\S+|[A-Z]+)/.exec(line)?.[1];
    if (chain !== undefined) counts.set(chain, (counts.get(chain) ?? 0) + (line.startsWith('-') ? 1 : 0));
  }
  return Object.fromEntries([...counts].filter(([chain, rules]) => rules > 0 || chain.startsWith('cali-')));
}
