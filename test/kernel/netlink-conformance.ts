/**
 * What every netlink transport has to do, on the real kernel, in a private namespace.
 *
 * A transport is done when `netlinkConformance()` passes for it. iproute2 is the second opinion: what we write
 * is read with `ip`, what `ip` writes is read by us.
 */
import test, { type ExecutionContext } from 'ava';
import { NLM_F, RT_SCOPE, RT_TABLE_MAIN, RTN } from '../../src/kernel/netlink/constants.js';
import { encodeRoute } from '../../src/kernel/netlink/route.js';
import type { NetlinkTransport } from '../../src/kernel/netlink/transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import type { KernelNeighbor, KernelRoute, Link, RouteOp, RtNetlink } from '../../src/kernel/rtnetlink.js';
import {
  type Address,
  type Cidr,
  familyOf,
  hostCidr,
  type InterfaceAddress,
  IP_FAMILIES,
  type IpFamily,
  type MacAddress,
} from '../../src/model/address.js';
import { createVeth, ip, ipJson, requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

const PROTOCOL = 80;
const MAC = 'ee:ee:ee:ee:ee:ee' as MacAddress;
const HOST: Record<IpFamily, Address> = { 4: '192.168.1.1' as Address, 6: 'fd65::1' as Address };

export interface ConformanceOptions {
  /** Refusals carry the kernel's own words. */
  readonly extendedAck: boolean;
}

interface Fixture {
  readonly transport: NetlinkTransport;
  readonly rtnetlink: RtNetlink;
  readonly link: Link;
}

/** Registers the tests of one transport. */
export function netlinkConformance(
  name: string,
  open: () => Promise<NetlinkTransport>,
  options: ConformanceOptions,
): void {
  requirePrivateNetns();
  const withVeth = (title: string, body: (t: ExecutionContext, fixture: Fixture) => Promise<void>) =>
    test.serial(`${name}: ${title}`, async (t) => {
      await using veth = await createVeth();
      await using transport = await open();
      const rtnetlink = openRtNetlink(transport);
      await body(t, { transport, rtnetlink, link: await linkNamed(rtnetlink, veth.name) });
    });
  linkTests(withVeth);
  routeTests(withVeth);
  neighborTests(withVeth);
  tunnelTests(withVeth);
  batchTests(withVeth);
  refusalTests(withVeth, options);
}

type Register = (title: string, body: (t: ExecutionContext, fixture: Fixture) => Promise<void>) => void;

function linkTests(withVeth: Register): void {
  withVeth('links() tells name, index, MAC address, MTU and state', async (t, { rtnetlink, link }) => {
    await ip(`link set ${link.name} down`);
    await ip(`link set ${link.name} address 02:00:00:00:00:77 mtu 1400`);
    const [shown] = await ipJson(`link show ${link.name}`);
    t.deepEqual(await linkNamed(rtnetlink, link.name), {
      index: shown?.ifindex as number,
      name: link.name,
      mac: '02:00:00:00:00:77' as MacAddress,
      mtu: 1400,
      up: false,
      running: false,
    });
    await ip(`link set ${link.name} up`);
    // The carrier comes a moment later.
    const running = async () => (await linkNamed(rtnetlink, link.name)).running;
    await t.notThrowsAsync(until(running, { what: 'the carrier' }));
    t.like(await linkNamed(rtnetlink, link.name), { up: true });
    t.like(await linkNamed(rtnetlink, 'lo'), { index: 1, mac: undefined });
  });
}

function routeTests(withVeth: Register): void {
  withVeth('a route is added, seen by ip, changed and deleted, in both families', async (t, fixture) => {
    const { rtnetlink, link } = fixture;
    await using second = await createVeth();
    const other = await linkNamed(rtnetlink, second.name);
    for (const family of IP_FAMILIES) {
      const route = hostRoute(HOST[family], link.index);
      const seen = async () =>
        (await ipJson(`-${family} route show proto ${PROTOCOL}`)).map(({ dst, dev }) => ({ dst, dev }));

      t.deepEqual(await rtnetlink.apply([replace(route)]), [undefined]);
      t.deepEqual(await seen(), [{ dst: HOST[family], dev: link.name }]);
      t.deepEqual(await rtnetlink.apply([replace(route)]), [undefined], 'a second time it is no error');

      const moved = { ...route, interfaceIndex: other.index };
      t.deepEqual(await rtnetlink.apply([replace(moved)]), [undefined]);
      t.deepEqual(await seen(), [{ dst: HOST[family], dev: other.name }]);
      t.deepEqual(await rtnetlink.routes(family, { protocol: PROTOCOL }), [readBack(moved)]);

      t.deepEqual(await rtnetlink.apply([remove(moved)]), [undefined]);
      t.deepEqual(await seen(), []);
    }
  });

  withVeth('routes() reads what ip wrote: gateway, metric, blackhole, default', async (t, fixture) => {
    const { rtnetlink, link } = fixture;
    await ip(`addr add 10.65.0.2/24 dev ${link.name}`);
    await ip(`route add 10.1.0.0/24 via 10.65.0.1 dev ${link.name} metric 7 proto 81`);
    await ip('route add blackhole 10.2.0.0/16 proto 81');
    await ip(`route add default via 10.65.0.1 proto 81`);
    const universe = { ...hostRoute(HOST[4], link.index), protocol: 81, scope: RT_SCOPE.UNIVERSE };
    const gateway = '10.65.0.1' as Address;
    const routes = await rtnetlink.routes(4, { protocol: 81 });
    t.deepEqual(
      [...routes].sort((a, b) => a.destination.localeCompare(b.destination)),
      [
        { ...universe, destination: '0.0.0.0/0' as Cidr, gateway },
        { ...universe, destination: '10.1.0.0/24' as Cidr, gateway, priority: 7 },
        { ...universe, destination: '10.2.0.0/16' as Cidr, interfaceIndex: undefined, type: RTN.BLACKHOLE },
      ],
    );
    await ip('route delete blackhole 10.2.0.0/16');
  });

  withVeth(
    'routes() leaves out other tables, and other protocols when one is asked for',
    async (t, fixture) => {
      const { rtnetlink, link } = fixture;
      await ip(`route add 10.3.0.0/24 dev ${link.name} proto 82`);
      await ip(`route add 10.4.0.0/24 dev ${link.name} proto 83`);
      await ip(`route add 10.5.0.0/24 dev ${link.name} proto 82 table 1000`);
      const destinations = async (filter?: { protocol: number }) =>
        (await rtnetlink.routes(4, filter)).map(({ destination }) => destination).sort();
      t.deepEqual(await destinations({ protocol: 82 }), ['10.3.0.0/24' as Cidr]);
      t.deepEqual(await destinations(), ['10.3.0.0/24' as Cidr, '10.4.0.0/24' as Cidr]);
    },
  );

  withVeth(
    'delete takes the route that it describes, not its neighbour of another metric',
    async (t, fixture) => {
      const { rtnetlink, link } = fixture;
      for (const family of IP_FAMILIES) {
        const route = hostRoute(HOST[family], link.index);
        const worse = { ...route, priority: 2048 };
        t.deepEqual(await rtnetlink.apply([replace(route), replace(worse)]), [undefined, undefined]);
        t.deepEqual(await rtnetlink.apply([remove(worse)]), [undefined]);
        t.deepEqual(await rtnetlink.routes(family, { protocol: PROTOCOL }), [readBack(route)]);
      }
    },
  );
}

function neighborTests(withVeth: Register): void {
  withVeth(
    'a permanent neighbour is added, seen by ip, and deleted, in both families',
    async (t, fixture) => {
      const { rtnetlink, link } = fixture;
      for (const family of IP_FAMILIES) {
        const neighbor: KernelNeighbor = {
          family,
          address: HOST[family],
          interfaceIndex: link.index,
          mac: MAC,
          state: 0x80,
        };
        const seen = () => ipJson(`-${family} neigh show nud permanent dev ${link.name}`);
        t.deepEqual(await rtnetlink.apply([{ op: 'replace', object: 'neighbor', neighbor }]), [undefined]);
        t.like((await seen())[0], { dst: HOST[family], lladdr: MAC, state: ['PERMANENT'] });
        const entries = await rtnetlink.neighbors(family);
        t.deepEqual(
          entries.filter(({ state }) => state === 0x80),
          [neighbor],
        );
        t.deepEqual(await rtnetlink.apply([{ op: 'delete', object: 'neighbor', neighbor }]), [undefined]);
        t.deepEqual(await seen(), []);
      }
    },
  );
}

function tunnelTests(withVeth: Register): void {
  withVeth(
    'a VXLAN device is made whole, read back, changed and removed, in both families',
    async (t, fixture) => {
      const { rtnetlink, link } = fixture;
      for (const family of IP_FAMILIES) {
        const name = `vx-${family}`;
        const made = { id: 4096, port: 4789, local: HOST[family], underlay: link.index, learning: false };
        const create: RouteOp = {
          op: 'create',
          object: 'vxlan',
          link: { name, mac: MAC, mtu: 1400, vxlan: made },
        };
        t.deepEqual(await rtnetlink.apply([create]), [undefined]);
        const [shown] = await ipJson(`-d link show ${name}`);
        t.like(shown, { mtu: 1400, address: MAC, flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'] });
        t.like((shown as unknown as { linkinfo: object }).linkinfo, {
          info_kind: 'vxlan',
          info_data: {
            id: 4096,
            port: 4789,
            learning: false,
            [family === 4 ? 'local' : 'local6']: HOST[family],
          },
        });
        const device = await linkNamed(rtnetlink, name);
        t.like(device, { mac: MAC, mtu: 1400, up: true, vxlan: made });
        t.is((await rtnetlink.apply([create]))[0]?.code, 'EEXIST');

        const changed = { index: device.index, mtu: 1300, up: false, mac: '66:00:00:00:00:07' as MacAddress };
        t.deepEqual(await rtnetlink.apply([{ op: 'change', object: 'link', link: changed }]), [undefined]);
        t.like(await linkNamed(rtnetlink, name), { ...changed, vxlan: made });
        t.deepEqual(await rtnetlink.apply([{ op: 'delete', object: 'link', link: device }]), [undefined]);
        t.false((await rtnetlink.links()).some((other) => other.name === name));
      }
    },
  );

  withVeth(
    'two VXLAN devices of one number and port stand side by side, one a family',
    async (t, { rtnetlink }) => {
      const create = (family: IpFamily): RouteOp => {
        const vxlan = { id: 4096, port: 4789, local: HOST[family], underlay: undefined, learning: false };
        return { op: 'create', object: 'vxlan', link: { name: `vx-${family}`, mac: MAC, mtu: 1400, vxlan } };
      };
      t.deepEqual(await rtnetlink.apply(IP_FAMILIES.map(create)), [undefined, undefined]);
      for (const family of IP_FAMILIES) await ip(`link delete vx-${family}`);
    },
  );

  withVeth(
    'a line of a forwarding table is added, seen by bridge, changed and deleted',
    async (t, fixture) => {
      const { rtnetlink, link } = fixture;
      for (const family of IP_FAMILIES) {
        await ip(`link add vx-f type vxlan id 7 dstport 4789 local ${HOST[family]} nolearning`);
        try {
          const { index } = await linkNamed(rtnetlink, 'vx-f');
          const entry = { interfaceIndex: index, mac: MAC, destination: HOST[family], state: 0x80 };
          const put = (destination: Address): RouteOp => ({
            ...{ op: 'replace', object: 'forwarding' },
            entry: { ...entry, destination },
          });
          const elsewhere = (family === 4 ? '192.168.1.9' : 'fd65::9') as Address;
          const listed = async () =>
            (await rtnetlink.forwarding()).filter(({ interfaceIndex }) => interfaceIndex === index);
          t.deepEqual(await rtnetlink.apply([put(elsewhere), put(HOST[family])]), [undefined, undefined]);
          t.deepEqual(await listed(), [entry]);
          t.deepEqual(await rtnetlink.apply([{ op: 'delete', object: 'forwarding', entry }]), [undefined]);
          t.deepEqual(await listed(), []);
          t.is((await rtnetlink.apply([{ op: 'delete', object: 'forwarding', entry }]))[0]?.code, 'ENOENT');
          t.true((await rtnetlink.links()).some((other) => other.index === link.index));
        } finally {
          await ip('link delete vx-f');
        }
      }
    },
  );

  withVeth(
    'an address is added, seen by ip and by addresses(), and deleted',
    async (t, { rtnetlink, link }) => {
      for (const family of IP_FAMILIES) {
        const address = {
          address: hostCidr(HOST[family]) as string as InterfaceAddress,
          interfaceIndex: link.index,
        };
        const ours = async () =>
          (await rtnetlink.addresses()).filter((one) => one.address === address.address);
        const put: RouteOp = { op: 'replace', object: 'address', address };
        t.deepEqual(await rtnetlink.apply([put, put]), [undefined, undefined], 'twice is no error');
        t.deepEqual(await ours(), [address]);
        const [shown] = await ipJson(`-${family} addr show dev ${link.name} to ${HOST[family]}`);
        t.is((shown as unknown as { addr_info: { local: string }[] }).addr_info[0]?.local, HOST[family]);
        t.deepEqual(await rtnetlink.apply([{ op: 'delete', object: 'address', address }]), [undefined]);
        t.deepEqual(await ours(), []);
      }
    },
  );

  withVeth('a route goes to a gateway that only the route says is there', async (t, { rtnetlink, link }) => {
    for (const family of IP_FAMILIES) {
      const route: KernelRoute = {
        ...hostRoute(HOST[family], link.index),
        scope: RT_SCOPE.UNIVERSE,
        gateway: (family === 4 ? '10.65.9.0' : 'fd65:9::') as Address,
        onlink: true,
      };
      t.deepEqual(await rtnetlink.apply([replace(route)]), [undefined]);
      t.deepEqual(await rtnetlink.routes(family, { protocol: PROTOCOL }), [readBack(route)]);
      t.deepEqual(await rtnetlink.apply([remove(route)]), [undefined]);
    }
  });
}

function batchTests(withVeth: Register): void {
  withVeth('each refusal in a batch stands at the place of its request', async (t, { rtnetlink, link }) => {
    const isBad = (index: number) => index % 7 === 3;
    const ops = Array.from({ length: 300 }, (_, index) => {
      const route = hostRoute(`10.20.${index >> 8}.${index & 255}` as Address, link.index);
      return replace(isBad(index) ? { ...route, interfaceIndex: 0x7fff_fff0 } : route);
    });
    const answers = await rtnetlink.apply(ops);
    t.deepEqual(
      answers.map((answer) => answer?.code),
      ops.map((_, index) => (isBad(index) ? 'ENODEV' : undefined)),
    );
    const good = ops.filter((_, index) => !isBad(index)).length;
    t.is((await rtnetlink.routes(4, { protocol: PROTOCOL })).length, good);
  });

  withVeth('requests made at the same time each get their own answer', async (t, { rtnetlink, link }) => {
    const tasks = Array.from({ length: 20 }, async (_, index) => {
      const route = hostRoute(`10.21.0.${index}` as Address, link.index);
      const [added] = await rtnetlink.apply([replace(route)]);
      const routes = await rtnetlink.routes(4, { protocol: PROTOCOL });
      const [removed] = await rtnetlink.apply([remove(route)]);
      const [again] = await rtnetlink.apply([remove(route)]);
      return {
        added,
        present: routes.some(({ destination }) => destination === route.destination),
        removed,
        again: again?.code,
      };
    });
    for (const outcome of await Promise.all(tasks))
      t.deepEqual(outcome, { added: undefined, present: true, removed: undefined, again: 'ESRCH' });
  });

  withVeth('10,000 routes are installed and read back', async (t, { rtnetlink, link }) => {
    const destinations = Array.from(
      { length: 10_000 },
      (_, index) => `10.${22 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}` as Address,
    );
    const answers = await rtnetlink.apply(
      destinations.map((address) => replace(hostRoute(address, link.index))),
    );
    t.true(answers.every((answer) => answer === undefined));
    const routes = await rtnetlink.routes(4, { protocol: PROTOCOL });
    t.deepEqual(
      new Set(routes.map(({ destination }) => destination)),
      new Set(destinations.map((address) => hostCidr(address))),
    );
  });

  withVeth('no request is no work', async (t, { rtnetlink }) => {
    t.deepEqual(await rtnetlink.apply([]), []);
  });
}

function refusalTests(withVeth: Register, { extendedAck }: ConformanceOptions): void {
  withVeth('deleting what is not there is ESRCH for a route, ENOENT for a neighbour', async (t, fixture) => {
    const { rtnetlink, link } = fixture;
    for (const family of IP_FAMILIES) {
      const address = HOST[family];
      const neighbor = { family, address, interfaceIndex: link.index, mac: undefined, state: 0 };
      const answers = await rtnetlink.apply([
        remove(hostRoute(address, link.index)),
        { op: 'delete', object: 'neighbor', neighbor },
      ]);
      t.deepEqual(
        answers.map((answer) => answer?.code),
        ['ESRCH', 'ENOENT'],
      );
    }
  });

  withVeth('creating what exists is EEXIST', async (t, { rtnetlink, link }) => {
    for (const family of IP_FAMILIES) {
      const create: RouteOp = { op: 'create', object: 'route', route: hostRoute(HOST[family], link.index) };
      const [first, second] = await rtnetlink.apply([create, create]);
      t.is(first, undefined);
      t.like(second, { errno: 17, code: 'EEXIST' });
    }
  });

  withVeth('a gateway that is not reachable is ENETUNREACH', async (t, { rtnetlink, link }) => {
    const route = hostRoute(HOST[4], link.index);
    const [refusal] = await rtnetlink.apply([
      replace({ ...route, gateway: '10.77.0.1' as Address, scope: RT_SCOPE.UNIVERSE }),
    ]);
    t.like(refusal, { errno: 101, code: 'ENETUNREACH' });
    t.is(refusal?.extendedAck, extendedAck ? 'Nexthop has invalid gateway' : undefined);
  });

  withVeth('a dump that the kernel refuses throws its errno', async (t, { transport }) => {
    // 0xfffe is no message type that rtnetlink knows.
    const request = { type: 0xfffe, flags: NLM_F.DUMP, payload: new Uint8Array(16) };
    await t.throwsAsync(transport.dump(request), { name: 'NetlinkError', code: 'EOPNOTSUPP' });
  });

  withVeth('after close() requests are rejected, and closing again is no error', async (t, { transport }) => {
    await transport.close();
    await transport.close();
    const { payload, type } = encodeRoute('delete', hostRoute(HOST[4], 1));
    await t.throwsAsync(transport.request([{ type, payload, flags: 0 }]), { message: /closed/ });
  });
}

async function linkNamed(rtnetlink: RtNetlink, name: string): Promise<Link> {
  const link = (await rtnetlink.links()).find((candidate) => candidate.name === name);
  if (!link) throw new Error(`The kernel lists no link ${name}`);
  return link;
}

function hostRoute(address: Address, interfaceIndex: number): KernelRoute {
  const family = familyOf(address);
  return {
    family,
    destination: hostCidr(address),
    interfaceIndex,
    gateway: undefined,
    table: RT_TABLE_MAIN,
    protocol: PROTOCOL,
    scope: family === 4 ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
    type: RTN.UNICAST,
    priority: undefined,
  };
}

/** IPv6 names the metric that a route without one is given. */
function readBack(route: KernelRoute): KernelRoute {
  return route.family === 6 ? { ...route, priority: route.priority ?? 1024 } : route;
}

function replace(route: KernelRoute): RouteOp {
  return { op: 'replace', object: 'route', route };
}

function remove(route: KernelRoute): RouteOp {
  return { op: 'delete', object: 'route', route };
}
