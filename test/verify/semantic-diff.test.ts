/**
 * Who gains and who loses what by a change, in words for groups, and nothing where nothing changes: a table
 * over four endpoints, read in both directions.
 */
import test from 'ava';
import type { Resource } from '../../src/model/resource.js';
import { networkFrom } from '../../src/verify/network.js';
import { formatConnectivity, summarizeConnectivity } from '../../src/verify/render/connectivity.js';
import { diffConnectivity } from '../../src/verify/semantic-diff.js';
import { cidr, policy, resource, selector, workload } from '../helpers/build-resources.js';
import { interfaceAddress, pool } from './build-network.js';

const WEB = selector("role == 'web'");
const DB = selector("role == 'db'");
const endpoint = (name: string, number: number, labels: Readonly<Record<string, string>>) =>
  workload(name, { addresses: [`10.0.0.${number}`, `fd00::${number}`], labels });
const ENDPOINTS: readonly Resource[] = [
  endpoint('web-1', 1, { role: 'web', env: 'prod' }),
  endpoint('web-2', 2, { role: 'web', env: 'test' }),
  endpoint('db-1', 3, { role: 'db', env: 'prod' }),
  endpoint('db-2', 4, { role: 'db', env: 'test' }),
];
const node = (name: string, address: string) =>
  resource('Node', name, { bgp: { ipv4Address: interfaceAddress(address) } });
const HOST = node('host-1', '192.0.2.1/24');
const action = (defaultEndpointToHostAction: 'Drop' | 'Return' | 'Accept') =>
  resource('AgentConfiguration', 'default', { defaultEndpointToHostAction });
type Rules = NonNullable<Parameters<typeof policy>[1]['ingress']>;
const guard = (ingress: Rules) => policy('db', { selector: DB, types: ['Ingress'], ingress });
const HTTP = { action: 'Allow', protocol: 'TCP', destination: { ports: [80] } } as const;

function diff(before: readonly Resource[], after: readonly Resource[]) {
  const { gained, lost } = diffConnectivity(
    networkFrom([...ENDPOINTS, ...before]),
    networkFrom([...ENDPOINTS, ...after]),
  );
  const text = ({ from, to, connections, families, pairs }: (typeof gained)[number]) =>
    `${from.text} -> ${to.text} ${connections.join(' ')} v${families.join('v')} x${pairs}`;
  return { gained: gained.map(text), lost: lost.map(text) };
}

const finds = test.macro({
  exec(t, before: readonly Resource[], after: readonly Resource[], gained: string[], lost: string[] = []) {
    t.deepEqual(diff(before, after), { gained, lost });
    t.deepEqual(diff(after, before), { gained: lost, lost: gained });
  },
  title: (title = '') => `diffConnectivity() ${title}`,
});

test(
  'names groups by a label that they alone have, and joins both IP versions',
  finds,
  [guard([])],
  [guard([{ ...HTTP, source: { selector: WEB } }])],
  ["role == 'web' -> role == 'db' tcp/80 v4v6 x4"],
);
test(
  'names one endpoint by its name, whatever labels picked it',
  finds,
  [guard([])],
  [guard([{ ...HTTP, source: { selector: selector("env == 'prod' && role == 'web'") } }])],
  ["web-1 -> role == 'db' tcp/80 v4v6 x2"],
);
test(
  'tells what workloads may send no longer when hosts begin to encapsulate, and of nobody else',
  finds,
  [HOST],
  [HOST, pool('four', '10.0.0.0/24', { vxlanMode: 'Always' })],
  [],
  ['all endpoints -> outside udp/4789 v4 x4'],
);
test(
  'calls everything that workloads may send all protocols, also while hosts encapsulate in one IP version',
  finds,
  [guard([]), pool('four', '10.0.0.0/24', { vxlanMode: 'Always' })],
  [
    guard([{ action: 'Allow', source: { selector: WEB } }]),
    pool('four', '10.0.0.0/24', { vxlanMode: 'Always' }),
  ],
  ["role == 'web' -> role == 'db' all protocols v4v6 x4"],
);
test(
  'puts what concerns outside first, and tells the rest of it apart',
  finds,
  [guard([{ action: 'Deny', source: { nets: [cidr('203.0.113.0/24')] } }])],
  [guard([{ action: 'Deny', source: { nets: [cidr('203.0.113.0/24')] } }, HTTP])],
  [
    "outside except 203.0.113.0/24 -> role == 'db' tcp/80 v4v6 x2",
    "all endpoints -> role == 'db' tcp/80 v4v6 x6",
  ],
);
test(
  'never says of both IP versions that all of outside may what in one of them only a network may',
  finds,
  [guard([])],
  [
    guard([
      { ...HTTP, source: { nets: [cidr('203.0.113.0/24')] } },
      { ...HTTP, ipVersion: 6, source: { notSelector: selector('all()') } },
    ]),
  ],
  ["203.0.113.0/24 -> role == 'db' tcp/80 v4 x2", "outside -> role == 'db' tcp/80 v6 x2"],
);
test(
  'joins ping of both IP versions',
  finds,
  [guard([])],
  [
    guard([
      { action: 'Allow', protocol: 'ICMP', source: { selector: WEB } },
      { action: 'Allow', protocol: 'ICMPv6', source: { selector: WEB } },
    ]),
  ],
  ["role == 'web' -> role == 'db' icmp icmpv6 v4v6 x4"],
);
test(
  'tells what a workload may say to its own host, where a setting of the host decides',
  finds,
  [HOST, action('Drop')],
  [HOST, action('Accept')],
  ['all endpoints -> their own hosts all protocols v4 x4'],
);
test(
  'tells what policy lets a workload say to its own host',
  finds,
  [HOST, action('Return')],
  [HOST, action('Return'), policy('web', { selector: WEB, types: ['Egress'], egress: [] })],
  [],
  ["role == 'web' -> outside all protocols v4v6 x2", "role == 'web' -> their own hosts all protocols v4 x2"],
);
test(
  'tells that a host which comes can be reached, and nothing of what it may reach',
  finds,
  [],
  [HOST, node('host-2', '192.0.2.2/24')],
  ['all endpoints -> host host-2 all protocols v4 x4'],
);
test(
  'joins ports that touch, and says what is missing of nearly everything',
  finds,
  [guard([])],
  [
    guard([
      { action: 'Deny', protocol: 'TCP', destination: { ports: [22] } },
      { action: 'Allow', source: { selector: WEB } },
    ]),
  ],
  ["role == 'web' -> role == 'db' all but tcp/22 v4v6 x4"],
);
test(
  'says in one what is missing of both families',
  finds,
  [guard([])],
  [
    guard([
      { action: 'Deny', protocol: 'ICMP' },
      { action: 'Deny', protocol: 'ICMPv6' },
      { action: 'Allow', source: { selector: WEB } },
    ]),
  ],
  ["role == 'web' -> role == 'db' all but icmp, icmpv6 v4v6 x4"],
);
test(
  'cuts port ranges where they overlap what was open already',
  finds,
  [
    guard([
      { action: 'Allow', protocol: 'TCP', source: { selector: WEB }, destination: { ports: ['90:95'] } },
    ]),
  ],
  [
    guard([
      { action: 'Allow', protocol: 'TCP', source: { selector: WEB }, destination: { ports: ['80:99'] } },
    ]),
  ],
  ["role == 'web' -> role == 'db' tcp/80-89 tcp/96-99 v4v6 x4"],
);
test(
  'says nothing of a change that means nothing',
  finds,
  [guard([HTTP])],
  [guard([HTTP, HTTP]), policy('other', { selector: selector("role == 'none'") })],
  [],
);
test('knows an endpoint with another address for the same', (t) => {
  const moved = workload('web-1', {
    addresses: ['10.0.0.9', 'fd00::9'],
    labels: { role: 'web', env: 'prod' },
  });
  const rules = [guard([{ ...HTTP, source: { selector: WEB } }])];
  const before = networkFrom([...ENDPOINTS, ...rules]);
  const after = networkFrom([moved, ...ENDPOINTS.slice(1), ...rules]);
  t.deepEqual(diffConnectivity(before, after), { gained: [], lost: [] });
});

test('an endpoint that comes gains what it may, and one that goes loses it', (t) => {
  const rules = guard([{ ...HTTP, source: { selector: WEB } }]);
  const web3 = endpoint('web-3', 5, { role: 'web' });
  const gained = diff([rules], [rules, web3]).gained;
  t.true(gained.includes("web-3 -> role == 'db' tcp/80 v4v6 x2"), gained.join('\n'));
  const { lost } = diffConnectivity(
    networkFrom([...ENDPOINTS, rules, web3]),
    networkFrom([...ENDPOINTS, rules]),
  );
  t.like(lost.find(({ to }) => to.text === "role == 'db'")?.sample, { src: 'web-3', verdict: 'allow' });
});

test('formatConnectivity() shows groups, a packet of each, and the rule that decides on it', (t) => {
  const before = networkFrom([...ENDPOINTS, guard([{ ...HTTP, source: { selector: WEB } }])]);
  const after = networkFrom([
    ...ENDPOINTS,
    guard([{ action: 'Deny', source: { selector: selector("env == 'test'") } }, HTTP]),
  ]);
  t.deepEqual(formatConnectivity(diffConnectivity(before, after)).split('\n'), [
    'Connectivity',
    '  with addresses outside',
    "  + outside -> role == 'db'  tcp/80  (2 pairs)",
    '        203.0.113.1 -> db-1 tcp/80 allow: tier default, policy db, ingress rule 2: Allow  GlobalNetworkPolicy.yaml:1',
    '  between endpoints and hosts',
    '  + db-1 -> db-2  tcp/80  (1 pair)',
    '        db-1 -> db-2 tcp/80 allow: tier default, policy db, ingress rule 2: Allow  GlobalNetworkPolicy.yaml:1',
    "  - web-2 -> role == 'db'  tcp/80  (2 pairs)",
    '        web-2 -> db-1 tcp/80 deny: tier default, policy db, ingress rule 1: Deny  GlobalNetworkPolicy.yaml:1',
    'connectivity: 2 opened (3 pairs, 2 of them with outside), 1 closed (2 pairs)',
    '',
  ]);
  t.is(formatConnectivity({ gained: [], lost: [] }), '');
  t.is(summarizeConnectivity({ gained: [], lost: [] }), 'connectivity: unchanged');
});
