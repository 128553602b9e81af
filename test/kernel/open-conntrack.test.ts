/** What openConntrack() asks a transport for, and what it takes from the answers; the kernel here is a function. */
import test from 'ava';
import { encodePayload, nestedAttribute } from '../../src/kernel/netlink/attributes.js';
import { CTA, CTA_IP, CTA_PROTO, CTA_TUPLE, CTNETLINK } from '../../src/kernel/netlink/constants.js';
import { netlinkError } from '../../src/kernel/netlink/errno.js';
import type { NetlinkError, NetlinkMessage, NetlinkRequest } from '../../src/kernel/netlink/transport.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { type Address, addressBytes, type Cidr, familyOf } from '../../src/model/address.js';

const [ENOENT, EBUSY] = [2, 16];
const TABLE = [
  flowMessage('10.65.0.1', '10.65.0.2'),
  flowMessage('10.65.0.2', '10.65.0.1'),
  flowMessage('10.65.0.1', '192.0.2.1'),
  flowMessage('192.0.2.1', '192.0.2.2'),
  flowMessage('fd65::1', 'fd65::2'),
];

/** A kernel that knows no filters: it sends the whole table of the family. */
function open(answers: readonly (NetlinkError | undefined)[] = []) {
  const dumps: NetlinkRequest[] = [];
  const conntrack = openConntrack({
    request: async (requests) => requests.map((_, index) => answers[index]),
    async dump(request) {
      dumps.push(request);
      return TABLE.filter(({ payload }) => payload[0] === request.payload[0]);
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  });
  return { conntrack, dumps };
}

function flowMessage(source: string, destination: string): NetlinkMessage {
  const is4 = familyOf(source as Address) === 4;
  const [from, to] = is4 ? [CTA_IP.V4_SRC, CTA_IP.V4_DST] : [CTA_IP.V6_SRC, CTA_IP.V6_DST];
  const tuple = (type: number, a: string, b: string) =>
    nestedAttribute(type, [
      nestedAttribute(CTA_TUPLE.IP, [
        { type: from, data: addressBytes(a as Address) },
        { type: to, data: addressBytes(b as Address) },
      ]),
      nestedAttribute(CTA_TUPLE.PROTO, [{ type: CTA_PROTO.NUM, data: Uint8Array.of(17) }]),
    ]);
  const attributes = [
    tuple(CTA.TUPLE_ORIG, source, destination),
    tuple(CTA.TUPLE_REPLY, destination, source),
  ];
  const payload = encodePayload(Uint8Array.of(is4 ? 2 : 10, 0, 0, 0), attributes);
  return { type: CTNETLINK.NEW, flags: 2, payload };
}

const lists = test.macro({
  async exec(t, networks: readonly string[], expected: readonly string[], listings: number) {
    const { conntrack, dumps } = open();
    const flows = await conntrack.flowsOf(networks as readonly Cidr[]);
    t.deepEqual(flows.map(({ original }) => `${original.source} > ${original.destination}`).sort(), expected);
    t.is(dumps.length, listings);
  },
  title: (what) => `flowsOf() lists the flows of ${what}, each once`,
});

const OF_1 = ['10.65.0.1 > 10.65.0.2', '10.65.0.1 > 192.0.2.1', '10.65.0.2 > 10.65.0.1'];
test('an address', lists, ['10.65.0.1/32'], OF_1, 2);
test('both ends', lists, ['10.65.0.1/32', '10.65.0.2/32'], OF_1, 4);
test('many addresses', lists, ['10.65.0.1/32', '10.65.0.2/32', '10.65.0.3/32'], OF_1, 1);
test('a network', lists, ['10.65.0.0/24'], OF_1, 1);
test('an address in IPv6', lists, ['fd65::2/128'], ['fd65::1 > fd65::2'], 1);
test(
  'both families',
  lists,
  ['10.65.0.2/32', 'fd65::/64'],
  [OF_1[0] ?? '', OF_1[2] ?? '', 'fd65::1 > fd65::2'],
  3,
);
test('nobody', lists, [], [], 0);

test('delete() counts a flow that ended by itself as deleted, and returns other refusals', async (t) => {
  const { conntrack } = open([netlinkError(ENOENT), undefined, netlinkError(EBUSY)]);
  const flows = await conntrack.flowsOf(['10.65.0.1/32' as Cidr]);
  t.deepEqual(
    (await conntrack.delete(flows)).map((error) => error?.code),
    [undefined, undefined, 'EBUSY'],
  );
});
