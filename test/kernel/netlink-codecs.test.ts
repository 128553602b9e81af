/**
 * The codecs against recordings: what ip(8) of iproute2 6.1 sends for a command, and what kernel 6.18 answers.
 *
 * Made with `strace -s 9999 -e trace=sendmsg,recvmsg -e write=3 -e read=3 ip ...` in a namespace whose interface
 * cali1 has index 3. The first 16 octets are the message's header; bytes 8 to 11, the sequence, differ by nature.
 */
import test from 'ava';
import fc from 'fast-check';
import { decodeLink, encodeLinkDump } from '../../src/kernel/netlink/link.js';
import { encodeLinkOp } from '../../src/kernel/netlink/link-op.js';
import { decodeMessages, encodeMessage } from '../../src/kernel/netlink/message.js';
import { decodeNeighbor, encodeNeighbor, encodeNeighborDump } from '../../src/kernel/netlink/neighbor.js';
import { decodeRoute, encodeRoute, encodeRouteDump } from '../../src/kernel/netlink/route.js';
import type { NetlinkRequest } from '../../src/kernel/netlink/transport.js';
import type { KernelNeighbor, KernelRoute } from '../../src/kernel/rtnetlink.js';
import {
  type Address,
  addressFromBytes,
  type Cidr,
  type IpFamily,
  type MacAddress,
  maskCidr,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../src/model/address.js';
import { fromHex, toHexRows } from './hex.js';

const NLM_F_REQUEST_ACK = 0x5;

const encodes = test.macro({
  exec(t, _command: string, request: NetlinkRequest, recording: string) {
    const recorded = fromHex(recording);
    recorded.fill(0, 8, 12);
    const flags = request.flags | NLM_F_REQUEST_ACK;
    t.deepEqual(toHexRows(encodeMessage({ ...request, flags }, 0)), toHexRows(recorded));
  },
  title: (_, command) => `the request is that of: ${command}`,
});

test(
  encodes,
  'ip route replace 192.168.1.1/32 dev cali1 scope link proto 80',
  encodeRoute('replace', route('192.168.1.1/32', { interfaceIndex: 3 })),
  `2c 00 00 00 18 00 05 05  b4 41 03 6b 00 00 00 00
   02 20 00 00 fe 50 fd 01  00 00 00 00 08 00 01 00
   c0 a8 01 01 08 00 04 00  03 00 00 00`,
);
test(
  encodes,
  'ip route delete 192.168.1.1/32 dev cali1 scope link proto 80',
  encodeRoute('delete', route('192.168.1.1/32', { interfaceIndex: 3, type: 0 })),
  `2c 00 00 00 19 00 05 00  b4 41 03 6b 00 00 00 00
   02 20 00 00 fe 50 fd 00  00 00 00 00 08 00 01 00
   c0 a8 01 01 08 00 04 00  03 00 00 00`,
);
test(
  encodes,
  'ip route replace 10.1.0.0/24 via 10.65.0.1 dev cali1 metric 7 table 1000',
  encodeRoute(
    'replace',
    route('10.1.0.0/24', {
      gateway: address('10.65.0.1'),
      interfaceIndex: 3,
      priority: 7,
      table: 1000,
      protocol: 3,
      scope: 0,
    }),
  ),
  `44 00 00 00 18 00 05 05  b4 41 03 6b 00 00 00 00
   02 18 00 00 00 03 00 01  00 00 00 00 08 00 01 00
   0a 01 00 00 08 00 05 00  0a 41 00 01 08 00 06 00
   07 00 00 00 08 00 0f 00  e8 03 00 00 08 00 04 00
   03 00 00 00`,
);
test(
  encodes,
  'ip route replace default via 10.65.0.1 dev cali1',
  encodeRoute(
    'replace',
    route('0.0.0.0/0', { gateway: address('10.65.0.1'), interfaceIndex: 3, protocol: 3, scope: 0 }),
  ),
  `2c 00 00 00 18 00 05 05  b4 41 03 6b 00 00 00 00
   02 00 00 00 fe 03 00 01  00 00 00 00 08 00 05 00
   0a 41 00 01 08 00 04 00  03 00 00 00`,
);
test(
  encodes,
  'ip route replace blackhole 10.2.0.0/16 proto 80',
  encodeRoute('replace', route('10.2.0.0/16', { type: 6, scope: 0 })),
  `24 00 00 00 18 00 05 05  b5 41 03 6b 00 00 00 00
   02 10 00 00 fe 50 00 06  00 00 00 00 08 00 01 00
   0a 02 00 00`,
);
test(
  encodes,
  'ip -6 route replace fd65::1/128 dev cali1 proto 80',
  encodeRoute('replace', route('fd65::1/128', { family: 6, interfaceIndex: 3, scope: 0 })),
  `38 00 00 00 18 00 05 05  b5 41 03 6b 00 00 00 00
   0a 80 00 00 fe 50 00 01  00 00 00 00 14 00 01 00
   fd 65 00 00 00 00 00 00  00 00 00 00 00 00 00 01
   08 00 04 00 03 00 00 00`,
);
test(
  encodes,
  'ip neigh replace 192.168.1.1 lladdr ee:ee:ee:ee:ee:ee dev cali1 nud permanent',
  encodeNeighbor('replace', neighbor(4, '192.168.1.1', 'ee:ee:ee:ee:ee:ee')),
  `30 00 00 00 1c 00 05 05  b6 41 03 6b 00 00 00 00
   02 00 00 00 03 00 00 00  80 00 00 00 08 00 01 00
   c0 a8 01 01 0a 00 02 00  ee ee ee ee ee ee 00 00`,
);
test(
  encodes,
  'ip -6 neigh replace fd65::1 lladdr ee:ee:ee:ee:ee:ee dev cali1 nud permanent',
  encodeNeighbor('replace', neighbor(6, 'fd65::1', 'ee:ee:ee:ee:ee:ee')),
  `3c 00 00 00 1c 00 05 05  b6 41 03 6b 00 00 00 00
   0a 00 00 00 03 00 00 00  80 00 00 00 14 00 01 00
   fd 65 00 00 00 00 00 00  00 00 00 00 00 00 00 01
   0a 00 02 00 ee ee ee ee  ee ee 00 00`,
);
test(
  encodes,
  'ip neigh delete 192.168.1.1 dev cali1',
  encodeNeighbor('delete', neighbor(4, '192.168.1.1', undefined)),
  `24 00 00 00 1d 00 05 00  b6 41 03 6b 00 00 00 00
   02 00 00 00 03 00 00 00  80 00 00 00 08 00 01 00
   c0 a8 01 01`,
);

// ip(8) says what the device is not, too, in attributes of value 0; what we leave out is 0 to the kernel. These are ours.
test('an IP in IP device is asked for whole: name, MTU, ends, and up', (t) => {
  const link = { name: 'tunl0', mtu: 1480, ipip: { local: address('10.99.1.1'), remote: undefined } };
  const request = encodeLinkOp({ op: 'create', object: 'ipip', link });
  t.deepEqual(
    toHexRows(encodeMessage({ ...request, flags: request.flags | NLM_F_REQUEST_ACK }, 0)),
    toHexRows(
      fromHex(`50 00 00 00 10 00 05 06  00 00 00 00 00 00 00 00
               00 00 00 00 00 00 00 00  01 00 00 00 01 00 00 00
               0a 00 03 00 74 75 6e 6c  30 00 00 00 08 00 04 00
               c8 05 00 00 1c 00 12 80
               09 00 01 00 69 70 69 70  00 00 00 00 0c 00 02 80
               08 00 02 00 0a 63 01 01`),
    ),
  );
});

test('decodeRoute() reads what the kernel answers to: ip route show proto 80', (t) => {
  const messages = decodeMessages(
    fromHex(`
      2c 00 00 00 18 00 22 00  b5 41 03 6b 61 37 00 00
      02 10 00 00 fe 50 00 06  00 00 00 00 08 00 0f 00
      fe 00 00 00 08 00 01 00  0a 02 00 00 34 00 00 00
      18 00 22 00 b5 41 03 6b  61 37 00 00 02 20 00 00
      fe 50 fd 01 00 00 00 00  08 00 0f 00 fe 00 00 00
      08 00 01 00 c0 a8 01 01  08 00 04 00 03 00 00 00
      14 00 00 00 03 00 22 00  b5 41 03 6b 61 37 00 00
      00 00 00 00`),
  );
  t.deepEqual(messages.map(decodeRoute), [
    route('10.2.0.0/16', { type: 6, scope: 0 }),
    route('192.168.1.1/32', { interfaceIndex: 3 }),
    undefined,
  ]);
});

test('decodeRoute() reads what the kernel answers to: ip -6 route show proto 80', (t) => {
  const messages = decodeMessages(
    fromHex(`
      74 00 00 00 18 00 22 00  b5 41 03 6b 67 37 00 00
      0a 80 00 00 fe 50 00 01  00 00 00 00 08 00 0f 00
      fe 00 00 00 14 00 01 00  fd 65 00 00 00 00 00 00
      00 00 00 00 00 00 00 01  08 00 06 00 00 04 00 00
      08 00 04 00 03 00 00 00  24 00 0c 00 00 00 00 00
      00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
      00 00 00 00 00 00 00 00  00 00 00 00 05 00 14 00
      00 00 00 00`),
  );
  t.deepEqual(messages.map(decodeRoute), [
    route('fd65::1/128', { family: 6, interfaceIndex: 3, scope: 0, priority: 1024 }),
  ]);
});

test('decodeNeighbor() reads what the kernel answers to: ip -6 neigh show nud permanent', (t) => {
  const messages = decodeMessages(
    fromHex(`
      58 00 00 00 1c 00 02 00  b6 41 03 6b 6d 37 00 00
      0a 00 00 00 03 00 00 00  80 00 00 01 14 00 01 00
      fd 65 00 00 00 00 00 00  00 00 00 00 00 00 00 01
      0a 00 02 00 ee ee ee ee  ee ee 00 00 08 00 04 00
      00 00 00 00 14 00 03 00  06 00 00 00 06 00 00 00
      06 00 00 00 00 00 00 00`),
  );
  t.deepEqual(messages.map(decodeNeighbor), [neighbor(6, 'fd65::1', 'ee:ee:ee:ee:ee:ee')]);
});

test('decodeLink() reads what the kernel answers to: ip link show cali1', (t) => {
  // Cut after IFLA_BROADCAST: 1,212 octets of counters and settings follow.
  const [message] = decodeMessages(
    fromHex(`
      1c 01 00 00 10 00 00 00  b5 41 03 6b 73 37 00 00
      00 00 01 00 03 00 00 00  43 10 01 00 00 00 00 00
      0a 00 03 00 63 61 6c 69  31 00 00 00 08 00 0d 00
      e8 03 00 00 05 00 10 00  06 00 00 00 05 00 11 00
      00 00 00 00 05 00 43 00  00 00 00 00 08 00 04 00
      dc 05 00 00 08 00 32 00  44 00 00 00 08 00 33 00
      ff ff 00 00 08 00 1b 00  00 00 00 00 08 00 1e 00
      00 00 00 00 08 00 3d 00  00 00 00 00 08 00 1f 00
      02 00 00 00 08 00 28 00  ff ff 00 00 08 00 29 00
      00 00 01 00 08 00 3a 00  00 00 01 00 08 00 3f 00
      00 00 01 00 08 00 40 00  00 00 01 00 08 00 3b 00
      f8 ff 07 00 08 00 3c 00  ff ff 00 00 08 00 42 00
      00 00 00 00 08 00 20 00  02 00 00 00 05 00 21 00
      01 00 00 00 08 00 23 00  02 00 00 00 08 00 2f 00
      01 00 00 00 08 00 30 00  01 00 00 00 06 00 44 00
      00 00 00 00 06 00 45 00  00 00 00 00 05 00 27 00
      00 00 00 00 0a 00 01 00  02 00 00 00 00 01 00 00
      0a 00 02 00 ff ff ff ff  ff ff 00 00`),
  );
  t.deepEqual(message && decodeLink(message), {
    index: 3,
    name: 'cali1',
    mac: mac('02:00:00:00:00:01'),
    mtu: 1500,
    up: true,
    running: true,
  });
});

test('decodeLink() reads what kernel 6.1 says of the tunl0 that it has made by itself', (t) => {
  // Without queueing statistics, counters and settings of the families.
  const [message] = decodeMessages(
    fromHex(`
      70 01 00 00 10 00 00 00  ba f4 0c 6b 83 00 00 00
      00 00 00 03 02 00 00 00  80 00 00 00 00 00 00 00
      0a 00 03 00 74 75 6e 6c  30 00 00 00 08 00 0d 00
      e8 03 00 00 05 00 10 00  02 00 00 00 05 00 11 00
      00 00 00 00 08 00 04 00  c8 05 00 00 08 00 32 00
      00 00 00 00 08 00 33 00  00 00 00 00 08 00 1b 00
      00 00 00 00 08 00 1e 00  00 00 00 00 08 00 3d 00
      00 00 00 00 08 00 1f 00  01 00 00 00 08 00 28 00
      ff ff 00 00 08 00 29 00  00 00 01 00 08 00 3a 00
      00 00 01 00 08 00 3b 00  00 00 01 00 08 00 3c 00
      ff ff 00 00 08 00 20 00  01 00 00 00 05 00 21 00
      01 00 00 00 09 00 06 00  6e 6f 6f 70 00 00 00 00
      0b 00 14 00 68 65 64 64  6c 65 00 00 08 00 23 00
      00 00 00 00 08 00 2f 00  00 00 00 00 08 00 30 00
      00 00 00 00 05 00 27 00  00 00 00 00 08 00 01 00
      00 00 00 00 08 00 02 00  00 00 00 00 74 00 12 00
      09 00 01 00 69 70 69 70  00 00 00 00 64 00 02 00
      08 00 01 00 00 00 00 00  08 00 02 00 00 00 00 00
      08 00 03 00 00 00 00 00  05 00 04 00 00 00 00 00
      05 00 05 00 00 00 00 00  05 00 09 00 00 00 00 00
      05 00 0a 00 00 00 00 00  08 00 14 00 00 00 00 00
      06 00 0f 00 00 00 00 00  06 00 11 00 00 00 00 00
      06 00 12 00 00 00 00 00  06 00 10 00 00 00 00 00`),
  );
  t.deepEqual(message && decodeLink(message), {
    index: 2,
    name: 'tunl0',
    mac: undefined,
    mtu: 1480,
    up: false,
    running: false,
    ipip: { local: undefined, remote: undefined },
  });
});

test('decodeLink() ignores a message about a port of a bridge, which is no link that comes or goes', (t) => {
  const payload = new Uint8Array(16);
  payload[0] = 7; // AF_BRIDGE
  t.is(decodeLink({ type: 17, flags: 0, payload }), undefined);
});

test('decodeRoute() ignores cached copies', (t) => {
  const { payload } = encodeRoute('replace', route('fd65::1/128', { family: 6 }));
  const cloned = payload.slice();
  new DataView(cloned.buffer).setUint32(8, 0x200, true);
  t.not(decodeRoute({ type: 24, flags: 0, payload }), undefined);
  t.is(decodeRoute({ type: 24, flags: 0, payload: cloned }), undefined);
});

test('decoders ignore messages of other types', (t) => {
  const dumps = [encodeLinkDump(), encodeRouteDump(4, { table: 254 }), encodeNeighborDump(6)];
  for (const { type, flags, payload } of dumps)
    for (const decode of [decodeLink, decodeRoute, decodeNeighbor])
      t.is(decode({ type, flags, payload }), undefined);
});

const families = fc.constantFrom<IpFamily>(4, 6);
const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const index = fc.integer({ min: 1, max: 0x7fff_ffff });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const addressOf = (family: IpFamily): fc.Arbitrary<Address> =>
  fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }).map(addressFromBytes);

const anyRoute: fc.Arbitrary<KernelRoute> = families.chain((family) =>
  fc.record({
    family: fc.constant(family),
    destination: fc
      .tuple(addressOf(family), fc.integer({ min: 0, max: family === 4 ? 32 : 128 }))
      .map(([bits, length]) => must(maskCidr(`${bits}/${length}`))),
    interfaceIndex: optional(index),
    gateway: optional(addressOf(family)),
    table: fc.integer({ min: 1, max: 100_000 }),
    protocol: u8,
    scope: u8,
    type: u8,
    priority: optional(u32),
  }),
);

const anyNeighbor: fc.Arbitrary<KernelNeighbor> = families.chain((family) =>
  fc.record({
    family: fc.constant(family),
    address: addressOf(family),
    interfaceIndex: index,
    mac: optional(
      fc.uint8Array({ minLength: 5, maxLength: 5 }).map((tail) => mac(`02:${hexPairs(tail).join(':')}`)),
    ),
    state: fc.integer({ min: 0, max: 0xffff }),
  }),
);

test('decodeRoute() returns the route that encodeRoute() was given', (t) => {
  fc.assert(fc.property(anyRoute, (value) => t.deepEqual(decodeRoute(encodeRoute('replace', value)), value)));
});

test('decodeNeighbor() returns the entry that encodeNeighbor() was given', (t) => {
  fc.assert(
    fc.property(anyNeighbor, (value) => t.deepEqual(decodeNeighbor(encodeNeighbor('replace', value)), value)),
  );
});

function route(destination: string, rest: Partial<KernelRoute> = {}): KernelRoute {
  return {
    family: 4,
    destination: cidr(destination),
    interfaceIndex: undefined,
    gateway: undefined,
    table: 254,
    protocol: 80,
    scope: 253,
    type: 1,
    priority: undefined,
    ...rest,
  };
}

function neighbor(family: IpFamily, text: string, macText: string | undefined): KernelNeighbor {
  return {
    family,
    address: address(text),
    interfaceIndex: 3,
    mac: macText === undefined ? undefined : mac(macText),
    state: 0x80,
  };
}

function hexPairs(bytes: Uint8Array): readonly string[] {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0'));
}

function address(text: string): Address {
  return must(parseAddress(text));
}

function cidr(text: string): Cidr {
  return must(parseCidr(text));
}

function mac(text: string): MacAddress {
  return must(parseMac(text));
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('The test is given a value that is none');
  return value;
}
