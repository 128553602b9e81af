/**
 * Law 7: every packet meets the old rules or the new ones, on the real kernel, while both change.
 */
import test, { type ExecutionContext } from 'ava';
import type { CompiledRule, DataplaneUpdate, IpSetId, LocalEndpoint } from '../../src/agent/calc/updates.js';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import type { Dataplane } from '../../src/agent/dataplane/dataplane.js';
import { exec } from '../../src/kernel/exec.js';
import { hostCidr, IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { PROTOCOL_NUMBERS } from '../../src/model/rule.js';
import {
  address,
  cidr,
  endpoint,
  endpointId,
  policy,
  ports,
  profile,
  rule,
  settings,
  withProfiles,
} from '../agent/dataplane/batch.js';
import { flood } from '../helpers/flood.js';
import { ip, requirePrivateNetns, run } from '../helpers/netns.js';
import {
  addressOf,
  advertiseRouter,
  answers,
  createWorld,
  echoes,
  HOST,
  OUTSIDE,
  pings,
  prepareHost,
  tcp,
  tcpArrives,
  variantOf,
  type Workload,
  type World,
} from './dataplane-world.js';

/** In the pools, and nobody's. */
const LIAR = { 4: '10.65.0.77', 6: 'fd65::77' } as const;

export function dataplanePackets(backend: BackendName): void {
  requirePrivateNetns();
  test.before(prepareHost);

  const scenario = (title: string, body: (t: ExecutionContext, world: World) => Promise<void>): void => {
    test.serial(`${backend}: ${title}`, async (t) => {
      await using world = await createWorld(backend);
      await body(t, world);
    });
  };

  scenario(
    'a workload interface that nobody told of is closed, before any endpoint is there',
    async (t, world) => {
      await ip('route add 10.65.0.1/32 dev cali1');
      await world.outside.ip(`route add 10.65.0.1/32 via ${HOST[4]}`);
      await run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
      await run('sysctl', ['-qw', 'net.ipv4.conf.cali1.proxy_arp=1', 'net.ipv4.neigh.cali1.proxy_delay=0']);
      for (const place of [HOST[4], OUTSIDE[4]])
        t.is(await tcpArrives(world.first.ns, place, 22), 'delivered', `to ${place} without an agent`);
      const dataplane = world.start();
      t.deepEqual((await dataplane.apply([])).failures, []);
      t.deepEqual(await dataplane.verify(), []);
      t.is(await tcp(world.first.ns, HOST[4], 22), 'dropped', 'to the host');
      t.is(await tcp(world.first.ns, OUTSIDE[4], 22), 'dropped', 'through the host');
    },
  );

  scenario('policy decides between workloads, in both families and directions', async (t, world) => {
    const dataplane = world.start();
    await applied(t, dataplane, [
      profile('web', {
        ingress: [matching('Allow', { protocol: 'TCP', port: 80 })],
        egress: [matching('Allow')],
      }),
      profile('client', { ingress: [], egress: [matching('Allow')] }),
      workloadEndpoint(world.first, ['client']),
      workloadEndpoint(world.second, ['web']),
    ]);
    t.deepEqual(await dataplane.verify(), []);
    for (const family of IP_FAMILIES) {
      const [client, web] = [addressOf(world.first, family), addressOf(world.second, family)];
      t.is(await tcpArrives(world.first.ns, web, 80), 'delivered', `TCP 80, IPv${family}`);
      t.is(await tcp(world.first.ns, web, 81), 'dropped', `TCP 81, IPv${family}`);
      t.false(await pings(world.first.ns, web), `ping, IPv${family}`);
      t.is(await tcp(world.second.ns, client, 80), 'dropped', `the other way, IPv${family}`);
    }

    await applied(t, dataplane, [
      profile('client', { ingress: [matching('Allow', { protocol: 'ICMP' })], egress: [] }),
      profile('web', {
        ingress: [matching('Allow')],
        egress: [matching('Deny', { protocol: 'TCP', port: 80 }), matching('Allow')],
      }),
    ]);
    for (const family of IP_FAMILIES) {
      const [client, web] = [addressOf(world.first, family), addressOf(world.second, family)];
      t.is(await tcp(world.first.ns, web, 80), 'dropped', `egress is denied, IPv${family}`);
      const asked = family === 4 ? answers(world.second.ns, client) : pings(world.second.ns, client);
      t.is(await asked, family === 4, `ICMP is IPv4 only, IPv${family}`);
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
      policy('ping', { ingress: [matching('Allow', { protocol: 'ICMP' })] }),
      policy('web', {
        ingress: [
          matching('Pass', { protocol: 'TCP', port: 80 }),
          matching('Log', { protocol: 'TCP', port: 81 }),
          matching('Deny', { protocol: 'TCP', port: 81 }),
        ],
      }),
      profile('open', { ingress: [matching('Allow')], egress: [matching('Allow')] }),
      workloadEndpoint(world.first, ['open']),
      workloadEndpoint(world.second, ['open'], { ingress: tiers(['ping', 'web']) }),
    ]);
    const web = addressOf(world.second, 4);
    t.true(await answers(world.first.ns, web));
    t.is(await tcpArrives(world.first.ns, web, 80), 'delivered', 'passed to the profile');
    t.is(await tcp(world.first.ns, web, 81), 'dropped', 'denied');
    t.is(await tcp(world.first.ns, web, 82), 'dropped', 'end of tier');
  });

  scenario('a host reaches its workloads, and they reach it when settings say so', async (t, world) => {
    const dataplane = world.start();
    await applied(t, dataplane, [
      profile('p', {
        ingress: [],
        egress: [matching('Deny', { protocol: 'TCP', port: 81 }), matching('Allow')],
      }),
      workloadEndpoint(world.first, ['p']),
    ]);
    for (const family of IP_FAMILIES) {
      t.true(await answers({ exec }, addressOf(world.first, family)), `from the host, IPv${family}`);
      t.is(await tcp(world.first.ns, HOST[family], 179), 'dropped', `BGP to the host, IPv${family}`);
    }
    await applied(t, dataplane, [settings({ defaultEndpointToHostAction: 'Accept' })]);
    for (const family of IP_FAMILIES) {
      t.is(await tcpArrives(world.first.ns, HOST[family], 80), 'delivered', `Accept, IPv${family}`);
      t.is(await tcp(world.first.ns, HOST[family], 81), 'dropped', `egress rules hold, IPv${family}`);
    }
  });

  scenario('an endpoint that is down or gone is closed and has no route', async (t, world) => {
    const dataplane = world.start();
    const open = profile('open', { ingress: [matching('Allow')], egress: [matching('Allow')] });
    await applied(t, dataplane, [
      open,
      workloadEndpoint(world.first, ['open']),
      workloadEndpoint(world.second, ['open']),
    ]);
    const second = addressOf(world.second, 4);
    t.true(await answers(world.first.ns, second));

    await applied(t, dataplane, [workloadEndpoint(world.second, ['open'], { active: false })]);
    t.is(await run('ip', ['route', 'show', second]), '');
    t.is(await tcp(world.second.ns, addressOf(world.first, 4), 80), 'dropped');

    await applied(t, dataplane, [workloadEndpoint(world.second, ['open'])]);
    t.true(await answers(world.first.ns, second));
    await applied(t, dataplane, [{ type: 'workload-endpoint-remove', id: endpointId('w2') }]);
    t.is(await run('ip', ['route', 'show', second]), '');
    t.is(await tcp(world.second.ns, addressOf(world.first, 4), 80), 'dropped');
    t.deepEqual(await dataplane.verify(), []);
  });

  scenario(
    'a workload cannot send from another address, nor advertise itself as a router',
    async (t, world) => {
      const dataplane = world.start();
      const open = profile('open', { ingress: [matching('Allow')], egress: [matching('Allow')] });
      await applied(t, dataplane, [
        open,
        workloadEndpoint(world.first, ['open']),
        workloadEndpoint(world.second, ['open']),
      ]);
      for (const family of IP_FAMILIES) {
        const liar = LIAR[family];
        const target = addressOf(world.second, family);
        t.true(await answers(world.first.ns, target));
        const before = await echoes(world.second.ns, family);
        await world.first.ns.ip(
          `addr add ${hostCidr(address(liar))} dev eth0${family === 6 ? ' nodad' : ''}`,
        );
        t.false(await pings(world.first.ns, target, ['-I', liar]));
        t.is(await echoes(world.second.ns, family), before, `IPv${family}`);
      }
      // An operator's loose filter counts more than the strict one of an interface.
      await run('sysctl', ['-qw', 'net.ipv4.conf.all.rp_filter=2']);
      const before = await echoes(world.second.ns, 4);
      t.false(await pings(world.first.ns, addressOf(world.second, 4), ['-I', LIAR[4]]));
      t.is(await echoes(world.second.ns, 4), before, 'with a loose filter on all interfaces');
      t.true(await answers(world.first.ns, addressOf(world.second, 4)));
      t.deepEqual(await dataplane.verify(), [], 'which is left as it is');
      await run('sysctl', ['-qw', 'net.ipv4.conf.all.rp_filter=0']);
      await advertiseRouter(world.first.ns);
      const rules = await run(`ip6tables-${variantOf(backend)}-save`, ['-c', '-t', 'raw']);
      t.regex(rules, /^\[[1-9].*Router advertisement/m);
    },
  );

  scenario('natOutgoing hides the addresses of a pool from the outside only', async (t, world) => {
    const dataplane = world.start();
    const open = profile('open', { ingress: [matching('Allow')], egress: [matching('Allow')] });
    await applied(t, dataplane, [
      open,
      workloadEndpoint(world.first, ['open']),
      workloadEndpoint(world.second, ['open']),
    ]);
    for (const family of IP_FAMILIES)
      t.false(await pings(world.first.ns, OUTSIDE[family]), `the outside has no way back, IPv${family}`);
    const pools = [cidr('10.65.0.0/16'), cidr('fd65::/64')];
    await applied(
      t,
      dataplane,
      pools.map((pool) => ({ type: 'pool-update', cidr: pool, masquerade: true })),
    );
    for (const family of IP_FAMILIES)
      t.true(await answers(world.first.ns, OUTSIDE[family]), `as the host, IPv${family}`);
    t.true(await answers(world.first.ns, addressOf(world.second, 4)));
    await applied(t, dataplane, [{ type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: false }]);
    t.false(await pings(world.first.ns, OUTSIDE[4]));
    t.deepEqual(await dataplane.verify(), []);
  });

  scenario('no packet meets an old rule with new members, or a new rule with old ones', async (t, world) => {
    const dataplane = world.start();
    const set = 's:friends' as IpSetId;
    const members = IP_FAMILIES.map((family) => hostCidr(address(addressOf(world.first, family))));
    // Denied either way: nobody is allowed, or everybody but the members. A mix of the two would let them in.
    const nobody = profile('p', { ingress: [matching('Allow', { set })], egress: [matching('Allow')] });
    const others = profile('p', {
      ingress: [matching('Deny', { set }), matching('Allow')],
      egress: [matching('Allow')],
    });
    await applied(t, dataplane, [
      { type: 'ip-set-update', id: set, setType: 'hash:ip', members: new Set() },
      nobody,
      workloadEndpoint(world.first, ['p']),
      workloadEndpoint(world.second, ['p']),
    ]);
    const ping = (family: IpFamily) =>
      world.first.ns.exec('ping', ['-q', '-i', '0.002', '-w', '3', addressOf(world.second, family)]);
    let over = false;
    const floods = Promise.all(IP_FAMILIES.map(ping)).finally(() => {
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
    t.true(flips > 1, `${flips} flips`);
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
      profile('open', {
        ingress: [matching('Allow', { set: 't:all' as IpSetId })],
        egress: [matching('Allow')],
      }),
      workloadEndpoint(world.first, ['open']),
      workloadEndpoint(world.second, ['open']),
      { type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: true },
    ];
    await applied(t, world.start(), batch);
    const lost = flood(world.first.ns, addressOf(world.second, 4), { count: 100, everyMs: 10 });
    world.calls();
    const restarted = world.start();
    t.is((await restarted.apply([settings(), ...batch])).changed, 0);
    t.deepEqual(
      world.calls().filter((call) => call.includes('restore')),
      [],
    );
    restarted.resync();
    t.is((await restarted.apply([])).changed, 0);
    t.deepEqual(await lost, []);
  });
}

async function applied(
  t: ExecutionContext,
  dataplane: Dataplane,
  batch: readonly DataplaneUpdate[],
): Promise<void> {
  t.deepEqual((await dataplane.apply(batch)).failures, []);
}

/** ICMP is IPv4's, as in every rule that a manifest can say. */
function matching(
  action: CompiledRule['action'],
  { protocol, port, set }: { protocol?: 'TCP' | 'ICMP'; port?: number; set?: IpSetId } = {},
): CompiledRule {
  return rule(action, {
    ...(protocol && { protocol: PROTOCOL_NUMBERS[protocol] }),
    ...(protocol === 'ICMP' && { family: 4 as const }),
    source: { sets: set === undefined ? [] : [set] },
    destination: { ports: port === undefined ? [] : ports(port) },
  });
}

function workloadEndpoint(
  workload: Workload,
  profiles: readonly string[],
  overrides: Partial<LocalEndpoint> = {},
): DataplaneUpdate {
  return endpoint(`w${workload.number}`, workload.name, {
    addresses: IP_FAMILIES.map((family) => address(addressOf(workload, family))),
    ingress: withProfiles(...profiles),
    egress: withProfiles(...profiles),
    ...overrides,
  });
}
