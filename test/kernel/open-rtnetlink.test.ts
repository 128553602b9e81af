/** What openRtNetlink() makes of a transport's answers; the kernel here is a function. */
import test from 'ava';
import { RTM } from '../../src/kernel/netlink/constants.js';
import { netlinkError } from '../../src/kernel/netlink/errno.js';
import { encodeRoute } from '../../src/kernel/netlink/route.js';
import type {
  NetlinkEvent,
  NetlinkMessage,
  NetlinkRequest,
  NetlinkTransport,
} from '../../src/kernel/netlink/transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import type { KernelRoute, LinkEvent } from '../../src/kernel/rtnetlink.js';
import type { Cidr } from '../../src/model/address.js';

const [EINTR, ENOENT] = [4, 2];

function fakeTransport(
  dump: (request: NetlinkRequest) => readonly NetlinkMessage[],
  events?: readonly NetlinkEvent[],
): NetlinkTransport {
  return {
    request: async (requests) => requests.map(() => undefined),
    dump: async (request) => dump(request),
    ...(events && {
      async *subscribe() {
        yield* events;
      },
    }),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

function routeMessage(rest: Partial<KernelRoute>): NetlinkMessage {
  const route: KernelRoute = {
    family: 4,
    destination: '192.168.1.1/32' as Cidr,
    interfaceIndex: 3,
    gateway: undefined,
    table: 254,
    protocol: 80,
    scope: 253,
    type: 1,
    priority: undefined,
    ...rest,
  };
  return { type: RTM.NEWROUTE, flags: 2, payload: encodeRoute('replace', route).payload };
}

function linkMessage(type: number, index: number): NetlinkMessage {
  const payload = new Uint8Array(16);
  new DataView(payload.buffer).setInt32(4, index, true);
  return { type, flags: 0, payload };
}

test('links() asks again when the kernel tore the dump', async (t) => {
  let dumps = 0;
  const rtnetlink = openRtNetlink(
    fakeTransport(() => {
      dumps += 1;
      if (dumps < 4) throw netlinkError(EINTR);
      return [linkMessage(RTM.NEWLINK, 7)];
    }),
  );
  t.is((await rtnetlink.links())[0]?.index, 7);
  t.is(dumps, 4);
});

test('links() gives up on a table that changes during every dump', async (t) => {
  const rtnetlink = openRtNetlink(
    fakeTransport(() => {
      throw netlinkError(EINTR);
    }),
  );
  await t.throwsAsync(rtnetlink.links(), { code: 'EINTR' });
});

test('routes() of a table that the kernel has not made yet is empty; a missing link table is an error', async (t) => {
  const rtnetlink = openRtNetlink(
    fakeTransport(() => {
      throw netlinkError(ENOENT, 'ipv4: FIB table does not exist');
    }),
  );
  t.deepEqual(await rtnetlink.routes(4), []);
  await t.throwsAsync(rtnetlink.links(), { code: 'ENOENT' });
});

test('routes() filters again what a kernel without strict checking sends', async (t) => {
  const rtnetlink = openRtNetlink(
    fakeTransport(() => [
      routeMessage({ protocol: 80 }),
      routeMessage({ protocol: 2, destination: '192.168.1.2/32' as Cidr }),
      routeMessage({ table: 255, destination: '192.168.1.3/32' as Cidr }),
    ]),
  );
  const destinations = async (filter?: { protocol: number }) =>
    (await rtnetlink.routes(4, filter)).map(({ destination }) => destination as string);
  t.deepEqual(await destinations({ protocol: 80 }), ['192.168.1.1/32']);
  t.deepEqual(await destinations(), ['192.168.1.1/32', '192.168.1.2/32']);
});

test('linkEvents() passes links and overruns on, and drops what is no link', async (t) => {
  const rtnetlink = openRtNetlink(
    fakeTransport(
      () => [],
      [
        { type: 'message', message: linkMessage(RTM.NEWLINK, 7) },
        { type: 'message', message: routeMessage({}) },
        { type: 'overrun' },
        { type: 'message', message: linkMessage(RTM.DELLINK, 7) },
      ],
    ),
  );
  const seen: LinkEvent[] = [];
  for await (const event of rtnetlink.linkEvents(new AbortController().signal) ?? []) seen.push(event);
  t.is(seen.length, 3);
  t.like(seen[0], { type: 'link', gone: false, link: { index: 7 } });
  t.like(seen[1], { type: 'overrun' });
  t.like(seen[2], { type: 'link', gone: true });
});

test('linkEvents() is undefined over a transport without events', (t) => {
  t.is(openRtNetlink(fakeTransport(() => [])).linkEvents(new AbortController().signal), undefined);
});
