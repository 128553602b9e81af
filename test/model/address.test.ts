/**
 * An address has one text, that of RFC 5952, and its arithmetic is right: examples, and random ones against
 * net.isIP() and single bits.
 */
import { isIP } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
  type Address,
  addressBits,
  addressBytes,
  addressFromBits,
  addressFromBytes,
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  cidrsOverlap,
  commonPrefix,
  compareAddresses,
  compareCidrs,
  familyOf,
  hostCidr,
  type IpFamily,
  ipv4Number,
  isMulticast,
  linkLocalOf,
  type MacAddress,
  maskCidr,
  networkOf,
  parseAddress,
  parseCidr,
  parseInterfaceAddress,
  parseMac,
  prefixLength,
} from '../../src/model/address.js';

const text = (value: string | undefined): string => String(value);

const writes = test.macro({
  exec(t, given: string, expected: string | undefined) {
    t.is(text(parseAddress(given)), text(expected));
  },
  title: (_ = '', given, expected) =>
    expected
      ? `parseAddress() writes ${given} as ${expected}`
      : `parseAddress() refuses ${JSON.stringify(given)}`,
});
test(writes, '192.0.2.1', '192.0.2.1');
test(writes, '2001:DB8:0:0:0:0:0:1', '2001:db8::1');
test(writes, '2001:0db8::0001', '2001:db8::1');
test(
  'RFC 5952 4.2.2: a single zero group is not shortened',
  writes,
  '2001:db8:0:1:1:1:1:1',
  '2001:db8:0:1:1:1:1:1',
);
test('RFC 5952 4.2.3: the longest run is shortened', writes, '2001:0:0:1:0:0:0:1', '2001:0:0:1::1');
test('RFC 5952 4.2.3: the first run on a tie', writes, '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1');
test(writes, '::', '::');
test(writes, '1::', '1::');
test(writes, '::ffff:192.0.2.1', '::ffff:c000:201');
for (const given of [
  ...[
    '',
    ' ',
    '192.0.2',
    '192.0.2.1.1',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2.1/32',
    '0xc0.0.2.1',
    '3221225985',
  ],
  ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', 'g::'],
  ...['fe80::1%eth0', '::1.2.3', '1.2.3.4::', '::1.2.3.4:5', '192.0.2.1\n', ' ::1'],
])
  test(writes, given, undefined);

const refusesCidr = test.macro({
  exec(t, given: string) {
    t.is(parseCidr(given), undefined);
  },
  title: (_ = '', given) => `parseCidr() refuses ${JSON.stringify(given)}`,
});
for (const given of ['10.0.0.1/24', '10.0.0.0/33', '::/129', '10.0.0.0', '10.0.0.0/', '10.0.0.0/08', '/8'])
  test(refusesCidr, given);
for (const given of ['10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/+8', 'fd00::1/64']) test(refusesCidr, given);

test('maskCidr() clears the host bits that parseCidr() refuses', (t) => {
  t.is(text(maskCidr('10.0.0.1/24')), '10.0.0.0/24');
  t.is(text(maskCidr('fd00::1/64')), 'fd00::/64');
  t.is(text(maskCidr('255.255.255.255/0')), '0.0.0.0/0');
  t.is(maskCidr('10.0.0.1'), undefined);
});

test('parseInterfaceAddress() keeps the host bits, and networkOf() clears them', (t) => {
  const address = parseInterfaceAddress('FD00:0::7/64');
  t.is(text(address), 'fd00::7/64');
  if (address) t.is(text(networkOf(address)), 'fd00::/64');
});

test('parseMac() takes unicast addresses only, and lowers their case', (t) => {
  t.is(text(parseMac('EE:ee:EE:ee:EE:ee')), 'ee:ee:ee:ee:ee:ee');
  for (const given of [
    '01:00:5e:00:00:01',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
    'ee-ee-ee-ee-ee-ee',
    'ee:ee',
  ])
    t.is(parseMac(given), undefined, given);
});

const family: fc.Arbitrary<IpFamily> = fc.constantFrom(4, 6);
const address: fc.Arbitrary<Address> = family.chain((f) =>
  fc
    .oneof(
      fc.bigInt({ min: 0n, max: (1n << BigInt(addressLength(f))) - 1n }),
      fc.integer({ min: 0, max: 255 }).map(BigInt),
    )
    .map((bits) => addressFromBits(bits, f)),
);
const cidr: fc.Arbitrary<Cidr> = address.chain((a) =>
  fc.integer({ min: 0, max: addressLength(familyOf(a)) }).map((length) => {
    const masked = maskCidr(`${a}/${length}`);
    if (!masked) throw new Error(`maskCidr(${a}/${length})`);
    return masked;
  }),
);

test('every address survives text, bits and bytes', (t) => {
  fc.assert(
    fc.property(address, (a) => {
      t.is(parseAddress(a), a);
      t.is(addressFromBits(addressBits(a), familyOf(a)), a);
      t.is(addressFromBytes(addressBytes(a)), a);
      t.is(isIP(a), familyOf(a));
    }),
  );
});

test('parseAddress() accepts nothing that net.isIP() refuses, and refuses of the rest only zone indexes', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'012af:.%'), maxLength: 24 }), (given) => {
      t.is(parseAddress(given) !== undefined, isIP(given) !== 0 && !given.includes('%'), given);
    }),
    { numRuns: 5000 },
  );
});

test('equal IPv6 addresses are one text, however they were written', (t) => {
  const groups = fc.array(fc.constantFrom(0, 0, 0, 1, 0xabc, 0xffff), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, (values) => {
      const plain = values.map((value) => value.toString(16));
      const padded = plain.map((group) => group.padStart(4, '0').toUpperCase());
      t.is(parseAddress(plain.join(':')), parseAddress(padded.join(':')));
      t.is(isIP(text(parseAddress(plain.join(':')))), 6);
    }),
  );
});

test('ipv4Number() is addressBits() in a number', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), (bits) => {
      t.is(BigInt(ipv4Number(addressFromBits(bits, 4))), bits);
    }),
  );
});

test('every address of a network begins with its commonPrefix()', (t) => {
  const groups = fc.array(fc.constantFrom<bigint[]>(0n, 0n, 1n, 0xabcn, 0xffffn), {
    minLength: 8,
    maxLength: 8,
  });
  const sparse = groups.map((all) =>
    addressFromBits(
      all.reduce((bits, group) => (bits << 16n) | group, 0n),
      6,
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(address, sparse),
      fc.nat({ max: 128 }),
      fc.bigInt({ min: 0n }),
      (one, length, noise) => {
        const size = addressLength(familyOf(one));
        const net = maskCidr(`${one}/${length % (size + 1)}`);
        if (!net) throw new Error(`maskCidr(${one})`);
        const host = noise & ((1n << BigInt(size - prefixLength(net))) - 1n);
        const other = addressFromBits(addressBits(addressPart(net)) | host, familyOf(one));
        for (const inside of [one, other]) t.true(inside.startsWith(commonPrefix(net)), `${inside} ${net}`);
      },
    ),
    { numRuns: 2000 },
  );
  const examples = ['10.65.4.0/22', '2001:db8::/48', '0.0.0.0/0'].flatMap((given) => maskCidr(given) ?? []);
  t.deepEqual(examples.map(commonPrefix), ['10.65.', '2001:db8:', '']);
});

test('cidrContains() agrees with comparing the first bits one by one', (t) => {
  const bits = (a: Address): string =>
    addressBits(a)
      .toString(2)
      .padStart(addressLength(familyOf(a)), '0');
  fc.assert(
    fc.property(cidr, fc.oneof(cidr, address), fc.boolean(), (outer, other, inside) => {
      const inner = inside ? addressPart(outer) : other;
      const base = inner.includes('/') ? addressPart(inner as Cidr) : (inner as Address);
      const longer = !inner.includes('/') || prefixLength(inner as Cidr) >= prefixLength(outer);
      const expected =
        familyOf(outer) === familyOf(inner) &&
        longer &&
        bits(base).startsWith(bits(addressPart(outer)).slice(0, prefixLength(outer)));
      t.is(cidrContains(outer, inner), expected, `${outer} ${inner}`);
    }),
  );
});

test('cidrsOverlap() is symmetric, and true for a network and its own host', (t) => {
  fc.assert(
    fc.property(cidr, cidr, (a, b) => {
      t.is(cidrsOverlap(a, b), cidrsOverlap(b, a));
      t.true(cidrsOverlap(a, hostCidr(addressPart(a))));
    }),
  );
});

test('compareAddresses() and compareCidrs() are total orders by family, value and length', (t) => {
  fc.assert(
    fc.property(fc.array(cidr), (list) => {
      const sorted = [...list].sort(compareCidrs);
      for (let index = 1; index < sorted.length; index += 1) {
        const [a, b] = [sorted[index - 1] as Cidr, sorted[index] as Cidr];
        t.true(compareCidrs(a, b) <= 0 && compareCidrs(b, a) >= 0);
        t.true(compareAddresses(addressPart(a), addressPart(b)) <= 0);
        if (compareCidrs(a, b) === 0) t.is(a, b);
      }
    }),
  );
});

test('isMulticast() knows 224.0.0.0/4 and ff00::/8', (t) => {
  const cases = { '223.255.255.255': false, '224.0.0.0': true, '239.1.1.1': true, '240.0.0.0': false };
  for (const [given, expected] of Object.entries({ ...cases, 'ff02::1': true, 'fe80::1': false })) {
    const parsed = parseAddress(given);
    t.is(parsed && isMulticast(parsed), expected, given);
  }
});

test('addressFromBits() and addressFromBytes() refuse what does not fit', (t) => {
  t.throws(() => addressFromBits(1n << 32n, 4), { instanceOf: RangeError });
  t.throws(() => addressFromBits(-1n, 6), { instanceOf: RangeError });
  t.throws(() => addressFromBytes(new Uint8Array(5)), { instanceOf: RangeError });
});

test('linkLocalOf() makes the address that the kernel makes (RFC 4291)', (t) => {
  t.is(text(linkLocalOf('ee:ee:ee:ee:ee:ee' as MacAddress)), 'fe80::ecee:eeff:feee:eeee');
});
