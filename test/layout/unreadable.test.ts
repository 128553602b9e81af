/** One bad value takes along no more than it must, and what is left of the object opens nothing (law 5). */
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import { LayoutError } from '../../src/layout/layout.js';
import type { Resource } from '../../src/model/resource.js';
import type { StoreKey } from '../../src/model/store.js';

const layout = createLayout();

/** The error of an object with these values, and what it brings along. */
function failure(values: Readonly<Record<string, string>>): LayoutError {
  const entries = new Map(
    Object.entries(values).map(([path, value]) => [`/calico${path}` as StoreKey, value]),
  );
  const [key] = entries.keys();
  const owner = key && layout.identify(key);
  if (owner?.type !== 'resource') throw new TypeError(`${key} is not a key of a resource`);
  try {
    layout.decode(owner.id, entries);
  } catch (error) {
    if (error instanceof LayoutError) return error;
    throw error;
  }
  throw new TypeError('all of it can be read');
}

const keeps = test.macro({
  title: (what) => `of ${what}`,
  exec(t, values: Readonly<Record<string, string>>, message: RegExp, rest: Partial<Resource> | undefined) {
    const error = failure(values);
    t.regex(error.message, message);
    if (rest === undefined) t.is(error.rest, undefined);
    else t.like(error.rest, rest);
  },
});

const POLICY = '/v1/policy/tier/default/policy/p';
const policy = (value: object): Record<string, string> => ({ [POLICY]: JSON.stringify(value) });
const DENY = [{ action: 'Deny' }];
const CLOSED = { ingress: DENY, egress: DENY, order: -Number.MAX_VALUE };

test(
  'a policy with a rule that cannot be read all stays, and that rule denies whatever reaches it',
  keeps,
  policy({
    selector: "role == 'db'",
    order: 5,
    types: ['ingress'],
    inbound_rules: [{ action: 'allow', protocol: 'tcp' }, { action: 'deny', foo: 1 }, { action: 'allow' }],
  }),
  /inbound_rules\[1\]\.foo: unknown here/,
  {
    spec: {
      tier: 'default',
      order: 5,
      selector: "role == 'db'",
      types: ['Ingress'],
      ingress: [{ action: 'Allow', protocol: 'TCP' }, { action: 'Deny' }, { action: 'Allow' }],
      egress: [],
      doNotTrack: false,
      preDNAT: false,
      applyOnForward: false,
    },
  } as Partial<Resource>,
);
test(
  'a policy without a readable order all is denied that its selector picks, first in its tier',
  keeps,
  policy({
    selector: "role == 'db'",
    order: 'five',
    types: ['ingress'],
    inbound_rules: [{ action: 'allow' }],
  }),
  /order: expected a number/,
  { spec: { ...CLOSED, selector: "role == 'db'", types: ['Ingress'] } } as Partial<Resource>,
);
test(
  'a policy without a readable selector everybody is denied',
  keeps,
  policy({ selector: 'role ==', order: 5, outbound_rules: [{ action: 'allow' }] }),
  /selector: expected a selector/,
  { spec: { ...CLOSED, selector: 'all()', types: ['Ingress', 'Egress'] } } as Partial<Resource>,
);
test(
  'a policy whose rules are no list all is denied that its selector picks',
  keeps,
  policy({ selector: "role == 'db'", inbound_rules: 'allow' }),
  /inbound_rules: expected a list/,
  { spec: { ...CLOSED, selector: "role == 'db'" } } as Partial<Resource>,
);
for (const text of ['{', '[]', '1'])
  test(
    `a policy whose value is ${text} everybody is denied`,
    keeps,
    { [POLICY]: text },
    /not JSON|expected an object/,
    { spec: { ...CLOSED, selector: 'all()' } } as Partial<Resource>,
  );

test(
  'a tier whose order cannot be read nothing stays: its policies close',
  keeps,
  { '/v1/policy/tier/sec/metadata': '{"order":"five"}' },
  /order: expected a number/,
  undefined,
);
test(
  'a tier whose end cannot be read the place stays, and it denies',
  keeps,
  { '/v1/policy/tier/sec/metadata': '{"order":5,"default_action":"maybe"}' },
  /default_action: expected one of Deny, Pass/,
  { spec: { order: 5, defaultAction: 'Deny' } } as Partial<Resource>,
);
test(
  'a network set what is a network stays, and what is a label',
  keeps,
  {
    '/v1/netset/bad':
      '{"nets":["203.0.113.0/24","10.0.0.0/33","2001:db8::/32"],"labels":{"list":"bad","n":1}}',
  },
  /nets\[1\]: expected a network.*; .*labels\.n: expected a string/,
  {
    metadata: { name: 'bad', labels: { list: 'bad' }, annotations: {} },
    spec: { nets: ['203.0.113.0/24', '2001:db8::/32'] },
  } as Partial<Resource>,
);
test(
  'a BGPConfiguration every other value stays, of every key',
  keeps,
  {
    '/bgp/v1/global/as_num': '65001',
    '/bgp/v1/global/node_mesh': '{"enabled":false}',
    '/bgp/v1/global/loglevel': 'warning',
    '/heddle/v1/resources/bgpconfigurations/default':
      '{"spec":{"listenPort":1179,"bindMode":"Everywhere","new":1}}',
  },
  /spec\.bindMode: expected one of .*; .*spec\.new: unknown here.*; .*loglevel: expected debug, info or none/,
  { spec: { asNumber: 65001, nodeToNodeMeshEnabled: false, listenPort: 1179 } } as Partial<Resource>,
);
test(
  'a Node every other value stays',
  keeps,
  {
    '/v1/host/h1/metadata': '{"labels":{"zone":"a","rack":7},"vxlan_tunnel_mac_addr":"x"}',
    '/bgp/v1/host/h1/ip_addr_v4': '10.0.0.1',
    '/bgp/v1/host/h1/network_v4': '10.0.0.1/24',
    '/bgp/v1/host/h1/as_num': 'many',
  },
  /labels\.rack.*; .*vxlan_tunnel_mac_addr.*; .*network_v4: expected a network.*; .*as_num: expected an AS number/,
  {
    metadata: { name: 'h1', labels: { zone: 'a' }, annotations: {} },
    spec: { bgp: { ipv4Address: '10.0.0.1/32' } },
  } as Partial<Resource>,
);
test(
  'a profile nothing stays: who names it is denied',
  keeps,
  { '/v1/policy/profile/web/rules': '{"inbound_rules":[{"action":"allow","foo":1}]}' },
  /foo: unknown here/,
  undefined,
);
