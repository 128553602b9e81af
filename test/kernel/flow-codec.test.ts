/**
 * Flows on the wire: what kernel 6.18 answered to a listing, with flows that `conntrack -I` had made.
 */
import test from 'ava';
import type { Flow } from '../../src/kernel/conntrack.js';
import { CTA, CTNETLINK, RTM } from '../../src/kernel/netlink/constants.js';
import {
  decodeFlow,
  decodeFlowEnd,
  encodeFlowDeletion,
  encodeFlowDump,
  encodeFlowDumpOf,
} from '../../src/kernel/netlink/flow.js';
import type { NetlinkMessage } from '../../src/kernel/netlink/transport.js';
import type { Address } from '../../src/model/address.js';
import { fromHex, toHexRows } from './hex.js';

/** -p tcp -s 10.65.0.1 -d 8.8.8.8 --sport 1001 --dport 80 -r 8.8.8.8 -q 192.0.2.1, answers to port 4242 */
const MASQUERADED = `
  02 00 00 00 34 00 01 80  14 00 01 80 08 00 01 00
  0a 41 00 01 08 00 02 00  08 08 08 08 1c 00 02 80
  05 00 01 00 06 00 00 00  06 00 02 00 03 e9 00 00
  06 00 03 00 00 50 00 00  34 00 02 80 14 00 01 80
  08 00 01 00 08 08 08 08  08 00 02 00 c0 00 02 01
  1c 00 02 80 05 00 01 00  06 00 00 00 06 00 02 00
  00 50 00 00 06 00 03 00  10 92 00 00 08 00 03 00
  00 00 00 0a 08 00 08 00  00 00 00 00 08 00 0c 00
  e4 b0 e1 44 08 00 0b 00  00 00 00 01 08 00 07 00
  00 00 02 57 30 00 04 80  2c 00 01 80 05 00 01 00
  03 00 00 00 05 00 02 00  00 00 00 00 05 00 03 00
  00 00 00 00 06 00 04 00  0a 00 00 00 06 00 05 00
  0a 00 00 00 1c 00 18 80  08 00 01 00 00 00 00 00
  08 00 02 00 00 00 00 00  08 00 03 00 00 00 00 00`;
/** -w 5 -p udp -s 10.65.0.1 -d 10.65.0.2 --sport 5 --dport 53 */
const ZONED = `
  02 00 00 00 34 00 01 80  14 00 01 80 08 00 01 00
  0a 41 00 01 08 00 02 00  0a 41 00 02 1c 00 02 80
  05 00 01 00 11 00 00 00  06 00 02 00 00 05 00 00
  06 00 03 00 00 35 00 00  34 00 02 80 14 00 01 80
  08 00 01 00 0a 41 00 02  08 00 02 00 0a 41 00 01
  1c 00 02 80 05 00 01 00  11 00 00 00 06 00 02 00
  00 35 00 00 06 00 03 00  00 05 00 00 06 00 12 00
  00 05 00 00 08 00 03 00  00 00 00 08 08 00 08 00
  00 00 00 00 08 00 0c 00  5a 37 d8 3a 08 00 0b 00
  00 00 00 01 08 00 07 00  00 00 02 57`;
/** -p icmpv6 -s fd65::1 -d fd65::2 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 9 */
const PING_6 = `
  0a 00 00 00 54 00 01 80  2c 00 01 80 14 00 03 00
  fd 65 00 00 00 00 00 00  00 00 00 00 00 00 00 01
  14 00 04 00 fd 65 00 00  00 00 00 00 00 00 00 00
  00 00 00 02 24 00 02 80  05 00 01 00 3a 00 00 00
  06 00 07 00 00 09 00 00  05 00 08 00 80 00 00 00
  05 00 09 00 00 00 00 00  54 00 02 80 2c 00 01 80
  14 00 03 00 fd 65 00 00  00 00 00 00 00 00 00 00
  00 00 00 02 14 00 04 00  fd 65 00 00 00 00 00 00
  00 00 00 00 00 00 00 01  24 00 02 80 05 00 01 00
  3a 00 00 00 06 00 07 00  00 09 00 00 05 00 08 00
  81 00 00 00 05 00 09 00  00 00 00 00 08 00 0c 00
  d8 34 4c 64`;
/** -p 99 -s 10.65.0.1 -d 10.65.0.2 */
const PLAIN = `
  02 00 00 00 24 00 01 80  14 00 01 80 08 00 01 00
  0a 41 00 01 08 00 02 00  0a 41 00 02 0c 00 02 80
  05 00 01 00 63 00 00 00  24 00 02 80 14 00 01 80
  08 00 01 00 0a 41 00 02  08 00 02 00 0a 41 00 01
  0c 00 02 80 05 00 01 00  63 00 00 00 08 00 0c 00
  25 12 eb 19`;

function message(hex: string): NetlinkMessage {
  return { type: CTNETLINK.NEW, flags: 2, payload: fromHex(hex) };
}

const decodes = test.macro({
  exec(t, hex: string, expected: Partial<Record<keyof Flow, unknown>>) {
    const flow = decodeFlow(message(hex));
    t.like({ ...flow, key: undefined }, expected);
    t.is(flow?.master, undefined);
  },
  title: (what) => `decodeFlow() reads ${what}`,
});

test('a flow whose source was translated', decodes, MASQUERADED, {
  family: 4,
  original: {
    source: '10.65.0.1',
    destination: '8.8.8.8',
    protocol: 6,
    sourcePort: 1001,
    destinationPort: 80,
  },
  reply: { source: '8.8.8.8', destination: '192.0.2.1', protocol: 6, sourcePort: 80, destinationPort: 4242 },
});
test('a flow of ICMPv6, with the type of the request and of its answer', decodes, PING_6, {
  family: 6,
  original: { source: 'fd65::1', destination: 'fd65::2', protocol: 58, icmp: { type: 128, code: 0 } },
  reply: { source: 'fd65::2', destination: 'fd65::1', protocol: 58, icmp: { type: 129, code: 0 } },
});
test('a flow of a protocol that has neither ports nor types', decodes, PLAIN, {
  family: 4,
  original: { source: '10.65.0.1', destination: '10.65.0.2', protocol: 99 },
  reply: { source: '10.65.0.2', destination: '10.65.0.1', protocol: 99 },
});

test('decodeFlow() reads the first packet of the flow that announced this one', (t) => {
  const first = fromHex(PLAIN).slice(4, 4 + 0x24);
  first[2] = CTA.TUPLE_MASTER;
  const master = Buffer.from(first).toString('hex');
  t.deepEqual(decodeFlow(message(MASQUERADED + master))?.master, {
    source: '10.65.0.1' as Address,
    destination: '10.65.0.2' as Address,
    protocol: 99,
  });
});

test('decodeFlow() knows no flow in messages about something else, or without both tuples', (t) => {
  t.is(decodeFlow({ ...message(PLAIN), type: RTM.NEWROUTE }), undefined);
  t.is(decodeFlow(message('02 00 00 00 08 00 0c 00 25 12 eb 19')), undefined);
  t.is(decodeFlow(message('02 00 00 00')), undefined);
  t.is(decodeFlowEnd({ ...message(PLAIN), type: RTM.NEWROUTE }, 'opener'), undefined);
  t.is(decodeFlowEnd(message('02 00 00 00'), 'answerer'), undefined);
});

test('decodeFlow() refuses a message that is cut off', (t) => {
  for (const length of [10, 30, 60]) {
    const cut = { ...message(PLAIN), payload: fromHex(PLAIN).slice(0, length) };
    t.throws(() => decodeFlow(cut), { instanceOf: RangeError }, `${length} octets`);
  }
});

test('decodeFlowEnd() finds who opened a flow and who answers, as octets', (t) => {
  t.deepEqual(decodeFlowEnd(message(MASQUERADED), 'opener'), Uint8Array.of(10, 65, 0, 1));
  t.deepEqual(decodeFlowEnd(message(MASQUERADED), 'answerer'), Uint8Array.of(8, 8, 8, 8));
  t.is(decodeFlowEnd(message(PING_6), 'answerer')?.at(-1), 2);
});

test('encodeFlowDeletion() gives back the first tuple, the zone and the id as they came', (t) => {
  const flow = decodeFlow(message(ZONED));
  if (!flow) return t.fail('it is a flow');
  const { type, payload } = encodeFlowDeletion(flow);
  t.is(type, CTNETLINK.DELETE);
  t.deepEqual(
    toHexRows(payload),
    toHexRows(
      fromHex(`
        02 00 00 00 34 00 01 80  14 00 01 80 08 00 01 00
        0a 41 00 01 08 00 02 00  0a 41 00 02 1c 00 02 80
        05 00 01 00 11 00 00 00  06 00 02 00 00 05 00 00
        06 00 03 00 00 35 00 00  06 00 12 00 00 05 00 00
        08 00 0c 00 5a 37 d8 3a`),
    ),
  );
});

test('encodeFlowDump() asks for one family, encodeFlowDumpOf() for one end in IPv4', (t) => {
  t.deepEqual([...encodeFlowDump(6).payload], [10, 0, 0, 0]);
  const of = (end: 'opener' | 'answerer') => toHexRows(encodeFlowDumpOf('10.65.0.1' as Address, end).payload);
  t.deepEqual(
    of('opener'),
    toHexRows(
      fromHex(
        '02 00 00 00 10 00 01 80 0c 00 01 80 08 00 01 00 0a 41 00 01 0c 00 19 80 08 00 01 00 01 00 00 00',
      ),
    ),
  );
  t.deepEqual(
    of('answerer'),
    toHexRows(
      fromHex(
        '02 00 00 00 10 00 02 80 0c 00 01 80 08 00 01 00 0a 41 00 01 0c 00 19 80 08 00 02 00 01 00 00 00',
      ),
    ),
  );
});
