/**
 * Law 8, mistake by mistake: its place, its code and its remedy, and no other mistake beside it. A table of
 * texts.
 */
import test from 'ava';
import { doc, faultsOf, finds, node, profile } from '../helpers/loader-faults.js';

// --- YAML ---
test('a tab in the indentation', finds, 'a:\n\tb: 1\n', ['2:1', 'yaml-syntax', /spaces/]);
test('a string that is not closed', finds, 'a: "b\n', ['2:1', 'yaml-syntax', /quote/i]);
test('a custom tag', finds, 'a: !secret b\n', ['1:4', 'yaml-syntax', /tag/]);
test('a %YAML 1.1 directive', finds, '%YAML 1.1\n---\na: no\n', ['2:1', 'yaml-document', /%YAML/]);
test(
  'a key twice: the first counts, and what else is wrong is told too',
  finds,
  `kind: Nod\n${node('n')}`,
  ['1:7', 'unknown-kind', /Did you mean Node/],
  ['3:1', 'duplicate-key', /first on line 1/],
);
test('a key that a JavaScript object must not have', finds, 'x: {__proto__: 1}\n', [
  '1:5',
  'yaml-document',
  /__proto__/,
]);
test('the key constructor', finds, 'constructor: 1\n', ['1:1', 'yaml-document', /constructor/]);
test('a merge key', finds, 'a: &a {b: 1}\nc: {<<: *a}\n', ['2:5', 'yaml-document', /merge/]);
test('an alias to nothing', finds, 'a: *b\n', ['1:4', 'yaml-syntax', /&b/]);
test('a value that contains itself', finds, 'a: &a [*a]\n', ['1:8', 'yaml-syntax', /&a/]);
test('a list where a manifest is expected', finds, '- 1\n', ['1:1', 'yaml-document', /list/]);
test('a key that is no string', finds, '? [a]\n: 1\n', ['1:3', 'yaml-syntax', /key/]);

// --- kinds ---
test('a document of another tool', finds, 'on: push\n', ['1:1', 'yaml-document', /\.heddleignore/]);
test(
  'kind without apiVersion',
  finds,
  'kind: Node\n',
  ['1:1', 'missing-field', /heddle\/v1/],
  ['1:1', 'missing-field', /metadata is missing/],
);
test('apiVersion without kind', finds, 'apiVersion: heddle/v1\n', ['1:1', 'missing-field', /IPPool/]);
test(
  'a kind with a slip is checked as the kind that was meant',
  finds,
  doc('ipPool', 'p'),
  ['2:7', 'unknown-kind', /Did you mean IPPool/],
  ['4:1', 'missing-field', /spec\.cidr/],
);
test('a kind of nobody', finds, doc('Deployment', 'p'), ['2:7', 'unknown-kind', /Known kinds/]);
test('a namespaced policy', finds, doc('NetworkPolicy', 'p'), ['2:7', 'unknown-kind', /GlobalNetworkPolicy/]);
test('a namespaced set', finds, doc('NetworkSet', 'p'), ['2:7', 'unknown-kind', /GlobalNetworkSet/]);
test("Felix's settings", finds, doc('FelixConfiguration', 'p'), [
  '2:7',
  'unknown-kind',
  /AgentConfiguration/,
]);
test('a kind that is no string', finds, 'apiVersion: heddle/v1\nkind: [Node]\n', [
  '2:7',
  'unknown-kind',
  /string/,
]);
test('an unknown version', finds, doc('Node', 'n', '{}', 'v1'), [
  '1:13',
  'unknown-api-version',
  /heddle\/v1/,
]);
test(
  'the version of Calico for a kind that Calico has not',
  finds,
  doc('AgentConfiguration', 'default', '{}', 'projectcalico.org/v3'),
  ['1:13', 'unknown-api-version', /AgentConfiguration has apiVersion heddle\/v1/],
);

// --- schema ---
test(
  'a blank selector of a rule, which is not all()',
  finds,
  profile("    - {action: Deny, source: {selector: ' '}}\n"),
  ['6:41', 'invalid-value', /leave the field out for anybody, or write all\(\)/],
);
test('an unknown field', finds, node('n', '\n  bpg: {}'), ['5:3', 'unknown-field', /Did you mean bgp/]);
test('an unknown field at the top', finds, `${node('n').replace('spec', 'status')}`, [
  '4:1',
  'unknown-field',
  /Known fields/,
]);
test('a missing field', finds, doc('IPPool', 'p'), [
  '4:1',
  'missing-field',
  /spec\.cidr is missing.*addresses of the pool/,
]);
test('a missing spec', finds, 'apiVersion: heddle/v1\nkind: IPPool\nmetadata: {name: p}\n', [
  '1:1',
  'missing-field',
  /spec/,
]);
test('a missing name', finds, 'apiVersion: heddle/v1\nkind: Node\nmetadata: {}\n', [
  '3:1',
  'missing-field',
  /metadata\.name/,
]);
test('a name with a space', finds, node('"a b"'), ['3:18', 'invalid-value', /Letters, digits/]);
test('a name that is a number', finds, node('1'), ['3:18', 'invalid-value', /Quote it: '1'/]);
test('a name of 129 characters', finds, node('n'.repeat(129)), ['3:18', 'invalid-value', /128/]);
test(
  'an unquoted number as a label value, with the quotes to write',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {version: 1.10}\n',
  ['5:21', 'invalid-value', /Quote it: '1\.10'/],
);
test(
  'an unquoted boolean as an annotation',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  annotations:\n    heddle/adopt: true\n',
  ['6:19', 'invalid-value', /Quote it: 'true'/],
);
test(
  'a quote in a label value',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {a: "it\'s"}\n',
  ['5:15', 'invalid-value', /without quotes/],
);
test(
  'a label key with a colon',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {"a:b": c}\n',
  ['5:12', 'invalid-value', /cannot have the key a:b/],
);
test('a list that is empty without brackets', finds, doc('Profile', 'p', '\n  ingress:'), [
  '5:11',
  'invalid-value',
  /\[\] for an empty list/,
]);
test('a scalar where a list is expected', finds, doc('Profile', 'p', '\n  tags: web'), [
  '5:9',
  'invalid-value',
  /after a dash/,
]);
test('a quoted boolean', finds, doc('IPPool', 'p', "{cidr: 10.0.0.0/8, disabled: 'no'}"), [
  '4:36',
  'invalid-value',
  /true or false/,
]);
test('an item twice', finds, doc('Profile', 'p', '{tags: [a, b, a]}'), [
  '4:14',
  'invalid-value',
  /lists a twice/,
]);
test('a choice with a slip', finds, profile('    - action: allow\n'), [
  '6:15',
  'invalid-value',
  /Did you mean Allow/,
]);
test('a protocol in lower case', finds, profile('    - {action: Deny, protocol: tcp}\n'), [
  '6:32',
  'invalid-value',
  /Did you mean TCP/,
]);
test('a protocol number that does not exist', finds, profile('    - {action: Deny, protocol: 256}\n'), [
  '6:32',
  'invalid-value',
  /255/,
]);
test(
  'a plain password, which is not shown',
  finds,
  doc('BGPConfiguration', 'default', '\n  nodeMeshPassword: hunter2'),
  ['5:21', 'invalid-value', /\{file: NAME\}/],
);
test(
  'a secret that leads out of its folder',
  finds,
  doc('BGPConfiguration', 'default', '\n  nodeMeshPassword: {file: ../shadow}'),
  ['5:28', 'invalid-value', /below the secrets directory|nodeMeshPassword\.file/],
);
test(
  'two ways to say who',
  finds,
  doc('ConnectivityTest', 't', '{from: {outside: true, node: n}, to: {}, expect: Deny}'),
  ['4:8', 'invalid-value', /outside and node.*exactly one/],
  ['4:40', 'invalid-value', /no field.*exactly one/],
);

// --- formats ---
const pool = (cidr: string): string => doc('IPPool', 'p', `{cidr: "${cidr}"}`);
test('host bits, with the masked form', finds, pool('10.0.0.1/24'), [
  '4:14',
  'invalid-value',
  /Write 10\.0\.0\.0\/24/,
]);
test('a network without length', finds, pool('10.0.0.0'), ['4:14', 'invalid-value', /Write 10\.0\.0\.0\/32/]);
test('a network of nobody', finds, pool('10.0.0/8'), ['4:14', 'invalid-value', /not a network/]);
const endpoint = (spec: string): string => node('n1') + doc('WorkloadEndpoint', 'w', `{node: n1, ${spec}}`);
test('a network where an address is meant', finds, endpoint('ipNetworks: [10.0.0.7/24]'), [
  '9:31',
  'invalid-value',
  /Write 10\.0\.0\.7\/32/,
]);
test('an octet that begins with 0', finds, endpoint('ipNetworks: [10.0.0.07]'), [
  '9:31',
  'invalid-value',
  /Write 10\.0\.0\.7;?/,
]);
test('a zone', finds, endpoint('ipNetworks: ["fe80::1%eth0"]'), ['9:31', 'invalid-value', /Write fe80::1/]);
test('a multicast hardware address', finds, endpoint('mac: "01:00:5e:00:00:01"'), [
  '9:23',
  'invalid-value',
  /unicast/,
]);
test('a hardware address with dashes', finds, endpoint('mac: AA-BB-CC-00-00-01'), [
  '9:23',
  'invalid-value',
  /Write aa:bb:cc:00:00:01/,
]);
test('an interface name of 16 characters', finds, endpoint(`interfaceName: cali${'0'.repeat(12)}`), [
  '9:33',
  'invalid-value',
  /15/,
]);
test('an address where one with length is meant', finds, node('n', '{bgp: {ipv4Address: 10.0.0.1}}'), [
  '4:27',
  'invalid-value',
  /10\.0\.0\.1\/24/,
]);
test('the other family', finds, node('n', '{bgp: {ipv4Address: "fd00::1/64"}}'), [
  '4:27',
  'invalid-value',
  /IPv4/,
]);
test(
  'a selector that does not parse, with the caret inside it',
  finds,
  profile('    - {action: Deny, source: {selector: "role == db"}}\n'),
  ['6:50', 'invalid-value', /column 9.*'db'/],
);
test('port 0', finds, profile('    - {action: Deny, protocol: TCP, destination: {ports: [0]}}\n'), [
  '6:59',
  'invalid-value',
  /1 to 65535/,
]);
test(
  'ports with a dash',
  finds,
  profile('    - {action: Deny, protocol: TCP, destination: {ports: [1-2]}}\n'),
  ['6:59', 'invalid-value', /'1:2'/],
);
test(
  'ports backwards',
  finds,
  profile('    - {action: Deny, protocol: TCP, destination: {ports: ["9:1"]}}\n'),
  ['6:59', 'invalid-value', /'1:9'/],
);
test('a named port', finds, profile('    - {action: Deny, protocol: TCP, destination: {ports: [http]}}\n'), [
  '6:59',
  'invalid-value',
  /number/,
]);

// --- files ---
test('a file that is not UTF-8', (t) => {
  const [fault] = faultsOf({ 'a.yaml': new Uint8Array([0x61, 0xff, 0x3a]) });
  t.like(fault, { code: 'unreadable-file', origin: { file: 'a.yaml', line: 1, col: 1 } });
});

test('a file in UTF-16 is told so', (t) => {
  const [fault] = faultsOf({ 'a.yaml': new Uint8Array(Buffer.from('\ufeffa: 1', 'utf16le')) });
  t.regex(String(fault?.message), /UTF-16/);
});

test('a control character is found in its line', finds, 'a: 1\nb: "x\u0007"\n', [
  '2:6',
  'unreadable-file',
  /U\+0007/,
]);

test('a pattern that .heddleignore does not know is an error in that file', (t) => {
  const [fault] = faultsOf({ '.heddleignore': 'a.yaml\n!b.yaml\n', 'n.yaml': node('n') });
  t.like(fault, {
    code: 'invalid-value',
    origin: { file: '.heddleignore', line: 2, col: 1 },
    value: '!b.yaml',
  });
});

test('faults of all files come at once, in the order of files and lines', (t) => {
  const found = faultsOf({ 'b.yaml': 'x: 1\n---\ny: 1\n', 'a.yaml': 'z: "\n', 'c.yml': node('n', '{a: 1}') });
  t.deepEqual(
    found.map(({ origin }) => `${origin.file}:${origin.line}`),
    ['a.yaml:2', 'b.yaml:1', 'b.yaml:3', 'c.yml:4'],
  );
});

test('more than 100 faults in one file are 100 and one that says so', (t) => {
  const found = faultsOf({ 'a.yaml': 'x: 1\n---\n'.repeat(150) });
  t.is(found.length, 101);
  t.true(found.some(({ code, message }) => code === 'yaml-limit' && message.includes('100')));
});

test('a secret appears neither in value, message nor frame', (t) => {
  const text = doc('BGPPeer', 'p', '\n  peerip: 10.0.0.1\n  password: hunter2\n  pasword: "hunter2"');
  const found = faultsOf({ 'a.yaml': text });
  t.true(found.length >= 3);
  t.notRegex(JSON.stringify(found), /hunter2/);
});
