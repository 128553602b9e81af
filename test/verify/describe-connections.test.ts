/** A set of connections in the words that people have for it, although other rules cut it finer: a table. */
import test from 'ava';
import { emptyBitset, fullBitset, subtractFrom, uniteWith } from '../../src/model/bitset.js';
import { ruleFromSpec } from '../../src/model/rule.js';
import type { RuleSpec } from '../../src/model/specs.generated.js';
import { connectionSpace } from '../../src/verify/classes/connection-space.js';
import { describeConnections } from '../../src/verify/describe-connections.js';

const rule = (spec: Omit<RuleSpec, 'action'>) => ruleFromSpec({ action: 'Allow', ...spec });

const describes = test.macro({
  exec(t, specs: readonly Omit<RuleSpec, 'action'>[], expected: readonly string[], family: 4 | 6 = 4) {
    const rules = specs.map(rule);
    // Other rules cut ports and types where these do not.
    const cuts = [
      rule({ protocol: 'TCP', destination: { ports: ['70:90', 443] } }),
      rule({ protocol: 'ICMP', icmp: { type: 13, code: 1 } }),
      rule({ protocol: 47 }),
    ];
    const space = connectionSpace(family, [...rules, ...cuts]);
    const all = emptyBitset(space.atoms.length);
    for (const one of rules) uniteWith(all, space.matchesOf(one));
    t.deepEqual(describeConnections(all, space), expected);
  },
  title: (title = '') => `describeConnections() writes ${title}`,
});

test('a port', describes, [{ protocol: 'TCP', destination: { ports: [80] } }], ['tcp/80']);
test(
  'ports that touch as a range',
  describes,
  [{ protocol: 'TCP', destination: { ports: [80, '81:100'] } }],
  ['tcp/80-100'],
);
test('all ports of a protocol as the protocol', describes, [{ protocol: 'UDP' }], ['udp']);
test(
  'a source port where it matters',
  describes,
  [{ protocol: 'UDP', source: { ports: [53] } }],
  ['udp from port 53'],
);
test(
  'source and destination ports',
  describes,
  [{ protocol: 'TCP', source: { ports: ['1024:65535'] }, destination: { ports: [22] } }],
  ['tcp/22 from port 1024-65535'],
);
test('a type of ICMP', describes, [{ protocol: 'ICMP', icmp: { type: 13 } }], ['icmp/13']);
test('a type and a code', describes, [{ protocol: 'ICMP', icmp: { type: 13, code: 1 } }], ['icmp/13/1']);
test('nothing of a type that begins no connection', describes, [{ protocol: 'ICMP', icmp: { type: 3 } }], []);
test(
  'the other codes of a type',
  describes,
  [{ protocol: 'ICMP', icmp: { type: 8 }, notICMP: { type: 8, code: 0 } }],
  ['icmp/8/other codes'],
);
test('a protocol by number', describes, [{ protocol: 47 }], ['protocol 47']);
test('everything', describes, [{}], ['all protocols']);
test('nearly everything by what is missing', describes, [{ notProtocol: 'TCP' }], ['all but tcp']);
test('everything of IPv6, though no workload may pose as a router', describes, [{}], ['all protocols'], 6);
test('ICMPv6 as a whole', describes, [{ protocol: 'ICMPv6' }], ['icmpv6'], 6);

const CLOSED = [
  rule({ protocol: 'UDP', destination: { ports: [4789] } }),
  rule({ protocol: 4 }),
  rule({ protocol: 'UDP', source: { ports: [53] } }),
];

const withoutClosed = test.macro({
  exec(t, spec: Omit<RuleSpec, 'action'>, ofWorkloads: readonly string[], ofAnybody: readonly string[]) {
    const wanted = rule(spec);
    const space = connectionSpace(
      4,
      [...CLOSED, wanted],
      ({ protocol, destination }) => protocol === 4 || (protocol === 17 && destination.port === 4789),
    );
    const open = space.matchesOf(wanted).slice();
    subtractFrom(open, space.closed);
    t.deepEqual(describeConnections(open, space, 'workloads'), ofWorkloads);
    t.deepEqual(describeConnections(open, space, 'anybody'), ofAnybody);
  },
  title: (title = '') => `describeConnections() writes ${title} without what no workload may send`,
});

test('everything', withoutClosed, {}, ['all protocols'], ['all but udp/4789, protocol 4']);
test('UDP', withoutClosed, { protocol: 'UDP' }, ['udp'], ['udp/1-4788', 'udp/4790-65535']);
test(
  'UDP from a port',
  withoutClosed,
  { protocol: 'UDP', source: { ports: [53] } },
  ['udp from port 53'],
  ['udp/1-4788 from port 53', 'udp/4790-65535 from port 53'],
);
test(
  'a range of ports',
  withoutClosed,
  { protocol: 'UDP', destination: { ports: ['4000:5000'] } },
  ['udp/4000-4788', 'udp/4790-5000'],
  ['udp/4000-4788', 'udp/4790-5000'],
);

test('describeConnections() writes nothing for nothing', (t) => {
  const space = connectionSpace(6, []);
  t.deepEqual(describeConnections(emptyBitset(space.atoms.length), space), []);
  t.deepEqual(describeConnections(fullBitset(space.atoms.length), space), ['all protocols']);
});
