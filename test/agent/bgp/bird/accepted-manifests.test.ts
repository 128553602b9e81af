/**
 * Whatever the loader lets through, and whatever the decoders let through of what others wrote into the store, BIRD
 * takes. The loader and the decoders decide what that is; BIRD itself judges the text.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { passwordProblem } from '../../../../src/agent/bgp/password-file.js';
import { renderHost } from '../../../../src/agent/render-host.js';
import { exec } from '../../../../src/kernel/exec.js';
import { compileState } from '../../../../src/layout/compile.js';
import { createLayout } from '../../../../src/layout/create-layout.js';
import { loadManifests } from '../../../../src/loader/load.js';
import type { StoreKey } from '../../../../src/model/store.js';

const layout = createLayout();
const HOSTS = ['exp', 'node-2', 'protocol', 'rr-1'];
type Entries = ReadonlyMap<StoreKey, { readonly value: string }>;

const name = fc.oneof(
  fc.constantFrom(
    'exp',
    'protocol',
    'filter',
    'accept',
    'true',
    'net',
    'a.b',
    'a-b',
    'A_b',
    `f${'x'.repeat(127)}`,
  ),
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,40}$/),
);
const as = fc.oneof(
  fc.constantFrom(1, 23456, 64512, 65535, 65536, 4_294_967_295),
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
);
const port = fc.oneof(fc.constantFrom(1, 179, 65535), fc.integer({ min: 1, max: 65535 }));
/** Mostly what is meant, now and then what is not. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: good, weight: 12 }, { arbitrary: bad, weight: 1 });
const ip4 = mostly(
  fc
    .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255))
    .map(([a, b, c]) => `${a === 127 ? 1 : a}.${b}.${c}.7`),
  fc.constantFrom('0.0.0.0', '127.0.0.1', '224.0.0.5', '255.255.255.255'),
);
const ip6 = mostly(
  fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([a, b]) => `fd00:${a.toString(16)}::${b.toString(16)}`),
  fc.constantFrom('::', '::1', 'fe80::1', 'ff02::1', '::ffff:10.0.0.1'),
);
const cidr4 = fc.constantFrom(
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.65.0.0/16',
  '10.65.1.1/32',
  '224.0.0.0/4',
  '255.255.255.255/32',
);
const cidr6 = fc.constantFrom('::/0', 'fd00::/8', 'fd65::/48', 'fd65::1/128', '::ffff:0:0/96', 'fe80::/10');
const duration = fc.constantFrom(
  '0s',
  '1ms',
  '500ms',
  '1.5s',
  '90s',
  '2m',
  '1h',
  '99999h',
  '99999999999999999999h',
);
const pattern = fc.oneof(
  fc.constantFrom('*', '**', 'eth*', '-', '.', '_', 'a-b.c_d*'),
  fc.stringMatching(/^[A-Za-z0-9_.*-]{1,15}$/),
);
const community = mostly(
  fc.constantFrom('0:0', '65535:65535', '1:2:3', '4294967295:0:4294967295'),
  fc.constantFrom('65536:1', '99999:1', '1:2:4294967296'),
);
const secret = fc.constantFrom({ file: 'a' }, { secretKeyRef: { name: 'b', key: 'c' } });
/** Any of the fields. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });
const few = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });
const length = (longest: number) => fc.integer({ min: 0, max: longest });

const rule = (family: 4 | 6, direction: 'export' | 'import') => {
  const longest = family === 4 ? 32 : 128;
  const matched = fc.record(
    {
      cidr: family === 4 ? cidr4 : cidr6,
      matchOperator: fc.constantFrom('Equal', 'NotEqual', 'In', 'NotIn'),
      prefixLength: fc
        .tuple(length(longest), length(longest))
        .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
    },
    { requiredKeys: ['cidr', 'matchOperator'] },
  );
  const others = fc.record(
    {
      action: fc.constantFrom('Accept', 'Reject'),
      source: fc.constant('RemotePeers'),
      interface: pattern,
      peerType: fc.constantFrom('eBGP', 'iBGP'),
      communities: fc.record({ values: fc.array(community, { minLength: 1, maxLength: 3 }) }),
      asPathPrefix: few(as),
      priority: fc.constantFrom(1, 1024, 2_147_483_646),
      operations: few(
        fc.oneof(
          fc.record({ addCommunity: fc.record({ value: community }) }),
          fc.record({ prependASPath: fc.record({ prefix: fc.array(as, { minLength: 1, maxLength: 3 }) }) }),
          ...(direction === 'export'
            ? [fc.record({ setPriority: fc.record({ value: fc.constantFrom(1, 2_147_483_646) }) })]
            : []),
        ),
      ),
    },
    { requiredKeys: ['action'] },
  );
  return fc
    .tuple(fc.option(matched, { nil: {} }), others)
    .map(([network, rest]) => ({ ...network, ...rest }));
};

const document = (kind: string, called: fc.Arbitrary<string>, spec: fc.Arbitrary<object>) =>
  fc
    .tuple(called, spec)
    .map(([of, what]) => ({ apiVersion: 'heddle/v1', kind, metadata: { name: of }, spec: what }));

const node = some({
  bgp: some({
    ipv4Address: ip4.map((ip) => `${ip}/24`),
    ipv6Address: ip6.map((ip) => `${ip}/64`),
    asNumber: as,
    routeReflectorClusterID: ip4,
  }),
});
const sureNode = (number: number) =>
  node.map((spec) => ({ bgp: { ...spec.bgp, ipv4Address: `10.9.0.${number}/24` } }));
const reflector = fc.record(
  {
    ipv4Address: ip4,
    ipv6Address: ip6,
    clusterID: ip4,
    asNumber: as,
    clientSelector: fc.constantFrom('all()', 'has(a)'),
  },
  { requiredKeys: ['ipv4Address', 'clusterID'] },
);
const peer = fc
  .tuple(
    fc.oneof(
      fc.record({
        peerIP: fc.oneof(
          ip4,
          ip6,
          fc.tuple(ip4, port).map(([ip, at]) => `${ip}:${at}`),
        ),
      }),
      fc.record({ peerIP: fc.constantFrom('10.9.0.1', '10.9.0.2', '10.9.0.1:1790') }),
      fc.record({ peerSelector: fc.constantFrom('all()', 'has(a)') }),
    ),
    fc.constantFrom<object>({}, { node: 'exp' }, { nodeSelector: 'all()' }),
    some({
      asNumber: as,
      localASNumber: as,
      password: secret,
      keepOriginalNextHop: fc.boolean(),
      nextHopMode: fc.constantFrom('Auto', 'Self', 'Keep'),
      sourceAddress: fc.constantFrom('UseNodeIP', 'None'),
      maxRestartTime: duration,
      keepaliveTime: duration,
      bfd: fc.boolean(),
      ttlSecurity: fc.constantFrom(1, 2, 255),
      numAllowedLocalASNumbers: fc.constantFrom(0, 1, 255),
      reachableBy: mostly(ip4, ip6),
      reversePeering: fc.constantFrom('Auto', 'Manual'),
      filters: fc.uniqueArray(fc.constantFrom('f', 'exp'), { maxLength: 2 }),
    }),
  )
  .map((parts) => Object.assign({}, ...parts));
const configuration = some({
  asNumber: as,
  nodeToNodeMeshEnabled: fc.boolean(),
  listenPort: port,
  bindMode: fc.constantFrom('None', 'NodeIP'),
  logSeverityScreen: fc.constantFrom('Debug', 'Info', 'Warning', 'Error', 'Fatal', 'None'),
  nodeMeshPassword: secret,
  nodeMeshMaxRestartTime: duration,
  ignoredInterfaces: few(pattern),
  communities: few(fc.record({ name, value: community })),
  prefixAdvertisements: few(
    fc.record({
      cidr: fc.oneof(cidr4, cidr6),
      communities: fc.array(community, { minLength: 1, maxLength: 2 }),
    }),
  ),
});
const filterSpec = some({
  exportV4: few(rule(4, 'export')),
  importV4: few(rule(4, 'import')),
  exportV6: few(rule(6, 'export')),
  importV6: few(rule(6, 'import')),
});

const always = fc.tuple(
  document('Node', fc.constant('exp'), sureNode(1)),
  document('Node', fc.constant('node-2'), sureNode(2)),
  document('BGPFilter', fc.constant('f'), filterSpec),
  document('BGPFilter', fc.constant('exp'), filterSpec),
);
const sometimes = fc.array(
  fc.oneof(
    document('Node', fc.constant('protocol'), node),
    document('RouteReflector', fc.constant('rr-1'), reflector),
    document('BGPPeer', name, peer),
    document('BGPPeer', name, peer),
    document('BGPConfiguration', fc.constantFrom('default', 'node.exp'), configuration),
    document(
      'IPPool',
      name,
      fc.record({ cidr: fc.oneof(cidr4, cidr6), disableBGPExport: fc.boolean(), disabled: fc.boolean() }),
    ),
    document(
      'AgentConfiguration',
      fc.constantFrom('default', 'node.exp'),
      some({
        interfacePrefix: fc.stringMatching(/^[a-zA-Z0-9]{1,11}$/),
        deviceRouteProtocol: fc.constantFrom(1, 2, 80, 255),
      }),
    ),
  ),
  { minLength: 3, maxLength: 9 },
);
const network = fc.tuple(always, sometimes).map(([first, more]) => [...first, ...more]);
const password = fc
  .string({ minLength: 1, maxLength: 90, unit: 'binary' })
  .filter((text) => passwordProblem(text) === undefined);

/** Without what the loader has something against, one document after the other. */
function accepted(documents: readonly object[]): Entries {
  const kept: object[] = [];
  let entries: Entries = new Map();
  for (const one of documents) {
    const content = [...kept, one].map((each) => JSON.stringify(each)).join('\n---\n');
    const { state, diagnostics } = loadManifests([
      { path: 'network.yaml', blobId: content, bytes: new TextEncoder().encode(content) },
    ]);
    if (diagnostics.some(({ severity }) => severity === 'error')) continue;
    const compiled = compileState(state, layout);
    if (compiled.diagnostics.length > 0) continue;
    kept.push(one);
    const all = [...compiled.objects.values()].flatMap((object) => object.entries);
    entries = new Map(all.map(({ key, value }) => [key, { value }]));
  }
  return entries;
}

function configurations(entries: Entries, secretText: string): string[] {
  return HOSTS.map(
    (host) =>
      renderHost({
        node: host,
        layout,
        entries,
        families: [4, 6],
        birdLog: '/var/log/bird.log',
        passwordOf: () => secretText,
      }).bird,
  ).filter((text) => text !== '');
}

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), `heddle-bird-${process.pid}-`));
});
test.after.always(() => rm(folder, { recursive: true }));

/** What BIRD has against these, all at once; '' when nothing. */
async function complaints(configs: readonly string[]): Promise<string> {
  const said = await Promise.all(
    configs.map(async (text, index) => {
      const file = join(folder, `${index}.conf`);
      await writeFile(file, text);
      const { code, stderr } = await exec('bird', ['-p', '-c', file]);
      return code === 0 ? '' : `${stderr}\n${text}`;
    }),
  );
  return said.join('');
}

test.serial(
  'BIRD takes every network of peers, reflectors and filters that the loader accepts',
  async (t) => {
    let checked = 0;
    let sessions = 0;
    await fc.assert(
      fc.asyncProperty(network, password, async (documents, secretText) => {
        const texts = configurations(accepted(documents), secretText);
        checked += texts.length;
        sessions += texts.join('').match(/^protocol bgp /gm)?.length ?? 0;
        t.is(await complaints(texts), '');
      }),
      { numRuns: 40 },
    );
    t.true(checked >= 40 && sessions >= 40, `${checked} configurations with ${sessions} sessions`);
  },
);

/** Values as no manifest has them: what others, or another version, may have left in the store. */
const hostile = fc.constantFrom<unknown>(
  '99999:1',
  '"; }',
  'fe80::1',
  'fd00::/64',
  '10.0.0.0/8',
  '::',
  '0.0.0.0',
  'exp',
  '',
  'x\ny',
  0,
  1,
  -1,
  256,
  65536,
  2 ** 32,
  1e30,
  null,
  true,
  [],
  {},
);

test.serial('BIRD takes what the decoders let through of a store that others spoiled', async (t) => {
  let spoiled = 0;
  await fc.assert(
    fc.asyncProperty(
      network,
      fc.array(fc.tuple(fc.nat(), fc.nat(), hostile), { minLength: 1, maxLength: 6 }),
      async (documents, spoils) => {
        const entries = new Map(accepted(documents));
        for (const [which, where, value] of spoils) {
          const keys = [...entries.keys()].filter((key) => /\/bgp\/|bgp|routereflectors/.test(key));
          const key = keys[which % keys.length];
          if (key === undefined) continue;
          entries.set(key, { value: withLeaf(entries.get(key)?.value ?? '', where, value) });
          spoiled += 1;
        }
        t.is(await complaints(configurations(entries, 'secret')), '');
      },
    ),
    { numRuns: 40 },
  );
  t.true(spoiled >= 40);
});

/** A JSON text in which one value is another; text that is no JSON is replaced as a whole. */
function withLeaf(text: string, where: number, value: unknown): string {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return typeof value === 'string' ? value : JSON.stringify(value);
  }
  const places: [Record<string, unknown>, string][] = [];
  collect(root, places);
  const place = places[where % places.length];
  if (!place) return typeof value === 'string' ? value : JSON.stringify(value);
  place[0][place[1]] = value;
  return JSON.stringify(root);
}

function collect(value: unknown, places: [Record<string, unknown>, string][]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [member, inner] of Object.entries(value)) {
    places.push([value as Record<string, unknown>, member]);
    collect(inner, places);
  }
}
