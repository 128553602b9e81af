/**
 * Hostile input, from the manifest on: whatever the loader takes becomes text that the real iptables-restore of both
 * variants, ipset and BIRD take, with exactly the rules, members and sessions that were meant (CVE-2021-41254).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { renderBirdConfig } from '../../src/agent/bgp/bird/render-config.js';
import { REDACTED } from '../../src/agent/bgp/password-file.js';
import { createCalcGraph } from '../../src/agent/calc/calc-graph.js';
import type { DataplaneUpdate } from '../../src/agent/calc/updates.js';
import { elementsOf } from '../../src/agent/dataplane/backends/iptables/ip-set-elements.js';
import { ipSetsText, iptablesText } from '../../src/agent/dataplane/backends/iptables/render-text.js';
import type { RecordedFamily } from '../../src/agent/dataplane/desired-record.js';
import { ObjectAssembler } from '../../src/agent/syncer/object-assembler.js';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { loadManifests } from '../../src/loader/load.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { desiredOf } from '../agent/dataplane/goldens.js';
import { createNamespace, type Namespace, requirePrivateNetns, run } from '../helpers/netns.js';
import { sourceFiles } from '../helpers/source-files.js';

requirePrivateNetns();

type Document = Readonly<Record<string, unknown>>;

const BASE: readonly Document[] = [
  {
    kind: 'Node',
    metadata: { name: 'h1' },
    spec: { bgp: { ipv4Address: '10.99.0.1/24', ipv6Address: 'fd99::1/64' } },
  },
  { kind: 'Node', metadata: { name: 'h2' }, spec: { bgp: { ipv4Address: '10.99.0.2/24' } } },
  { kind: 'IPPool', metadata: { name: 'v4' }, spec: { cidr: '10.65.0.0/16', natOutgoing: true } },
  { kind: 'IPPool', metadata: { name: 'v6' }, spec: { cidr: 'fd65::/64' } },
];

/** Words of the readers: of a shell, of iptables-restore, of ipset, of BIRD; and what is merely strange. */
const HOSTILE = [
  ...[
    'a; -j ACCEPT',
    'a"\n-A INPUT -j ACCEPT',
    'COMMIT',
    '*filter',
    ':INPUT ACCEPT',
    '-A',
    '--comment',
    '#',
    '$(id)',
    '`id`',
  ],
  ...[
    'add',
    'create',
    'flush',
    'destroy',
    '-exist',
    'swap x y',
    'accept',
    'reject',
    'protocol',
    'filter',
    'all',
    'exp',
  ],
  ...[
    'a"; }',
    '/* */',
    '};',
    "it's",
    '\\"',
    '..',
    '../x',
    '%2f',
    'a/b',
    '__proto__',
    'constructor',
    'Default',
    'İ',
    'é',
  ],
  ...[
    '0',
    '-1',
    '1e9',
    'null',
    '.',
    '-',
    '_',
    'x'.repeat(63),
    'x'.repeat(253),
    'ü'.repeat(150),
    'a\u0000b',
    'a\rb',
    '\u202e',
  ],
];
const likely = fc.stringMatching(/^[a-z0-9]([a-zA-Z0-9_.-]{0,20}[a-z0-9])?$/);
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 14, arbitrary: likely },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 80 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);
const v4 = fc.ipV4();
const pooled = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.65.${a}.${b}`),
  fc.nat(0xffff).map((host) => `fd65::${host.toString(16)}`),
);
const address = fc.oneof(
  v4,
  fc.ipV6(),
  fc.constantFrom(
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:1.2.3.4',
    '224.0.0.1',
    '127.0.0.1',
    '169.254.1.1',
    'fe80::1',
    'fe80::1%eth0',
    '010.0.0.1',
    '1.2.3',
    '64:ff9b::1.2.3.4',
  ),
);
const net = fc
  .tuple(address, fc.oneof(fc.constantFrom(0, 1, 8, 31, 32), fc.integer({ min: 0, max: 129 })))
  .map(([ip, length]) => `${ip}/${length}`);
const nets = fc.oneof(
  { weight: 1, arbitrary: net },
  {
    weight: 4,
    arbitrary: fc.constantFrom('0.0.0.0/0', '::/0', '10.0.0.0/8', 'fd00::/8', '128.0.0.0/1', '192.0.2.1/32'),
  },
);
const labels = fc.tuple(word, word).map(([key, value]) => ({ [key]: value }));
/** Several of these make one rule: were each as strange as a name, no rule would be taken. */
const inner = fc.oneof({ weight: 6, arbitrary: likely }, { weight: 1, arbitrary: word });
const match = fc.record(
  {
    selector: fc.tuple(inner, inner).map(([key, value]) => `${key} == '${value}'`),
    nets: fc.array(nets, { maxLength: 3 }),
    notNets: fc.array(nets, { maxLength: 2 }),
    tag: inner,
  },
  { requiredKeys: [] },
);
const rule = fc.record({
  action: fc.constantFrom('Allow', 'Deny', 'Log'),
  source: match,
  destination: match,
});

const document: fc.Arbitrary<Document> = fc.oneof(
  of(
    'Profile',
    fc.record({
      ingress: fc.array(rule, { maxLength: 2 }),
      tags: fc.array(word, { maxLength: 2 }),
      labelsToApply: labels,
    }),
  ),
  of('Tier', fc.record({ order: fc.integer({ min: 1, max: 99 }) })),
  of(
    'GlobalNetworkPolicy',
    fc.record({ selector: fc.constant('all()'), ingress: fc.array(rule, { maxLength: 3 }) }),
  ),
  of('GlobalNetworkSet', fc.record({ nets: fc.array(nets, { maxLength: 6 }) })),
  of(
    'IPPool',
    fc.record({
      cidr: fc.oneof(
        nets,
        fc.nat(255).map((part) => `172.16.${part}.0/24`),
      ),
      natOutgoing: fc.boolean(),
    }),
  ),
  of(
    'BGPPeer',
    fc.record({
      node: fc.constant('h1'),
      peerIP: fc.oneof(
        address,
        fc.tuple(v4, fc.nat(70_000)).map(([ip, port]) => `${ip}:${port}`),
      ),
      asNumber: fc.nat(70_000),
    }),
  ),
  of(
    'BGPFilter',
    fc.record({
      exportV4: fc.array(
        fc.record({
          action: fc.constant('Accept'),
          matchOperator: fc.constantFrom('In', 'Equal'),
          cidr: nets,
        }),
        { maxLength: 2 },
      ),
    }),
  ),
  of(
    'WorkloadEndpoint',
    fc.record(
      {
        node: fc.constant('h1'),
        ipNetworks: fc.array(fc.oneof(pooled, address), { minLength: 1, maxLength: 2 }),
        interfaceName: fc.oneof(
          word,
          likely.map((name) => `cali${name}`),
        ),
        profiles: fc.array(word, { maxLength: 2 }),
      },
      { requiredKeys: ['node', 'ipNetworks'] },
    ),
  ),
);

function of(kind: string, spec: fc.Arbitrary<object>): fc.Arbitrary<Document> {
  return fc
    .tuple(word, labels, spec)
    .map(([name, ours, body]) => ({ kind, metadata: { name, labels: ours }, spec: body }));
}

function load(documents: readonly Document[]) {
  const text = documents.map((one) => JSON.stringify({ apiVersion: 'heddle/v1', ...one })).join('\n---\n');
  return loadManifests(sourceFiles({ 'all.yaml': text }));
}

/** As many of them as the loader takes together. */
function accepted(documents: readonly Document[]): readonly Document[] {
  const taken = [...BASE];
  for (const one of documents)
    if (!load([...taken, one]).diagnostics.some(({ severity }) => severity === 'error')) taken.push(one);
  return taken;
}

/** What the host h1 is told of them. */
function updatesFor(documents: readonly Document[]): readonly DataplaneUpdate[] {
  const layout = createLayout();
  const objects = [...compileState(load(documents).state, layout).objects.values()];
  const entries = new Map(
    objects.flatMap((object) => object.entries).map(({ key, value }) => [key, { value }]),
  );
  const graph = createCalcGraph({ node: 'h1', computeBgp: bgpModelFor });
  for (const update of new ObjectAssembler(layout).replace(entries)) graph.onUpdate(update);
  return graph.flush();
}

test.serial(
  'what the loader takes, the real programs take, with the exact number of rules, members and sessions',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-hostile-'));
    t.teardown(() => rm(folder, { recursive: true }));
    await using nft = await createNamespace('hn');
    await using legacy = await createNamespace('hl');
    const kinds = new Map<unknown, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { minLength: 40, maxLength: 60, size: 'max' }),
        async (documents) => {
          const taken = accepted(documents);
          for (const { kind } of taken.slice(BASE.length)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          const updates = updatesFor(taken);
          for (const family of desiredOf(updates).families) {
            await takesAll(t, nft, 'nft', family);
            await takesAll(t, legacy, 'legacy', family);
          }
          await takesBgp(t, join(folder, 'bird.conf'), updates);
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
    t.log([...kinds]);
    t.is(kinds.size, 8, 'of each kind some were taken');
  },
);

/** Loads sets and rules of one family into emptied tables, and counts what the kernel has. */
async function takesAll(
  t: ExecutionContext,
  ns: Namespace,
  variant: 'nft' | 'legacy',
  wished: RecordedFamily,
): Promise<void> {
  for (const tool of ['iptables', 'ip6tables'])
    await ns.run(`${tool}-${variant}-restore`, [], {
      input: '*raw\nCOMMIT\n*nat\nCOMMIT\n*filter\nCOMMIT\n',
    });
  await ns.run('ipset', ['destroy']);
  await ns.run('ipset', ['restore'], { input: ipSetsText(wished) });
  const members = [...wished.sets.values()].map((set) => new Set([...set.members].flatMap(elementsOf)).size);
  const saved = (await ns.run('ipset', ['save'])).split('\n');
  t.is(saved.filter((line) => line.startsWith('create ')).length, members.length);
  t.is(
    saved.filter((line) => line.startsWith('add ')).length,
    members.reduce((sum, count) => sum + count, 0),
  );

  const tool = `${wished.family === 4 ? 'iptables' : 'ip6tables'}-${variant}`;
  const input = iptablesText(wished);
  await ns.run(`${tool}-restore`, ['--noflush', '--test'], { input });
  await ns.run(`${tool}-restore`, ['--noflush'], { input });
  const kernel = (await ns.run(`${tool}-save`, [])).split('\n');
  const intents = [...wished.chains.values(), ...wished.hooks.values()].flatMap(({ rules }) => rules);
  t.is(kernel.filter((line) => line.startsWith('-A ')).length, intents.length);
  t.is(kernel.filter((line) => line.startsWith(':cali-')).length, wished.chains.size);
}

async function takesBgp(
  t: ExecutionContext,
  file: string,
  updates: readonly DataplaneUpdate[],
): Promise<void> {
  const update = updates.find(({ type }) => type === 'bgp-update');
  const model = update?.type === 'bgp-update' ? update.model : undefined;
  if (!model) throw new Error('h1 is not in BGP');
  const options = {
    log: { to: 'file', path: '/dev/null' },
    deviceRouteProtocol: 80,
    passwordOf: REDACTED,
  } as const;
  const text = renderBirdConfig(model, options);
  await writeFile(file, text);
  await run('bird', ['-p', '-c', file]);
  t.is(text.match(/^protocol bgp /gm)?.length, model.sessions.length);
}
