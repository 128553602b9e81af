/**
 * The whole dataplane on the real kernel, with real packets: two workloads, their host, and a machine outside.
 *
 * This process's namespace is the host. One file per backend runs these tests, as rules of both would apply.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { DEFAULT_AGENT_SETTINGS } from '../../src/agent/calc/agent-settings.js';
import type { CompiledRule, DataplaneUpdate, IpSetId, LocalEndpoint } from '../../src/agent/calc/updates.js';
import { type BackendName, backends } from '../../src/agent/dataplane/backends/index.js';
import { createDataplane, type Dataplane } from '../../src/agent/dataplane/dataplane.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { exec } from '../../src/kernel/exec.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import type { StoredId } from '../../src/layout/layout.js';
import { hostCidr, IP_FAMILIES, type IpFamily, parseAddress, parseMac } from '../../src/model/address.js';
import { PROTOCOL_NUMBERS } from '../../src/model/rule.js';
import {
  bringUpLoopback,
  createNamespace,
  createVeth,
  ip,
  type Namespace,
  requirePrivateNetns,
  run,
} from '../helpers/netns.js';
import { cidr } from './dataplane-fixture.js';

const HOST_MAC = '02:00:00:00:00:fe';
const HOST_LINK_LOCAL = 'fe80::ff:fe00:fe';
const NO_DAD = ['-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0'];

const HOST = { 4: '10.99.0.1', 6: 'fd99::1' } as const;
const OUTSIDE = { 4: '10.99.0.254', 6: 'fd99::fe' } as const;

interface Workload {
  readonly name: string;
  readonly number: number;
  readonly ns: Namespace;
}

interface World extends AsyncDisposable {
  readonly first: Workload;
  readonly second: Workload;
  readonly outside: Namespace;
  /** A dataplane as a freshly started agent has it. */
  start(): Dataplane;
  /** Programs run since the last look. */
  calls(): readonly string[];
}

export function dataplanePackets(backend: BackendName): void {
  requirePrivateNetns();
  test.before(async () => {
    await bringUpLoopback();
    await run('sysctl', NO_DAD);
  });

  const scenario = (title: string, body: (t: ExecutionContext, world: World) => Promise<void>): void => {
    test.serial(`${backend}: ${title}`, async (t) => {
      await using world = await createWorld(backend);
      await body(t, world);
    });
  };

  scenario(
    'a workload interface that nobody told of is closed, before any endpoint is there',
    async (t, world) => {
      const dataplane = world.start();
      t.deepEqual((await dataplane.apply([])).failures, []);
      t.deepEqual(await dataplane.verify(), []);
      await ip('route add 10.65.0.1/32 dev cali1');
      await run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.cali1.proxy_arp=1']);
      t.is(await tcp(world.first.ns, HOST[4], 22), 'dropped', 'to the host');
      t.is(await tcp(world.first.ns, OUTSIDE[4], 22), 'dropped', 'through the host');
    },
  );

  scenario('policy decides between workloads, in both families and directions', async (t, world) => {
    const dataplane = world.start();
    await applied(t, dataplane, [
      profile('web', { ingress: [rule('Allow', { protocol: 'TCP', ports: [80] })], egress: [rule('Allow')] }),
      profile('client', { ingress: [], egress: [rule('Allow')] }),
      endpoint(world.first, ['client']),
      endpoint(world.second, ['web']),
    ]);
    t.deepEqual(await dataplane.verify(), []);
    for (const family of IP_FAMILIES) {
      const [client, web] = [addressOf(world.first, family), addressOf(world.second, family)];
      t.is(await tcp(world.first.ns, web, 80), 'delivered', `TCP 80, IPv${family}`);
      t.is(await tcp(world.first.ns, web, 81), 'dropped', `TCP 81, IPv${family}`);
      t.false(await pings(world.first.ns, web), `ping, IPv${family}`);
      t.is(await tcp(world.second.ns, client, 80), 'dropped', `the other way, IPv${family}`);
    }

    await applied(t, dataplane, [
      profile('client', { ingress: [rule('Allow', { protocol: 'ICMP' })], egress: [] }),
      profile('web', {
        ingress: [rule('Allow')],
        egress: [rule('Deny', { protocol: 'TCP', ports: [80] }), rule('Allow')],
      }),
    ]);
    for (const family of IP_FAMILIES) {
      const [client, web] = [addressOf(world.first, family), addressOf(world.second, family)];
      t.is(await tcp(world.first.ns, web, 80), 'dropped', `egress is denied, IPv${family}`);
      t.is(await pings(world.second.ns, client), family === 4, `ICMP is IPv4 only, IPv${family}`);
      t.is(await tcp(world.second.ns, client, 80), 'dropped', `egress rule, IPv${family}`);
    }
  });

  scenario('tiers come first, Pass goes on to profiles, and the end of a tier drops', async (t, world) => {
    const dataplane = world.start();
    const tiers = (policies: readonly string[]): LocalEndpoint['ingress'] => ({
      tiers: [{ name: 'default', policies, endOfTier: 'Deny' }],
      profiles: ['open'],
      default: 'Deny',
    });
    await applied(t, dataplane, [
      policy('ping', [rule('Allow', { protocol: 'ICMP' })]),
      policy('web', [
        rule('Pass', { protocol: 'TCP', ports: [80] }),
        rule('Log', { protocol: 'TCP', ports: [81] }),
        rule('Deny', { protocol: 'TCP', ports: [81] }),
      ]),
      profile('open', { ingress: [rule('Allow')], egress: [rule('Allow')] }),
      endpoint(world.first, ['open']),
      { ...endpoint(world.second, ['open'], { ingress: tiers(['ping', 'web']) }) },
    ]);
    const web = addressOf(world.second, 4);
    t.true(await pings(world.first.ns, web));
    t.is(await tcp(world.first.ns, web, 80), 'delivered', 'passed to the profile');
    t.is(await tcp(world.first.ns, web, 81), 'dropped', 'denied');
    t.is(await tcp(world.first.ns, web, 82), 'dropped', 'end of tier');
  });

  scenario('a host reaches its workloads, and they reach it when settings say so', async (t, world) => {
    const dataplane = world.start();
    await applied(t, dataplane, [
      profile('p', { ingress: [], egress: [rule('Deny', { protocol: 'TCP', ports: [81] }), rule('Allow')] }),
      endpoint(world.first, ['p']),
    ]);
    for (const family of IP_FAMILIES) {
      t.true(await pings({ exec }, addressOf(world.first, family)), `from the host, IPv${family}`);
      t.is(await tcp(world.first.ns, HOST[family], 179), 'dropped', `BGP to the host, IPv${family}`);
    }
    await applied(t, dataplane, [settings({ defaultEndpointToHostAction: 'Accept' })]);
    for (const family of IP_FAMILIES) {
      t.is(await tcp(world.first.ns, HOST[family], 80), 'delivered', `Accept, IPv${family}`);
      t.is(await tcp(world.first.ns, HOST[family], 81), 'dropped', `egress rules hold, IPv${family}`);
    }
  });

  scenario('an endpoint that is down or gone is closed and has no route', async (t, world) => {
    const dataplane = world.start();
    const open = profile('open', { ingress: [rule('Allow')], egress: [rule('Allow')] });
    await applied(t, dataplane, [open, endpoint(world.first, ['open']), endpoint(world.second, ['open'])]);
    const second = addressOf(world.second, 4);
    t.true(await pings(world.first.ns, second));

    await applied(t, dataplane, [endpoint(world.second, ['open'], { active: false })]);
    t.is(await run('ip', ['route', 'show', second]), '');
    t.is(await tcp(world.second.ns, addressOf(world.first, 4), 80), 'dropped');

    await applied(t, dataplane, [endpoint(world.second, ['open'])]);
    t.true(await pings(world.first.ns, second));
    await applied(t, dataplane, [{ type: 'workload-endpoint-remove', id: idOf(world.second) }]);
    t.is(await run('ip', ['route', 'show', second]), '');
    t.is(await tcp(world.second.ns, addressOf(world.first, 4), 80), 'dropped');
    t.deepEqual(await dataplane.verify(), []);
  });

  scenario(
    'a workload cannot send from another address, nor advertise itself as a router',
    async (t, world) => {
      const dataplane = world.start();
      const open = profile('open', { ingress: [rule('Allow')], egress: [rule('Allow')] });
      await applied(t, dataplane, [open, endpoint(world.first, ['open']), endpoint(world.second, ['open'])]);
      for (const [family, liar] of [
        [4, '10.65.0.77'],
        [6, 'fd65::77'],
      ] as const) {
        const target = addressOf(world.second, family);
        t.true(await pings(world.first.ns, target));
        const before = await echoes(world.second.ns, family);
        await world.first.ns.ip(
          `addr add ${hostCidr(address(liar))} dev eth0${family === 6 ? ' nodad' : ''}`,
        );
        t.false(await pings(world.first.ns, target, ['-I', liar]));
        t.is(await echoes(world.second.ns, family), before, `IPv${family}`);
      }
      await world.first.ns.run('python3', ['-c', ROUTER_ADVERTISEMENT]);
      const rules = await run(`ip6tables-${variantOf(backend)}-save`, ['-c', '-t', 'raw']);
      t.regex(rules, /^\[[1-9].*Router advertisement/m);
    },
  );

  scenario('natOutgoing hides the addresses of a pool from the outside only', async (t, world) => {
    const dataplane = world.start();
    const open = profile('open', { ingress: [rule('Allow')], egress: [rule('Allow')] });
    await applied(t, dataplane, [open, endpoint(world.first, ['open']), endpoint(world.second, ['open'])]);
    for (const family of IP_FAMILIES)
      t.false(await pings(world.first.ns, OUTSIDE[family]), `the outside has no way back, IPv${family}`);
    const pools = [cidr('10.65.0.0/16'), cidr('fd65::/64')];
    await applied(
      t,
      dataplane,
      pools.map((pool) => ({ type: 'pool-update', cidr: pool, masquerade: true })),
    );
    for (const family of IP_FAMILIES)
      t.true(await pings(world.first.ns, OUTSIDE[family]), `as the host, IPv${family}`);
    t.true(await pings(world.first.ns, addressOf(world.second, 4)));
    await applied(t, dataplane, [{ type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: false }]);
    t.false(await pings(world.first.ns, OUTSIDE[4]));
    t.deepEqual(await dataplane.verify(), []);
  });

  scenario('no packet meets an old rule with new members, or a new rule with old ones', async (t, world) => {
    const dataplane = world.start();
    const set = 's:friends' as IpSetId;
    const members = IP_FAMILIES.map((family) => hostCidr(address(addressOf(world.first, family))));
    // Denied either way: nobody is allowed, or everybody but the members. A mix of the two would let them in.
    const nobody = profile('p', { ingress: [rule('Allow', { set })], egress: [rule('Allow')] });
    const others = profile('p', { ingress: [rule('Deny', { set }), rule('Allow')], egress: [rule('Allow')] });
    await applied(t, dataplane, [
      { type: 'ip-set-update', id: set, setType: 'hash:ip', members: new Set() },
      nobody,
      endpoint(world.first, ['p']),
      endpoint(world.second, ['p']),
    ]);
    const flood = (family: IpFamily) =>
      world.first.ns.exec('ping', ['-q', '-i', '0.002', '-w', '3', addressOf(world.second, family)]);
    let over = false;
    const floods = Promise.all(IP_FAMILIES.map(flood)).finally(() => {
      over = true;
    });
    let flips = 0;
    for (; !over; flips += 1) {
      const there = flips % 2 === 0;
      await applied(t, dataplane, [
        { type: 'ip-set-delta', id: set, added: there ? members : [], removed: there ? [] : members },
        there ? others : nobody,
      ]);
    }
    t.true(flips > 10, `${flips} flips`);
    for (const { stdout } of await floods) t.regex(stdout, /[1-9]\d* packets transmitted, 0 received/);
  });

  scenario('a restart with the same state writes nothing and loses no packet', async (t, world) => {
    const batch: readonly DataplaneUpdate[] = [
      {
        type: 'ip-set-update',
        id: 't:all' as IpSetId,
        setType: 'hash:net',
        members: new Set([cidr('10.65.0.0/16')]),
      },
      profile('open', { ingress: [rule('Allow', { set: 't:all' as IpSetId })], egress: [rule('Allow')] }),
      endpoint(world.first, ['open']),
      endpoint(world.second, ['open']),
      { type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: true },
    ];
    await applied(t, world.start(), batch);
    const flood = world.first.ns.exec('ping', ['-q', '-i', '0.01', '-c', '100', addressOf(world.second, 4)]);
    world.calls();
    const restarted = world.start();
    t.is((await restarted.apply([settings({}), ...batch])).changed, 0);
    t.deepEqual(
      world.calls().filter((call) => call.includes('restore')),
      [],
    );
    restarted.resync();
    t.is((await restarted.apply([])).changed, 0);
    t.regex((await flood).stdout, /100 received/);
  });
}

async function createWorld(backend: BackendName): Promise<World> {
  const stack = new AsyncStack();
  const lockFile = `/run/heddle-test-${process.pid}.lock`;
  stack.defer(() => rm(lockFile, { force: true }));
  stack.defer(() => wipe(variantOf(backend)));
  const outside = stack.use(await createNamespace('out'));
  const uplink = stack.use(await createVeth({ peer: 'eth0', peerNamespace: outside }));
  await ip(`addr add ${HOST[4]}/24 dev ${uplink.name}`);
  await ip(`addr add ${HOST[6]}/64 dev ${uplink.name} nodad`);
  await ip(`route add default via ${OUTSIDE[4]}`);
  await outside.ip(`addr add ${OUTSIDE[4]}/24 dev eth0`);
  await outside.ip(`addr add ${OUTSIDE[6]}/64 dev eth0 nodad`);
  const rtnetlink = stack.use(openRtNetlink(openKoffiTransport()));
  const calls: string[] = [];
  const counting: typeof exec = (command, args, options) => {
    calls.push([command, ...args].join(' '));
    return exec(command, args, options);
  };
  const first = await createWorkload(stack, 1);
  const second = await createWorkload(stack, 2);
  const { interfacePrefix, deviceRouteProtocol } = DEFAULT_AGENT_SETTINGS;
  return {
    first,
    second,
    outside,
    calls: () => calls.splice(0),
    start: () =>
      createDataplane({
        packetFilters: IP_FAMILIES.map((family) =>
          backends[backend]({ family, exec: counting, pause: (ms) => pause(ms), lockFile }),
        ),
        paths: kernelDrivers({
          families: IP_FAMILIES,
          settings: { interfacePrefix, deviceRouteProtocol },
          rtnetlink,
          procSys,
          exec: counting,
        }),
        now: () => performance.now(),
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Rules of ours must not meet the next test, nor the other backend's file. */
async function wipe(variant: string): Promise<void> {
  for (const tool of ['iptables', 'ip6tables'])
    for (const table of ['raw', 'nat', 'filter'])
      await run(`${tool}-${variant}-restore`, [], { input: `*${table}\nCOMMIT\n` });
  await run('ipset', ['destroy']);
  await exec('conntrack', ['-F']);
}

async function createWorkload(stack: AsyncStack, number: number): Promise<Workload> {
  const ns = stack.use(await createNamespace('wl'));
  await ns.run('sysctl', NO_DAD);
  const name = `cali${number}`;
  stack.use(
    await createVeth({ name, peer: 'eth0', peerNamespace: ns, mac: HOST_MAC, peerMac: 'ee:ee:ee:ee:ee:ee' }),
  );
  await ns.ip(`addr add 10.65.0.${number}/32 dev eth0`);
  await ns.ip(`addr add fd65::${number}/128 dev eth0 nodad`);
  await ns.ip('route add 169.254.1.1 dev eth0 scope link');
  await ns.ip('route add default via 169.254.1.1 dev eth0');
  await ns.ip(`-6 route add default via ${HOST_LINK_LOCAL} dev eth0`);
  return { name, number, ns };
}

async function applied(
  t: ExecutionContext,
  dataplane: Dataplane,
  batch: readonly DataplaneUpdate[],
): Promise<void> {
  t.deepEqual((await dataplane.apply(batch)).failures, []);
}

function settings(changed: Partial<typeof DEFAULT_AGENT_SETTINGS>): DataplaneUpdate {
  return { type: 'settings-update', settings: { ...DEFAULT_AGENT_SETTINGS, ...changed } };
}

function profile(
  name: string,
  rules: { readonly ingress: readonly CompiledRule[]; readonly egress: readonly CompiledRule[] },
): DataplaneUpdate {
  return { type: 'profile-update', name, rules, missing: false };
}

function policy(name: string, ingress: readonly CompiledRule[]): DataplaneUpdate {
  return { type: 'policy-update', tier: 'default', name, rules: { ingress, egress: [] } };
}

/** ICMP is IPv4's, as in every rule that a manifest can say. */
function rule(
  action: CompiledRule['action'],
  options: { protocol?: 'TCP' | 'ICMP'; ports?: readonly number[]; set?: IpSetId } = {},
): CompiledRule {
  const { protocol, ports = [], set } = options;
  const nothing = { nets: [], notNets: [], sets: [], notSets: [], ports: [], notPorts: [] };
  return {
    action,
    ...(protocol && { protocol: PROTOCOL_NUMBERS[protocol] }),
    ...(protocol === 'ICMP' && { family: 4 as const }),
    source: { ...nothing, sets: set ? [set] : [] },
    destination: { ...nothing, ports: ports.map((port) => ({ first: port, last: port })) },
  };
}

function endpoint(
  workload: Workload,
  profiles: readonly string[],
  overrides: Partial<LocalEndpoint> = {},
): DataplaneUpdate {
  const mac = parseMac('ee:ee:ee:ee:ee:ee');
  const attached = { tiers: [], profiles, default: 'Deny' as const };
  return {
    type: 'workload-endpoint-update',
    endpoint: {
      id: idOf(workload),
      interfaceName: workload.name,
      ...(mac && { mac }),
      addresses: IP_FAMILIES.map((family) => address(addressOf(workload, family))),
      active: true,
      ingress: attached,
      egress: attached,
      ...overrides,
    },
  };
}

function idOf({ number }: Workload): StoredId {
  return `WorkloadEndpoint/host/heddle/w${number}/eth0` as StoredId;
}

function addressOf({ number }: Workload, family: IpFamily): string {
  return family === 4 ? `10.65.0.${number}` : `fd65::${number}`;
}

function address(text: string) {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`No address: ${text}`);
  return parsed;
}

function variantOf(backend: BackendName): string {
  return backend === 'iptables' ? 'nft' : 'legacy';
}

/** No listener is needed: a refusal shows that the packet arrived. */
async function tcp(from: Namespace, to: string, port: number): Promise<'delivered' | 'dropped'> {
  const { stdout } = await from.exec('node', ['-e', TCP_PROBE, to, String(port)]);
  if (stdout !== 'delivered' && stdout !== 'dropped') throw new Error(`The probe said: ${stdout}`);
  return stdout;
}

const TCP_PROBE = `
  const [, host, port] = process.argv;
  const end = (word) => { process.stdout.write(word); socket.destroy(); };
  const socket = require('net').connect({ host, port: Number(port), timeout: 500 });
  socket.on('connect', () => end('delivered'));
  socket.on('timeout', () => end('dropped'));
  socket.on('error', (e) => end(e.code === 'ECONNREFUSED' ? 'delivered' : e.code === 'EHOSTUNREACH' ? 'dropped' : e.code));
`;

/** A router advertisement to all nodes (RFC 4861, 4.2); the kernel fills in the checksum. */
const ROUTER_ADVERTISEMENT = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex('eth0'))
s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]), ('ff02::1', 0))
`;

async function pings(
  from: Pick<Namespace, 'exec'>,
  to: string,
  options: readonly string[] = [],
): Promise<boolean> {
  return (await from.exec('ping', ['-c1', '-W1', ...options, to])).code === 0;
}

/** Echo requests that arrived. */
async function echoes(ns: Namespace, family: IpFamily): Promise<number> {
  const counter = family === 4 ? 'IcmpInEchos' : 'Icmp6InEchos';
  const text = await ns.run('nstat', ['-asz', counter]);
  return Number(/\s(\d+)\s/.exec(text.slice(text.indexOf(counter)))?.[1]);
}

/** AsyncDisposableStack, which Node 20 has not. */
class AsyncStack {
  readonly #disposals: (() => PromiseLike<void>)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(dispose: () => PromiseLike<void>): void {
    this.#disposals.push(dispose);
  }

  async disposeAsync(): Promise<void> {
    for (const dispose of this.#disposals.reverse()) await dispose();
  }
}
