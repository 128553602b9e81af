/**
 * A rule as policy reads it, with all that a manifest says and nothing that it does not: tables, and all 256
 * protocols.
 */
import test from 'ava';
import fc from 'fast-check';
import {
  formatPortRange,
  hasPorts,
  impliedFamily,
  type PortText,
  parsePortRange,
  protocolNumber,
  protocolText,
  ruleFromSpec,
} from '../../src/model/rule.js';

const parsesPort = test.macro({
  exec(t, given: PortText, expected: [number, number] | undefined) {
    t.deepEqual(parsePortRange(given), expected && { first: expected[0], last: expected[1] });
  },
  title: (_ = '', given, expected) =>
    `parsePortRange() ${expected ? 'reads' : 'refuses'} ${JSON.stringify(given)}`,
});
test(parsesPort, 80, [80, 80]);
test(parsesPort, '80', [80, 80]);
test(parsesPort, '8000:8100', [8000, 8100]);
test(parsesPort, '1:65535', [1, 65535]);
for (const given of [
  0,
  65536,
  -1,
  1.5,
  '0',
  '0:10',
  '10:9',
  '1:65536',
  '',
  'http',
  '80-90',
  '80:',
  ' 80',
  '1:2:3',
])
  test(parsesPort, given, undefined);

test('a range of ports survives formatPortRange()', (t) => {
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(
    fc.property(port, port, (a, b) => {
      const range = { first: Math.min(a, b), last: Math.max(a, b) };
      t.deepEqual(parsePortRange(formatPortRange(range)), range);
    }),
  );
});

test('protocolText() gives the name where there is one, and protocolNumber() its inverse', (t) => {
  t.is(protocolText(6), 'TCP');
  t.is(protocolText(47), 47);
  for (let number = 1; number <= 255; number += 1) t.is(protocolNumber(protocolText(number)), number);
});

test('only TCP, UDP, SCTP and UDP-Lite have ports', (t) => {
  const found = Array.from({ length: 256 }, (_, number) => number).filter(hasPorts);
  t.deepEqual(found, [6, 17, 132, 136]);
});

test('ICMP implies IPv4, ICMPv6 implies IPv6, and nothing else implies a family', (t) => {
  const implied = Array.from({ length: 256 }, (_, number) => [number, impliedFamily(number)] as const);
  t.deepEqual(
    implied.filter(([, family]) => family !== undefined),
    [
      [1, 4],
      [58, 6],
    ],
  );
});

test('ruleFromSpec() leaves every absent condition out and every absent list empty', (t) => {
  const anywhere = { nets: [], notNets: [], ports: [], notPorts: [] };
  t.deepEqual(ruleFromSpec({ action: 'Pass' }), {
    action: 'Pass',
    source: anywhere,
    destination: anywhere,
  });
});

test('ruleFromSpec() keeps every condition', (t) => {
  t.deepEqual(
    ruleFromSpec({
      action: 'Allow',
      protocol: 'ICMPv6',
      notProtocol: 47,
      icmp: { type: 128, code: 0 },
      notICMP: { type: 1 },
      source: { tag: 'web', notTag: 'db' },
      destination: { ports: [80, '90:91'], notPorts: ['8080'] },
    }),
    {
      action: 'Allow',
      family: 6,
      protocol: 58,
      notProtocol: 47,
      icmp: { type: 128, code: 0 },
      notIcmp: { type: 1 },
      source: { nets: [], notNets: [], tag: 'web', notTag: 'db', ports: [], notPorts: [] },
      destination: {
        nets: [],
        notNets: [],
        ports: [
          { first: 80, last: 80 },
          { first: 90, last: 91 },
        ],
        notPorts: [{ first: 8080, last: 8080 }],
      },
    },
  );
});

test('an explicit ipVersion is kept, and wins over what the protocol implies', (t) => {
  t.is(ruleFromSpec({ action: 'Deny', ipVersion: 6 }).family, 6);
  t.is(ruleFromSpec({ action: 'Deny', protocol: 'ICMPv6' }).family, 6);
  t.is(ruleFromSpec({ action: 'Deny', ipVersion: 4, protocol: 'ICMPv6' }).family, 4);
});
