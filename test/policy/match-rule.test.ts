/** When a rule is about a packet, condition by condition: a table, with negations and the other family. */
import test from 'ava';
import { ruleFromSpec } from '../../src/model/rule.js';
import { type Membership, matchesRule, type Packet } from '../../src/policy/match-rule.js';
import { address, cidr, selector } from '../helpers/build-resources.js';

const TCP: Packet = {
  family: 4,
  protocol: 6,
  source: { address: address('10.0.0.1'), port: 1024 },
  destination: { address: address('10.0.0.2'), port: 80 },
};
const TCP6: Packet = {
  family: 6,
  protocol: 6,
  source: { address: address('fd00::1'), port: 1024 },
  destination: { address: address('fd00::2'), port: 80 },
};
const { port: _source, ...pinger } = TCP.source;
const { port: _destination, ...pinged } = TCP.destination;
const PING: Packet = {
  family: 4,
  protocol: 1,
  source: pinger,
  destination: pinged,
  icmp: { type: 8, code: 0 },
};

/** 10.0.0.1 is a database with the tag db; nobody else is anything. */
const MEMBERSHIP: Membership = {
  inSelector: (who, text) => who === TCP.source.address && text.includes('db'),
  inTag: (who, tag) => who === TCP.source.address && tag === 'db',
};

type Spec = Omit<Parameters<typeof ruleFromSpec>[0], 'action'>;
const match = test.macro({
  exec(t, spec: Spec, packet: Packet, expected: boolean) {
    t.is(matchesRule(ruleFromSpec({ action: 'Allow', ...spec }), packet, MEMBERSHIP), expected);
  },
  title: (title = '', _spec, _packet, expected) =>
    `matchesRule() ${expected ? 'accepts' : 'refuses'} ${title}`,
});

test('anything when the rule has no condition', match, {}, TCP, true);
test('the protocol', match, { protocol: 'TCP' }, TCP, true);
test('another protocol', match, { protocol: 'UDP' }, TCP, false);
test('a protocol by its number', match, { protocol: 6 }, TCP, true);
test('the negated protocol', match, { notProtocol: 'TCP' }, TCP, false);
test('another family', match, { ipVersion: 6 }, TCP, false);
test('the first port of a range', match, { protocol: 'TCP', destination: { ports: ['80:90'] } }, TCP, true);
test('the last port of a range', match, { protocol: 'TCP', destination: { ports: ['70:80'] } }, TCP, true);
test('a port outside', match, { protocol: 'TCP', destination: { ports: [81] } }, TCP, false);
test('a negated port', match, { protocol: 'TCP', destination: { notPorts: [80] } }, TCP, false);
test('a source port', match, { protocol: 'TCP', source: { ports: [1024] } }, TCP, true);
test('a negated port in a packet without ports', match, { destination: { notPorts: [80] } }, PING, false);
test('an ICMP type with any code', match, { protocol: 'ICMP', icmp: { type: 8 } }, PING, true);
test('an ICMP type with another code', match, { protocol: 'ICMP', icmp: { type: 8, code: 1 } }, PING, false);
test('the negated ICMP type', match, { protocol: 'ICMP', notICMP: { type: 8 } }, PING, false);
test(
  'a negated ICMP type with another code',
  match,
  { protocol: 'ICMP', notICMP: { type: 8, code: 1 } },
  PING,
  true,
);
test('a negated ICMP type in a packet that is not ICMP', match, { notICMP: { type: 8 } }, TCP, false);
test('ICMP in IPv6', match, { protocol: 'ICMP' }, { ...TCP6, protocol: 1 }, false);
test('one of several networks', match, { source: { nets: nets('192.0.2.0/24', '10.0.0.0/8') } }, TCP, true);
test('a source outside every network', match, { source: { nets: nets('192.0.2.0/24') } }, TCP, false);
test(
  'a source in one negated network',
  match,
  { source: { notNets: nets('192.0.2.0/24', '10.0.0.0/8') } },
  TCP,
  false,
);
test('what a selector picks', match, { source: { selector: selector("role == 'db'") } }, TCP, true);
test(
  'what a selector does not pick',
  match,
  { destination: { selector: selector("role == 'db'") } },
  TCP,
  false,
);
test(
  'what a negated selector does not pick',
  match,
  { destination: { notSelector: selector("role == 'db'") } },
  TCP,
  true,
);
test(
  'what a negated selector picks',
  match,
  { source: { notSelector: selector("role == 'db'") } },
  TCP,
  false,
);
test('a tagged address', match, { source: { tag: 'db' } }, TCP, true);
test('an address without the tag', match, { destination: { tag: 'db' } }, TCP, false);
test('an address with the negated tag', match, { source: { notTag: 'db' } }, TCP, false);
test(
  'a packet that meets one condition and not the other',
  match,
  { source: { tag: 'db', nets: nets('192.0.2.0/24') } },
  TCP,
  false,
);
test('IPv6 when all networks are IPv4', match, { source: { nets: nets('0.0.0.0/0') } }, TCP6, false);
test(
  'IPv6 when all negated networks are IPv4',
  match,
  { source: { notNets: nets('10.0.0.0/8') } },
  TCP6,
  false,
);
test(
  'IPv6 when one of the networks is IPv6',
  match,
  { source: { nets: nets('10.0.0.0/8', 'fd00::/16') } },
  TCP6,
  true,
);
test(
  'no packet when the two ends name different families',
  match,
  { source: { nets: nets('10.0.0.0/8') }, destination: { notNets: nets('fd00::/16') } },
  TCP,
  false,
);

function nets(...texts: string[]) {
  return texts.map(cidr);
}
