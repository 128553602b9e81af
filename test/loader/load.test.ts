/**
 * What a manifest means once it is read (defaults, canonical forms, the places of its rules), and that
 * nothing else counts: line ends, order of reading, what was parsed before.
 */
import { createHash } from 'node:crypto';
import test from 'ava';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { type LoadResult, loadManifests, ManifestCache } from '../../src/loader/load.js';
import { type Kind, originOfRule, type ResourceOf, resourceId } from '../../src/model/resource.js';
import { sourceFiles } from '../helpers/source-files.js';

function load(text: string): LoadResult {
  const result = loadManifests(sourceFiles({ 'net.yaml': text }));
  const errors = result.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    throw new Error(errors.map(({ message, origin }) => `${origin.line}: ${message}`).join('\n'));
  return result;
}

function resource<K extends Kind>(text: string, kind: K, name: string): ResourceOf<K> {
  const found = load(text).state.get(resourceId(kind, name));
  if (found?.kind !== kind) throw new Error(`no ${kind} ${name}`);
  return found as ResourceOf<K>;
}

const NODE = 'apiVersion: heddle/v1\nkind: Node\nmetadata: {name: n1}\n---\n';

test('several documents, comments and empty documents make one state, each with the place of its first key', (t) => {
  const { state, diagnostics } = load(`# the hosts
---
# nothing here
---
apiVersion: heddle/v1
kind: Node
metadata: {name: n1}
---
  # indented
  kind: Node
  apiVersion: heddle/v1
  metadata: {name: n2}
...
`);
  t.deepEqual(diagnostics, []);
  t.deepEqual(
    [...state].map(([id, { origin }]) => [id, origin]),
    [
      [resourceId('Node', 'n1'), { file: 'net.yaml', line: 5, col: 1 }],
      [resourceId('Node', 'n2'), { file: 'net.yaml', line: 10, col: 3 }],
    ],
  );
});

test('CRLF line ends and a byte order mark change nothing', (t) => {
  const text = `${NODE}apiVersion: heddle/v1\nkind: IPPool\nmetadata: {name: p}\nspec: {cidr: 10.0.0.0/8}\n`;
  const plain = load(text);
  t.deepEqual(load(text.replaceAll('\n', '\r\n')).state, plain.state);
  t.deepEqual(load(`\ufeff${text}`).state, plain.state);
});

test('an alias stands for a copy of its value', (t) => {
  const { spec } = resource(
    `${NODE}apiVersion: heddle/v1
kind: Profile
metadata: {name: web}
spec:
  ingress: &rules
    - {action: Allow, source: {nets: [10.0.0.0/8]}}
  egress: *rules
`,
    'Profile',
    'web',
  );
  t.deepEqual(spec.egress, spec.ingress);
  t.not(spec.egress, spec.ingress);
});

test('each rule has the place where it is written out, and rules that nobody wrote have that of the document', (t) => {
  const text = `apiVersion: heddle/v1
kind: Profile
metadata: {name: web}
spec:
  ingress: &rules
    - action: Allow
      source: {nets: [10.0.0.0/8]}
    - {action: Deny}
  egress: *rules
---
apiVersion: heddle/v1
kind: GlobalNetworkPolicy
metadata: {name: p}
spec: {types: [Ingress, Egress], egress: [{action: Pass}, {action: Deny}]}
---
{apiVersion: heddle/v1, kind: Profile, metadata: {name: unwritten}}
`;
  const place = (line: number, col: number) => ({ file: 'net.yaml', line, col });
  const web = resource(text, 'Profile', 'web');
  t.deepEqual(web.origin, place(1, 1));
  t.deepEqual(web.ruleOrigins, { ingress: [place(6, 7), place(8, 7)], egress: [place(6, 7), place(8, 7)] });
  t.deepEqual(originOfRule(resource(text, 'GlobalNetworkPolicy', 'p'), 'egress', 2), place(14, 59));
  t.deepEqual(originOfRule(resource(text, 'Profile', 'unwritten'), 'ingress', 1), place(16, 2));
});

test('a single address is the network of it alone, in sets and in rules, as in Calico', (t) => {
  const text = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: s}
spec: {nets: [198.51.100.28, 10.0.0.0/8, "FD00::0:1"]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: p}
spec:
  ingress: [{action: Allow, source: {nets: [10.0.0.1]}, destination: {notNets: ["fd00::1"]}}]
  types: []
`;
  t.like(resource(text, 'GlobalNetworkSet', 's').spec, {
    nets: ['198.51.100.28/32', '10.0.0.0/8', 'fd00::1/128'],
  });
  const { spec } = resource(text, 'GlobalNetworkPolicy', 'p');
  t.like(spec, {
    types: ['Ingress'],
    ingress: [{ source: { nets: ['10.0.0.1/32'] }, destination: { notNets: ['fd00::1/128'] } }],
  });
});

test('moving a rule to another line changes no value that is stored or compared', (t) => {
  const text = (gap: string): string =>
    `apiVersion: heddle/v1\nkind: Profile\nmetadata: {name: web}\nspec:\n  ingress:\n${gap}    - {action: Deny}\n`;
  const compiled = (gap: string) => {
    const { objects } = compileState(load(text(gap)).state, createLayout());
    return [...objects.values()].map(({ entries }) => entries);
  };
  t.notDeepEqual(
    resource(text('\n'), 'Profile', 'web').ruleOrigins,
    resource(text(''), 'Profile', 'web').ruleOrigins,
  );
  t.deepEqual(compiled('\n'), compiled(''));
});

test('only .yaml and .yml files outside dot folders are read, and .heddleignore takes files out', (t) => {
  const manifest = (name: string): string => `apiVersion: heddle/v1\nkind: Node\nmetadata: {name: ${name}}\n`;
  const { state, diagnostics } = loadManifests(
    sourceFiles({
      '.heddleignore': '# of other tools\nci.yml\n/charts/\n',
      '.github/workflows/ci.yaml': 'on: push\n',
      'a/.cache/x.yaml': 'x: 1\n',
      'README.md': '# hello\n',
      'a/ci.yml': 'on: push\n',
      'charts/deep/values.yaml': 'x: 1\n',
      'a/charts/n1.yaml': manifest('n1'),
      'b/n2.yml': manifest('n2'),
    }),
  );
  t.deepEqual(diagnostics, []);
  t.deepEqual([...state.keys()], [resourceId('Node', 'n1'), resourceId('Node', 'n2')]);
});

test('a source without manifests is a warning, because a guard decides what it means', (t) => {
  for (const files of [{}, { 'a.yaml': '# soon\n' }, { 'a.txt': 'hello' }]) {
    const { state, diagnostics } = loadManifests(sourceFiles(files));
    t.is(state.size, 0);
    t.deepEqual(
      diagnostics.map(({ severity, code }) => [severity, code]),
      [['warning', 'empty-source']],
    );
  }
});

const profileSpec = test.macro({
  exec(t, apiVersion: string, spec: string, expected: object) {
    const text = `apiVersion: ${apiVersion}\nkind: Profile\nmetadata: {name: web}\n${spec}`;
    t.deepEqual<unknown, unknown>(resource(text, 'Profile', 'web').spec, expected);
  },
  title: (title = '') => title,
});
const group = {
  tags: ['web'],
  ingress: [{ action: 'Allow', source: { tag: 'web' } }],
  egress: [{ action: 'Allow' }],
};
const nothing = { tags: [], ingress: [], egress: [] };
test('a heddle/v1 profile that says nothing is a group', profileSpec, 'heddle/v1', '', group);
test(
  'labels to apply do not stop a profile from being a group',
  profileSpec,
  'heddle/v1',
  'spec: {labelsToApply: {role: web}}\n',
  { ...group, labelsToApply: { role: 'web' } },
);
test('an empty list in a profile means empty', profileSpec, 'heddle/v1', 'spec: {tags: []}\n', nothing);
test(
  'a profile with rules one way has none the other way',
  profileSpec,
  'heddle/v1',
  'spec: {egress: [{action: Allow}]}\n',
  { ...nothing, egress: [{ action: 'Allow' }] },
);
test("a projectcalico.org/v3 profile keeps v3's defaults", profileSpec, 'projectcalico.org/v3', '', nothing);

const ENDPOINT =
  'apiVersion: heddle/v1\nkind: WorkloadEndpoint\nmetadata: {name: web-1}\nspec:\n  node: n1\n';

test('an endpoint that says only its node gets the documented defaults', (t) => {
  const hash = createHash('sha1').update('heddle/web-1/eth0').digest('hex');
  t.deepEqual<unknown, unknown>(resource(NODE + ENDPOINT, 'WorkloadEndpoint', 'web-1').spec, {
    node: 'n1',
    orchestrator: 'heddle',
    workload: 'web-1',
    endpoint: 'eth0',
    interfaceName: `cali${hash.slice(0, 11)}`,
    mac: 'ee:ee:ee:ee:ee:ee',
    ipNetworks: [],
    ipNATs: [],
    profiles: [],
    state: 'active',
  });
});

test('the interface prefix in force is that of the node, then the default one', (t) => {
  const agent = (name: string, prefix: string): string =>
    `---\napiVersion: heddle/v1\nkind: AgentConfiguration\nmetadata: {name: ${name}}\nspec: {interfacePrefix: ${prefix}}\n`;
  const nameWith = (more: string): string | undefined =>
    resource(NODE + ENDPOINT + more, 'WorkloadEndpoint', 'web-1').spec.interfaceName;
  t.regex(String(nameWith(agent('default', 'tap'))), /^tap[0-9a-f]{11}$/);
  t.regex(
    String(nameWith(agent('default', 'tap') + agent('node.n1', 'heddlenet'))),
    /^heddlenet[0-9a-f]{6}$/,
  );
});

test('addresses, networks, ports and selectors are written in their canonical form', (t) => {
  const text = `${NODE + ENDPOINT}  mac: EE:EE:EE:EE:EE:0A
  ipNetworks: [192.168.0.1, 2001:DB8:0:0::1/128]
---
apiVersion: heddle/v1
kind: Profile
metadata: {name: web}
spec:
  ingress:
    - action: Allow
      protocol: TCP
      source:
        nets: [FD00::/8]
        selector: |
          role == 'db' &&
            has(zone)
        notSelector: '  all() '
      destination: {ports: ['80', '90:90', '1:2']}
`;
  const { spec } = resource(text, 'WorkloadEndpoint', 'web-1');
  t.deepEqual<unknown, unknown>(
    [spec.mac, spec.ipNetworks],
    ['ee:ee:ee:ee:ee:0a', ['192.168.0.1/32', '2001:db8::1/128']],
  );
  const [rule] = resource(text, 'Profile', 'web').spec.ingress ?? [];
  t.deepEqual<unknown, unknown>(rule?.source, {
    nets: ['fd00::/8'],
    selector: "role == 'db' && has(zone)",
    notSelector: 'all()',
  });
  t.deepEqual<unknown, unknown>(rule?.destination, { ports: [80, 90, '1:2'] });
});

test('a ConnectivityTest must match once on each side unless it says otherwise', (t) => {
  const text = (more: string): string =>
    `apiVersion: heddle/v1\nkind: ConnectivityTest\nmetadata: {name: t}\nspec: {from: {selector: all()}, to: {outside: true}, expect: Deny${more}}\n`;
  const matches = (more: string): unknown => resource(text(more), 'ConnectivityTest', 't').spec.minMatches;
  t.deepEqual(matches(''), { from: 1, to: 1 });
  t.deepEqual(matches(', minMatches: {from: 3}'), { from: 3, to: 1 });
});

test('the state of a load does not depend on the files being parsed before', (t) => {
  const read = (...load: Parameters<typeof loadManifests>) => {
    const { state, sound, diagnostics } = loadManifests(...load);
    return { state, sound, diagnostics };
  };
  const cache = new ManifestCache();
  const first = sourceFiles({ 'a.yaml': NODE, 'b.yaml': ENDPOINT });
  const before = read(first, cache);
  t.deepEqual(read(first, cache), before);
  const changed = sourceFiles({ 'a.yaml': NODE.replace('n1', 'n2'), 'b.yaml': ENDPOINT });
  t.deepEqual(read(changed, cache), read(changed));
  t.deepEqual(read(first, cache), before);
});

test('the same bytes at another path have another origin', (t) => {
  const cache = new ManifestCache();
  loadManifests(sourceFiles({ 'a.yaml': NODE }), cache);
  const { state } = loadManifests(sourceFiles({ 'b.yaml': NODE }), cache);
  t.is(state.get(resourceId('Node', 'n1'))?.origin.file, 'b.yaml');
});
