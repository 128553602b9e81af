/**
 * What Calico exports is taken over with every decision in it and without what a server added; what cannot be
 * is told by its place (law 8). Exports by example.
 */
import test from 'ava';
import { parse } from 'yaml';
import { importCalico } from '../../src/loader/calico-export.js';
import { loadManifests } from '../../src/loader/load.js';
import { sourceFiles } from '../helpers/source-files.js';

const imported = (text: string) => {
  const [file] = sourceFiles({ 'export.yaml': text });
  if (!file) throw new TypeError('No file');
  return importCalico(file);
};

/** In the form of Calico's documents: a typed list, with what the server has added. No calicoctl was asked. */
const POOLS = `apiVersion: projectcalico.org/v3
items:
- apiVersion: projectcalico.org/v3
  kind: IPPool
  metadata:
    creationTimestamp: "2024-02-11T09:12:33Z"
    name: default-ipv4-ippool
    resourceVersion: "1187"
    uid: 3dd5cb2d-1a31-4f67-9dbc-7d4d2a2b8a21
  spec:
    allowedUses: [Workload, Tunnel]
    assignmentMode: Automatic
    blockSize: 26
    cidr: 192.168.0.0/16
    ipipMode: Always
    natOutgoing: true
    nodeSelector: all()
    vxlanMode: Never
kind: IPPoolList
metadata:
  resourceVersion: "87213"
`;

test('a list becomes a manifest an object, without what the server wrote, and loads as it is', (t) => {
  const { manifests, leftOut, errors } = imported(POOLS);
  t.deepEqual([leftOut, errors], [[], []]);
  t.deepEqual(
    manifests.map(({ id, path }) => [id, path]),
    [['IPPool/default-ipv4-ippool', 'ippools/default-ipv4-ippool.yaml']],
  );
  t.deepEqual(parse(manifests[0]?.text ?? ''), {
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPPool',
    metadata: { name: 'default-ipv4-ippool' },
    spec: {
      blockSize: 26,
      cidr: '192.168.0.0/16',
      ipipMode: 'Always',
      natOutgoing: true,
      nodeSelector: 'all()',
      vxlanMode: 'Never',
    },
  });
  const files = sourceFiles(Object.fromEntries(manifests.map(({ path, text }) => [path, text])));
  t.deepEqual(loadManifests(files).diagnostics, []);
});

test('items of kubectl (List), of a typed list without kinds, and documents by themselves', (t) => {
  const { manifests, errors } = imported(`kind: List
apiVersion: v1
items:
- {apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: a}, spec: {order: 1}}
---
kind: TierList
apiVersion: projectcalico.org/v3
items: [{metadata: {name: b}, spec: {order: 2}}]
---
{"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": "c"}, "spec": {"order": 3}}
`);
  t.deepEqual(errors, []);
  t.deepEqual(
    manifests.map(({ id }) => id),
    ['Tier/a', 'Tier/b', 'Tier/c'],
  );
});

test('what carries a decision stays, also where heddle has no such field', (t) => {
  const { manifests } = imported(`apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: default.web
  labels: {team: a}
  annotations: {why: x, projectcalico.org/metadata: '{}', kubectl.kubernetes.io/last-applied-configuration: '{}'}
spec: {serviceAccountSelector: role == 'web', types: [Ingress]}
`);
  t.deepEqual(parse(manifests[0]?.text ?? ''), {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'default.web', labels: { team: 'a' }, annotations: { why: 'x' } },
    spec: { serviceAccountSelector: "role == 'web'", types: ['Ingress'] },
  });
});

test('what a server fills in by default goes silently, and the rest loads', (t) => {
  const { manifests, leftOut, errors } = imported(`apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec: {performanceHints: [], serviceAccountSelector: "", namespaceSelector: "", types: [], ingress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: {name: default}
spec: {bpfConnectTimeLoadBalancing: TCP, bpfHostNetworkedNATWithoutCTLB: Enabled, bpfLogLevel: "", floatingIPs: Disabled,
  nftablesMode: Auto, logSeverityScreen: Info, reportingInterval: 0s, interfacePrefix: tap}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: p}
spec: {cidr: 10.0.0.0/16, allowedUses: [Tunnel, Workload], assignmentMode: Automatic}
`);
  t.deepEqual([leftOut, errors], [[], []]);
  const files = sourceFiles(Object.fromEntries(manifests.map(({ path, text }) => [path, text])));
  t.deepEqual(
    loadManifests(files).diagnostics.map(({ message }) => message),
    [],
  );
});

test('a choice about what heddle does not do goes with a word, and one about what may pass stays', (t) => {
  const { manifests, leftOut } = imported(`apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: p}
spec: {cidr: 10.0.0.0/16, allowedUses: [Tunnel], assignmentMode: Manual, namespaceSelector: all()}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec: {performanceHints: [AssumeNeededOnEveryNode], namespaceSelector: all()}
`);
  t.deepEqual(
    leftOut.map(({ id }) => id),
    [
      'IPPool/p spec.allowedUses',
      'IPPool/p spec.assignmentMode',
      'GlobalNetworkPolicy/web spec.performanceHints',
    ],
  );
  t.regex(leftOut[1]?.reason ?? '', /no addresses; it was "Manual"$/);
  t.deepEqual(
    manifests.map(({ text }) => parse(text).spec),
    [{ cidr: '10.0.0.0/16', namespaceSelector: 'all()' }, { namespaceSelector: 'all()' }],
  );
});

test('FelixConfiguration is AgentConfiguration here', (t) => {
  const { manifests, errors } = imported(
    'apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {bpfLogLevel: "", interfacePrefix: tap}\n',
  );
  t.deepEqual(errors, []);
  t.is(manifests[0]?.path, 'agentconfigurations/default.yaml');
  t.deepEqual(parse(manifests[0]?.text ?? ''), {
    apiVersion: 'heddle/v1',
    kind: 'AgentConfiguration',
    metadata: { name: 'default' },
    spec: { interfacePrefix: 'tap' },
  });
});

for (const [what, document] of [
  ['what Calico says of itself', 'kind: ClusterInformation\nmetadata: {name: default}'],
  ['addresses that are given out', 'kind: IPAMBlock\nmetadata: {name: 10-0-0-0-26}'],
  ['a policy that is not in force', 'kind: StagedGlobalNetworkPolicy\nmetadata: {name: next}'],
  ['a pod', 'kind: WorkloadEndpoint\nmetadata: {name: n1-k8s-web-eth0}\nspec: {orchestrator: k8s}'],
] as const) {
  test(`left out, with a word: ${what}`, (t) => {
    const { manifests, leftOut, errors } = imported(`apiVersion: projectcalico.org/v3\n${document}\n`);
    t.deepEqual([manifests, errors], [[], []]);
    t.is(leftOut.length, 1);
    t.regex(leftOut[0]?.id ?? '', /^\w+\/[\w-]+$/);
    t.not(leftOut[0]?.reason, '');
  });
}

test('an endpoint that somebody wrote is taken over, without the ids of its container', (t) => {
  const { manifests } = imported(
    'apiVersion: projectcalico.org/v3\nkind: WorkloadEndpoint\nmetadata: {name: vm, namespace: default}\nspec: {orchestrator: mine, node: n1, containerID: x, ipNetworks: [10.0.0.1/32]}\n',
  );
  const { metadata, spec } = parse(manifests[0]?.text ?? '');
  t.deepEqual(metadata, { name: 'vm' });
  t.deepEqual(spec, { orchestrator: 'mine', node: 'n1', ipNetworks: ['10.0.0.1/32'] });
});

for (const [what, text, place, words] of [
  [
    'a word that every object of JavaScript has',
    'apiVersion: projectcalico.org/v3\nkind: constructor\nmetadata: {name: x}',
    '2:7',
    /no kind constructor/,
  ],
  [
    'a namespaced policy',
    'apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: x}',
    '2:7',
    /GlobalNetworkPolicy/,
  ],
  ['a version before v3', 'apiVersion: v1\nkind: Profile\nmetadata: {name: x}', '1:13', /calicoctl convert/],
  [
    'the objects behind the API server',
    'apiVersion: crd.projectcalico.org/v1\nkind: Tier\nmetadata: {name: x}',
    '1:13',
    /calicoctl get/,
  ],
  [
    'a name that leads elsewhere',
    'apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: ../../x}',
    '3:18',
    /letters, digits/,
  ],
  [
    'an item of a list',
    'apiVersion: projectcalico.org/v3\nkind: TierList\nitems:\n- metadata: {name: a}\n- kind: Teir\n  metadata: {name: b}',
    '5:9',
    /Did you mean Tier/,
  ],
  ['no YAML', 'kind: [', '2:1', /./],
] as const) {
  test(`an error of the whole import: ${what}`, (t) => {
    const { errors } = imported(`${text}\n`);
    t.deepEqual(
      errors.map(({ origin }) => `${origin.line}:${origin.col}`),
      [place],
      errors.map(({ message }) => message).join('\n'),
    );
    t.regex(`${errors[0]?.message}; ${errors[0]?.hint}`, words);
  });
}
