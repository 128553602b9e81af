/**
 * Law 8: a reader gets every fault of a commit in one round, whatever stage finds it, and no fault that only follows
 * from another.
 */
import test from 'ava';
import { doc, faultsOf, finds, node, profile } from '../helpers/loader-faults.js';

test(
  'faults of form, of meaning and of reference in three documents, all in one round',
  finds,
  `apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: {name: w1}
spec:
  node: host-9
  mac: zz
  ipNetworks: [224.0.0.1]
---
apiVersion: heddle/v1
kind: GlobalNetworkPolicy
metadata: {name: p1}
spec:
  tier: frist
  ordr: 10
  ingress:
    - {action: Allow, destination: {ports: [80]}}
---
apiVersion: heddle/v1
kind: Profile
metadata: {name: web}
spec:
  egres:
    - {action: Allow, destination: {prots: [80]}}
---
apiVersion: heddle/v1
kind: Tier
metadata: {name: first}
`,
  ['5:9', 'dangling-reference', /no Node host-9/],
  ['6:8', 'invalid-value', /spec\.mac/],
  ['7:16', 'invalid-value', /224\.0\.0\.1 is a multicast address/],
  ['13:9', 'dangling-reference', /no Tier frist; Did you mean first/],
  ['14:3', 'unknown-field', /Did you mean order/],
  ['16:37', 'invalid-value', /needs a protocol that has ports/],
  ['22:3', 'unknown-field', /Did you mean egress/],
  ['23:37', 'unknown-field', /Did you mean ports/],
  ['23:37', 'invalid-value', /needs a protocol that has ports/],
);

// --- nothing is concluded from a field that is itself at fault ---
test(
  'a protocol with a slip in its name or in its key is not called missing',
  finds,
  profile(
    '    - {action: Allow, protocl: TCP, destination: {ports: [80]}}\n' +
      '    - {action: Allow, protocol: TPC, destination: {ports: [80]}}\n' +
      '    - {action: Alow, destination: {ports: [80]}}\n',
  ),
  ['6:23', 'unknown-field', /Did you mean protocol/],
  ['7:33', 'invalid-value', /Did you mean TCP/],
  ['8:16', 'invalid-value', /Did you mean Allow/],
  ['8:36', 'invalid-value', /needs a protocol that has ports/],
);
test(
  'a network of the other family beside one that is none',
  finds,
  profile(
    '    - {action: Allow, source: {nets: [10.0.0.1/8, "fd00::/8"]}, destination: {nets: [10.0.0.0/8]}}\n',
  ),
  ['6:39', 'invalid-value', /host bits/],
);
test(
  "addresses and ids that could not be read are nobody else's",
  finds,
  `${node('n1')}${[1, 2].map((n) => doc('WorkloadEndpoint', `w${n}`, '{node: 1, ipNetworks: [x], workload: w, mac: zz}')).join('')}`,
  ['9:14', 'invalid-value', /Quote it: '1'/],
  ['9:30', 'invalid-value', /not an address/],
  ['9:52', 'invalid-value', /hardware/],
  ['14:14', 'invalid-value', /Quote it: '1'/],
  ['14:30', 'invalid-value', /not an address/],
  ['14:52', 'invalid-value', /hardware/],
);
test(
  'pools that could not be read neither overlap nor leave addresses outside',
  finds,
  `${node('n1')}${['a', 'b'].map((name) => doc('IPPool', name, '{cidr: 10.0.0.1/8, blockSize: 21}')).join('')}${doc('WorkloadEndpoint', 'w', '{node: n1, ipNetworks: [10.0.0.9]}')}`,
  ['9:14', 'invalid-value', /host bits/],
  ['14:14', 'invalid-value', /host bits/],
);

test(
  'a field that is missing because its name has a slip is one mistake',
  finds,
  `${node('n1')}apiversion: heddle/v1\nKind: WorkloadEndpoint\nmetadata: {name: w}\nspec: {nod: n1}\n`,
  ['6:1', 'unknown-field', /Did you mean apiVersion/],
  ['7:1', 'unknown-field', /Did you mean kind/],
  ['9:8', 'unknown-field', /Did you mean node/],
);
test(
  'endpoints with the same ids are told of the ids, not of the interface that is made from them',
  finds,
  `${node('n1')}${['a', 'b'].map((name) => doc('WorkloadEndpoint', name, '{node: n1, workload: w}')).join('')}`,
  ['13:18', 'conflicting-resources', /the ids n1\/heddle\/w\/eth0/],
);
test(
  'a merge key is told, and not what stands behind it',
  finds,
  'a: &a {b: 1}\n---\nc: {<<: *a}\n',
  ['1:1', 'yaml-document', /neither apiVersion nor kind/],
  ['3:5', 'yaml-document', /merge/],
);

// --- what a document says beside its faults ---
test(
  'the version of nobody, and what is wrong inside',
  finds,
  doc('Tier', 't', '{ordr: 1}', 'heddle/v2'),
  ['1:13', 'unknown-api-version', /heddle\/v1/],
  ['4:8', 'unknown-field', /order/],
);
test(
  'a kind that is not supported yet, and what is wrong inside',
  finds,
  `${node('n1')}${doc('HostEndpoint', 'h', '{node: n2, interfaceNam: eth0}')}`,
  ['7:7', 'not-supported-yet', /HostEndpoint/],
  ['9:14', 'dangling-reference', /no Node n2; Did you mean n1/],
  ['9:18', 'unknown-field', /interfaceName/],
);
test(
  'a resource with a fault keeps its name: a second one is a duplicate',
  finds,
  `${node('n1', '{bgpp: {}}')}${node('n1')}`,
  ['4:8', 'unknown-field', /bgp/],
  ['8:18', 'duplicate-resource', /first in net\.yaml:1/],
);
test(
  'conflicts of sound resources are told although another file has faults',
  finds,
  `${node('n1', '{bgp: {ipv4Address: 10.0.0.1/24}}')}${node('n2', '{bgp: {ipv4Address: 10.0.0.1/24}}')}${node('n3', '{bgp: 1}')}`,
  ['9:27', 'conflicting-resources', /already that of Node\/n1/],
  ['14:13', 'invalid-value', /a map/],
);

test('a name in a file that is not UTF-8 is not called missing', (t) => {
  const codes = (name: string): string[] =>
    faultsOf({
      'a.yaml': new Uint8Array(Buffer.from(`\ufeff${node('n1')}`, 'utf16le')),
      'b.yaml': doc('WorkloadEndpoint', 'w', `{node: ${name}}`),
    }).map(({ code }) => code);
  t.deepEqual(codes('n1'), ['unreadable-file']);
  t.deepEqual(codes('n2'), ['unreadable-file', 'dangling-reference']);
});

/** A network in which everything refers to something else. */
const SOUND = [
  ['Node', 'n1', { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64512 } }],
  ['IPPool', 'pool', { cidr: '192.168.0.0/16', blockSize: 26, natOutgoing: true }],
  ['AgentConfiguration', 'node.n1', { interfacePrefix: 'tap' }],
  ['Profile', 'web', { tags: ['web'], ingress: [{ action: 'Allow', source: { tag: 'web' } }] }],
  [
    'WorkloadEndpoint',
    'w1',
    { node: 'n1', ipNetworks: ['192.168.0.1'], profiles: ['web'], interfaceName: 'tap1' },
  ],
  [
    'WorkloadEndpoint',
    'w2',
    { node: 'n1', ipNetworks: ['192.168.0.2'], profiles: ['web'], workload: 'other' },
  ],
  ['Tier', 'first', { order: 1 }],
  [
    'GlobalNetworkPolicy',
    'p1',
    {
      tier: 'first',
      selector: "app == 'web'",
      types: ['Ingress'],
      ingress: [
        {
          action: 'Allow',
          protocol: 'TCP',
          ipVersion: 4,
          source: { nets: ['10.0.0.0/8', '11.0.0.0/8'] },
          destination: { nets: ['192.168.0.0/16'], ports: [80, '90:99'] },
        },
        { action: 'Deny', protocol: 'ICMP', icmp: { type: 8, code: 0 } },
      ],
    },
  ],
  [
    'BGPFilter',
    'f1',
    {
      importV4: [
        { action: 'Accept', cidr: '10.0.0.0/8', matchOperator: 'In', prefixLength: { min: 9, max: 24 } },
      ],
    },
  ],
  ['BGPPeer', 'b1', { node: 'n1', peerIP: '10.0.0.9', asNumber: 65001, filters: ['f1'] }],
  [
    'ConnectivityTest',
    't1',
    { from: { endpoint: 'w1' }, to: { endpoint: 'w2' }, protocol: 'TCP', ports: [80], expect: 'Deny' },
  ],
].map(([kind, name, spec]) => ({ apiVersion: 'heddle/v1', kind, metadata: { name }, spec }));

test('one spoiled field is one fault, at that field, and nothing follows from it', (t) => {
  const texts = (documents: readonly unknown[]) =>
    Object.fromEntries(documents.map((document, index) => [`${index}.yaml`, JSON.stringify(document)]));
  const errorsOf = (documents: readonly unknown[]) =>
    faultsOf(texts(documents)).filter(({ severity }) => severity === 'error');
  t.deepEqual(errorsOf(SOUND), []);
  for (const [index, document] of SOUND.entries())
    for (const path of leavesOf(document)) {
      const spoiled = structuredClone(SOUND);
      const holder = path
        .slice(0, -1)
        .reduce<object>((value, step) => Reflect.get(value, step), spoiled[index] ?? {});
      Reflect.set(holder, path.at(-1) ?? '', { spoiled: true });
      const found = errorsOf(spoiled).map(({ origin, path: at }) => `${origin.file} ${at}`);
      t.deepEqual(found, [`${index}.yaml /${path.join('/')}`], JSON.stringify(spoiled[index]));
    }
});

function leavesOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}
