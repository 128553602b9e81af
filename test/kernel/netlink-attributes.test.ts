/** Attributes and messages on the wire, without a kernel. */
import test from 'ava';
import fc from 'fast-check';
import {
  align,
  decodeAttributes,
  encodePayload,
  findAttribute,
  readText,
  readU32,
  u32Attribute,
} from '../../src/kernel/netlink/attributes.js';
import { decodeAcknowledgement, decodeMessages, encodeMessage } from '../../src/kernel/netlink/message.js';
import { fromHex, toHexRows } from './hex.js';

const attributes = fc.uniqueArray(
  fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), data: fc.uint8Array({ maxLength: 200 }) }),
  { selector: ({ type }) => type, maxLength: 12 },
);

test('decodeAttributes() returns what encodePayload() was given', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), attributes, (header, given) => {
      const payload = encodePayload(header, given);
      const decoded = decodeAttributes(payload, header.length);
      return (
        payload.length % 4 === 0 &&
        decoded.size === given.length &&
        given.every(({ type, data }) => Buffer.compare(decoded.get(type) ?? fromHex('ff'), data) === 0)
      );
    }),
  );
  t.pass();
});

test('findAttribute() finds what decodeAttributes() finds, and the first where a type comes twice', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), attributes, (header, given) => {
      const payload = encodePayload(header, [...given, ...given.map(({ type }) => ({ type, data: header }))]);
      return given.every(
        ({ type, data }) =>
          Buffer.compare(findAttribute(payload, type, header.length) ?? fromHex('ff'), data) === 0,
      );
    }),
  );
  t.is(findAttribute(encodePayload(new Uint8Array(4), []), 1, 4), undefined);
});

test('findAttribute() refuses a length that does not fit the bytes', (t) => {
  for (const bytes of ['03 00 01 00', '09 00 01 00 00 00 00 00', '08 00 02 00 00 00'])
    t.throws(() => findAttribute(fromHex(bytes), 1), { instanceOf: RangeError });
});

test('decodeAttributes() never reads beyond the bytes it was given', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        for (const data of decodeAttributes(bytes).values()) if (data.length > bytes.length) return false;
      } catch (error) {
        return error instanceof RangeError;
      }
      return true;
    }),
  );
  t.pass();
});

test('encodePayload() pads to four octets and counts the header of the attribute, not the padding', (t) => {
  const payload = encodePayload(fromHex('0a'), [
    { type: 3, data: Buffer.from('lo\0') },
    u32Attribute(4, 65536),
  ]);
  t.deepEqual(toHexRows(payload), ['0a000000', '07000300', '6c6f0000', '08000400', '00000100']);
});

test('decodeAttributes() ignores the flag bits of a type, and the last of two wins', (t) => {
  const decoded = decodeAttributes(fromHex('08 00 03 80 01 00 00 00  08 00 03 00 02 00 00 00'));
  t.is(readU32(decoded.get(3)), 2);
});

test('decodeAttributes() refuses a length that does not fit, naming where', (t) => {
  t.throws(() => decodeAttributes(fromHex('04 00 01 00 ff 00 02 00')), {
    instanceOf: RangeError,
    message: 'Netlink attribute at octet 4 has length 255 of 8',
  });
});

test('readU32() and readText() answer undefined for an absent attribute', (t) => {
  t.is(readU32(undefined), undefined);
  t.is(readU32(fromHex('01 02')), undefined);
  t.is(readText(undefined), undefined);
  t.is(readText(Buffer.from('cali1\0')), 'cali1');
});

test('decodeMessages() returns the messages of one datagram, in order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 99 }), { minLength: 1, maxLength: 9 }), (payloads) => {
      const datagram = Buffer.concat(
        payloads.map((payload, index) => encodeMessage({ type: 24, flags: 5, payload }, index + 1)),
      );
      const decoded = decodeMessages(datagram);
      t.is(decoded.length, payloads.length);
      for (const [index, message] of decoded.entries())
        t.deepEqual(
          { ...message, payload: [...message.payload] },
          { type: 24, flags: 5, sequence: index + 1, payload: [...(payloads[index] ?? [])] },
        );
      return datagram.length === payloads.reduce((sum, { length }) => sum + align(16 + length), 0);
    }),
  );
});

test('decodeMessages() refuses a message that is longer than its datagram', (t) => {
  t.throws(
    () => decodeMessages(encodeMessage({ type: 1, flags: 0, payload: fromHex('01') }, 1).subarray(0, 16)),
    {
      instanceOf: RangeError,
    },
  );
});

// The kernel's answer to `ip route replace 10.9.0.0/24 via 10.77.0.1`, from a socket with NETLINK_EXT_ACK.
const REFUSED = `
  60 00 00 00 02 00 00 02  b5 41 03 6b 79 37 00 00
  9b ff ff ff 2c 00 00 00  18 00 05 05 b5 41 03 6b
  00 00 00 00 02 18 00 00  fe 03 00 01 00 00 00 00
  08 00 01 00 0a 09 00 00  08 00 05 00 0a 4d 00 01
  20 00 01 00 4e 65 78 74  68 6f 70 20 68 61 73 20
  69 6e 76 61 6c 69 64 20  67 61 74 65 77 61 79 00`;

test("decodeAcknowledgement() finds the kernel's words after the request that it quotes", (t) => {
  const [message] = decodeMessages(fromHex(REFUSED));
  const error = message && decodeAcknowledgement(message);
  t.like(error, { errno: 101, code: 'ENETUNREACH', extendedAck: 'Nexthop has invalid gateway' });
  t.is(error?.message, 'ENETUNREACH: Nexthop has invalid gateway');
});

test('decodeAcknowledgement() finds them where NETLINK_CAP_ACK cuts the quoted request', (t) => {
  // The same answer: NLM_F_CAPPED set, the header of the request kept, its 28 octets of payload gone.
  const bytes = fromHex(REFUSED);
  const payload = Buffer.concat([bytes.subarray(16, 36), bytes.subarray(64)]);
  const error = decodeAcknowledgement({ type: 2, flags: 0x300, payload });
  t.is(error?.extendedAck, 'Nexthop has invalid gateway');
});

test('decodeAcknowledgement() takes errno 0 for success', (t) => {
  t.is(decodeAcknowledgement({ type: 2, flags: 0x100, payload: new Uint8Array(20) }), undefined);
});
