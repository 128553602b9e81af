/**
 * Each resource has its keys in etcd, and two that would be one object there are told with both places
 * (law 8). By example, with the real layout.
 */
import test from 'ava';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { parseAddress, parseCidr } from '../../src/model/address.js';
import { idOf, type Kind, type Resource, resourceId, type SpecOf } from '../../src/model/resource.js';

const layout = createLayout();

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('Not given');
  return value;
}

let line = 0;
function resource<K extends Kind>(kind: K, name: string, spec: SpecOf<K>): Resource {
  line += 10;
  const metadata = { name, labels: {}, annotations: {} };
  return { kind, metadata, spec, origin: { file: `${name}.yaml`, line, col: 1 } } as Resource;
}

function compile(...resources: Resource[]) {
  return compileState(new Map(resources.map((each) => [idOf(each), each])), layout);
}

function pool(name: string, cidr: string): Resource {
  return resource('IPPool', name, {
    cidr: given(parseCidr(cidr)),
    natOutgoing: false,
    disabled: false,
    ipipMode: 'Never',
    vxlanMode: 'Never',
    disableBGPExport: false,
  });
}

function endpoint(name: string, net: string): Resource {
  return resource('WorkloadEndpoint', name, {
    node: 'host-1',
    orchestrator: 'heddle',
    workload: name,
    endpoint: 'eth0',
    ipNetworks: [given(parseCidr(net))],
    ipNATs: [],
    profiles: [],
    state: 'active',
  });
}

test('compileState() gives each object its id in the store and its keys, sorted', (t) => {
  const { objects, diagnostics } = compile(pool('p', '192.168.0.0/16'), endpoint('w1', '192.168.1.1/32'));
  t.deepEqual(diagnostics, []);
  const compiled = given(objects.get(resourceId('WorkloadEndpoint', 'w1')));
  t.is(String(compiled.storedId), 'WorkloadEndpoint/host-1/heddle/w1/eth0');
  t.deepEqual(
    compiled.entries.map(({ key }) => String(key)),
    [
      '/calico/v1/host/host-1/workload/heddle/w1/endpoint/eth0',
      '/calico/v1/ipam/v4/assignment/192.168.0.0-16/192.168.1.1',
    ],
  );
});

test('compileState() refuses a resource that nobody would find again under its keys, in place of leaving it out', (t) => {
  const lost = pool('lost', '10.1.0.0/16');
  const identify: typeof layout.identify = (key) =>
    key.includes('10.1.0.0') ? { type: 'foreign' } : layout.identify(key);
  const resources = [lost, pool('found', '10.0.0.0/16')].map((each) => [idOf(each), each] as const);
  const { objects, diagnostics } = compileState(new Map(resources), { ...layout, identify });
  t.deepEqual([...objects.keys()], [resourceId('IPPool', 'found')]);
  t.like(diagnostics, [
    { severity: 'error', code: 'invalid-value', origin: lost.origin, path: '/metadata/name', value: 'lost' },
  ]);
  t.regex(diagnostics[0]?.message ?? '', /\/calico\/v1\/ipam\/v4\/pool\/10\.1\.0\.0-16,/);
});

test('compileState() takes the assignment key in the narrowest pool, and none outside of pools', (t) => {
  const { objects } = compile(
    pool('wide', '10.0.0.0/8'),
    pool('narrow', '10.1.0.0/16'),
    endpoint('inside', '10.1.0.7/32'),
    endpoint('outside', '172.16.0.7/32'),
  );
  const keysOf = (name: string) =>
    given(objects.get(resourceId('WorkloadEndpoint', name))).entries.map(({ key }) => String(key));
  t.true(keysOf('inside').includes('/calico/v1/ipam/v4/assignment/10.1.0.0-16/10.1.0.7'));
  t.is(keysOf('inside').length, 2);
  t.is(keysOf('outside').length, 1);
});

test('compileState() names both places of two resources that are one object in etcd', (t) => {
  const [first, second] = [pool('a', '10.0.0.0/8'), pool('b', '10.0.0.0/8')];
  const { diagnostics } = compile(first, second);
  t.is(diagnostics.length, 1);
  t.like(diagnostics[0], { severity: 'error', code: 'conflicting-resources', origin: second.origin });
  t.regex(given(diagnostics[0]).message, new RegExp(`IPPool/b \\(b.yaml:${second.origin.line}\\)`));
  t.regex(given(diagnostics[0]).message, new RegExp(`IPPool/a \\(a.yaml:${first.origin.line}\\)`));
  t.regex(given(diagnostics[0]).message, /\/calico\/v1\/ipam\/v4\/pool\/10\.0\.0\.0-8/);
});

test('compileState() refuses one address for two endpoints, naming the address', (t) => {
  const { diagnostics } = compile(
    pool('p', '192.168.0.0/16'),
    endpoint('w1', '192.168.1.1/32'),
    endpoint('w2', '192.168.1.1/32'),
  );
  t.is(diagnostics.length, 1);
  t.like(diagnostics[0], { code: 'conflicting-resources', value: parseAddress('192.168.1.1') });
  t.regex(given(diagnostics[0]).message, /192\.168\.1\.1 .*WorkloadEndpoint\/w2 .*WorkloadEndpoint\/w1 /);
});

test('compileState() says once that two resources conflict, however many keys they share', (t) => {
  const reflector = (name: string) =>
    resource('RouteReflector', name, {
      ipv4Address: given(parseAddress('192.0.2.50')),
      ipv6Address: given(parseAddress('fd00::50')),
      clusterID: given(parseAddress('1.0.0.1')),
    });
  t.is(compile(reflector('rr-1'), reflector('rr-2')).diagnostics.length, 1);
});

test('compileState() refuses a configuration whose name is neither default nor node.NAME', (t) => {
  const { objects, diagnostics } = compile(resource('AgentConfiguration', 'host-1', { ipv6Support: false }));
  t.is(objects.size, 0);
  t.like(diagnostics[0], {
    code: 'invalid-value',
    path: '/metadata/name',
    hint: 'For the node host-1: node.host-1',
  });
});

test('compileState() leaves out what has no key: tests and empty configurations', (t) => {
  const { objects, diagnostics } = compile(
    resource('ConnectivityTest', 'c', { from: { outside: true }, to: { node: 'host-1' }, expect: 'Deny' }),
    resource('AgentConfiguration', 'default', {}),
    resource('BGPConfiguration', 'node.host-1', {}),
  );
  t.is(objects.size, 0);
  t.deepEqual(diagnostics, []);
});
