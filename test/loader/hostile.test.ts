/**
 * Nobody can write a manifest that the loader throws at, or that grows in it without limit: random damage to
 * a valid one, and bombs.
 */
import test from 'ava';
import fc from 'fast-check';
import { type LoadResult, loadManifests } from '../../src/loader/load.js';
import { MAX_FILE_BYTES } from '../../src/loader/source-text.js';
import { MAX_DOCUMENTS } from '../../src/loader/yaml-documents.js';
import { sourceFiles } from '../helpers/source-files.js';

const load = (text: string): LoadResult => loadManifests(sourceFiles({ 'a.yaml': text }));
const codes = (text: string): string[] => load(text).diagnostics.map(({ code }) => code);

const VALID = `apiVersion: heddle/v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
spec: {bgp: {ipv4Address: 10.0.0.1/24, asNumber: 64512}}
---
apiVersion: heddle/v1
kind: IPPool
metadata:
  name: pool # the only one
spec: {cidr: 192.168.0.0/16, natOutgoing: true}
---
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: web}
spec:
  labelsToApply: {role: web}
  ingress:
    - {action: Allow, protocol: TCP, source: {selector: "role == 'web' && has(zone)"}, destination: {ports: [80, '90:99']}}
    - action: Deny
      icmp: &ping {type: 8, code: 0}
      protocol: ICMP
  egress:
    - {action: Allow, protocol: ICMP, icmp: *ping}
---
apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: {name: w1}
spec:
  node: n1
  ipNetworks: [192.168.0.1, "fd00::1/128"]
  profiles: [web]
`;

test('the manifest that the tests below spoil is valid', (t) => {
  t.deepEqual(codes(VALID), ['address-outside-pools']);
});

test('spoiled manifests never throw, and every fault has a place, a rule and a remedy', (t) => {
  const piece = fc.constantFrom(
    ...[
      '',
      ' ',
      '\n',
      '\t',
      ':',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '&a ',
      '*a',
      '!x ',
      '|',
      '>',
      '%',
      '---\n',
      '...\n',
    ],
    ...[
      'null',
      '~',
      '0',
      '-1',
      '1.5',
      '.nan',
      '.inf',
      '1e400',
      'true',
      '\u0000',
      '\u2028',
      '\ud83d',
      '__proto__: ',
      '<<: ',
    ],
  );
  const edit = fc.record({ at: fc.nat(VALID.length), remove: fc.nat(12), insert: piece });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = VALID;
      for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
      const { state, diagnostics } = load(text);
      t.true(state.size > 0 || diagnostics.length > 0);
      const lines = text.split('\n').length;
      for (const { origin, message, hint } of diagnostics) {
        t.true(origin.line >= 1 && origin.line <= lines && origin.col >= 1, message);
        t.true(message !== '' && !message.includes('undefined'), message);
        t.truthy(hint, message);
      }
    }),
    { numRuns: 400 },
  );
});

test('random bytes never throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { state, diagnostics } = loadManifests(sourceFiles({ 'a.yaml': bytes }));
      t.true(state.size === 0 && diagnostics.length > 0);
    }),
    { numRuns: 300 },
  );
});

test('any JSON value in fields of seven kinds is accepted or explained', (t) => {
  const kinds = fc.constantFrom(
    'Node',
    'IPPool',
    'Profile',
    'WorkloadEndpoint',
    'BGPPeer',
    'BGPFilter',
    'ConnectivityTest',
  );
  const fields = fc.constantFrom(
    'cidr',
    'bgp',
    'ingress',
    'node',
    'ipNetworks',
    'profiles',
    'password',
    'peerIP',
    'from',
    'exportV4',
  );
  fc.assert(
    fc.property(kinds, fields, fc.jsonValue({ maxDepth: 3 }), (kind, field, value) => {
      const document = { apiVersion: 'heddle/v1', kind, metadata: { name: 'x' }, spec: { [field]: value } };
      const { diagnostics } = load(JSON.stringify(document));
      for (const { hint, message } of diagnostics) t.truthy(hint, message);
    }),
    { numRuns: 400 },
  );
});

test('billion laughs: aliases may not expand to more than a limit', (t) => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 10; level += 1)
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  t.deepEqual(codes(lines.join('\n')), ['yaml-limit']);
});

test('more than 100 aliases of one document are refused', (t) => {
  t.deepEqual(codes(`a: &a x\nb: [${Array.from({ length: 101 }, () => '*a').join(', ')}]\n`), ['yaml-limit']);
});

const tooDeep = test.macro({
  exec(t, text: string) {
    t.deepEqual(codes(text), ['yaml-limit']);
  },
  title: (title = '') => `${title} are refused before anything recursive sees them`,
});
test('a million brackets', tooDeep, '['.repeat(1_000_000));
test('a million nested maps', tooDeep, '{a: '.repeat(1_000_000));
test('a million dashes', tooDeep, `${'- '.repeat(1_000_000)}x`);
test('a million keys in keys', tooDeep, `${'? '.repeat(1_000_000)}x`);
test('a million keys on one line', tooDeep, 'a: '.repeat(1_000_000));
test(
  'a thousand levels of indentation',
  tooDeep,
  Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
);

test('brackets inside a string are no depth', (t) => {
  t.deepEqual(codes(`a: "${'['.repeat(10_000)}"\n`), ['yaml-document']);
});

test('100,000 documents are refused, and the reading stops at the limit', (t) => {
  const { diagnostics } = load('---\na: 1\n'.repeat(100_000));
  const limit = diagnostics.filter(({ code }) => code === 'yaml-limit');
  t.true(limit.some(({ message }) => message.includes(String(MAX_DOCUMENTS))));
  t.true(diagnostics.length <= 101);
});

test('a file of more than 8 MiB is one fault, and the other files are checked all the same', (t) => {
  const { diagnostics } = loadManifests(
    sourceFiles({ 'a.yaml': new Uint8Array(MAX_FILE_BYTES + 1).fill(0x5b), 'b.yaml': 'kind: Nod\n' }),
  );
  t.like(diagnostics[0], { code: 'yaml-limit', origin: { file: 'a.yaml', line: 1, col: 1 } });
  t.regex(`${diagnostics[0]?.message}`, /8 MiB \(8388608 bytes\)/);
  t.true(diagnostics.some(({ origin }) => origin.file === 'b.yaml'));
});

test('100,000 keys in one map are read without comparing every pair', (t) => {
  const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`).join('\n');
  t.deepEqual(codes(text), ['yaml-document']);
});

test('a document with 10,000 unknown fields is 100 faults and one that says so', (t) => {
  for (const [unknown, told, limits] of [
    [100, 100, 0],
    [101, 101, 1],
    [10_000, 101, 1],
  ] as const) {
    const fields = Array.from({ length: unknown }, (_, index) => `  k${index}: 1`).join('\n');
    const found = codes(`apiVersion: heddle/v1\nkind: Node\nmetadata: {name: n}\nspec:\n${fields}\n`);
    t.is(found.length, told);
    t.is(found.filter((code) => code === 'yaml-limit').length, limits, `${unknown} unknown fields`);
  }
});

test('nothing that a manifest says reaches the prototype of an object', (t) => {
  load('apiVersion: heddle/v1\nkind: Node\nmetadata: {name: n, labels: {__proto__: {polluted: "yes"}}}\n');
  load('apiVersion: heddle/v1\nkind: constructor\nmetadata: {name: n}\n');
  load('apiVersion: heddle/v1\nkind: __proto__\nmetadata: {name: n}\n');
  t.false('polluted' in {});
});
