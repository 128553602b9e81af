/**
 * Law 7 with real packets: when an allow goes, so do the flows that it let in, and no others.
 */
import test, { type ExecutionContext } from 'ava';
import type { CompiledRule, DataplaneUpdate } from '../../src/agent/calc/updates.js';
import type { Dataplane } from '../../src/agent/dataplane/dataplane.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import {
  address,
  cidr,
  endpoint,
  endpointId,
  ports,
  profile,
  rule,
  setId,
  settings,
  withProfiles,
} from '../agent/dataplane/batch.js';
import { ip, requirePrivateNetns, run } from '../helpers/netns.js';
import {
  addressOf,
  createWorld,
  HOST,
  OUTSIDE,
  prepareHost,
  type Workload,
  type World,
} from './dataplane-world.js';
import { echoServer, listedFlows, ping, type Traffic, talk } from './live-traffic.js';

requirePrivateNetns();
test.before(prepareHost);

const FRIENDS = setId('s:friends');
const TCP_80 = rule('Allow', { protocol: 6, destination: { ports: ports(80) } });
const PING: readonly CompiledRule[] = [
  rule('Allow', { family: 4, protocol: 1, icmp: { type: 8 } }),
  rule('Allow', { family: 6, protocol: 58, icmp: { type: 128 } }),
];
const ANYTHING = rule('Allow');
const UNRELATED = rule('Deny', { protocol: 6, destination: { ports: ports(81) } });

/** The first workload may send what it likes, the second receives TCP 80 and pings; answers are never allowed. */
const START: readonly DataplaneUpdate[] = [
  profile('client', { egress: [ANYTHING] }),
  profile('server', { ingress: [TCP_80, ...PING] }),
];

interface Scene extends World {
  readonly dataplane: Dataplane;
  /** Everything between the two workloads. */
  readonly pings: readonly Traffic[];
  readonly connections: readonly Traffic[];
}

function scenario(title: string, body: (t: ExecutionContext, scene: Scene) => Promise<void>): void {
  test.serial(title, async (t) => {
    await using world = await createWorld('iptables');
    await using _server = await echoServer(world.second.ns, 80);
    const dataplane = world.start();
    await applied(t, dataplane, start(world));
    const [pings, connections]: [Traffic[], Traffic[]] = [[], []];
    try {
      for (const family of IP_FAMILIES) {
        const to = addressOf(world.second, family);
        pings.push(await ping(world.first.ns, to));
        connections.push(await talk(world.first.ns, to, 80));
      }
      await body(t, { ...world, dataplane, pings, connections });
    } finally {
      for (const traffic of [...pings, ...connections]) await traffic[Symbol.asyncDispose]();
    }
  });
}

scenario(
  'flows survive changes that leave their allow, those that are looked at included',
  async (t, scene) => {
    const { dataplane, first } = scene;
    const flows = await listedFlows();
    t.deepEqual(
      flows.map((flow) => flow.split(' ')[0]),
      ['icmp', 'icmpv6', 'tcp', 'tcp'],
    );
    for (const batch of [
      [profile('other', { ingress: [ANYTHING] })],
      [
        profile('client', { egress: [UNRELATED, ANYTHING] }),
        profile('server', { ingress: [...PING, TCP_80] }),
      ],
      [workload(first, ['client', 'other'])],
      [workload(first, ['client'])],
    ])
      await applied(t, dataplane, batch);
    t.deepEqual(await listedFlows(), flows, 'the very same');
    for (const traffic of [...scene.pings, ...scene.connections]) await traffic.goesOn();
  },
);

scenario('a flow goes in the apply in which its allow goes, at its destination', async (t, scene) => {
  const { dataplane, pings, connections } = scene;
  await applied(t, dataplane, [profile('server', { ingress: PING })]);
  t.deepEqual(await protocols(), ['icmp', 'icmpv6']);
  for (const traffic of connections) await traffic.stops();
  for (const traffic of pings) await traffic.goesOn();
  await applied(t, dataplane, [profile('server', {})]);
  t.deepEqual(await protocols(), []);
  for (const traffic of pings) await traffic.stops();
  t.deepEqual(await dataplane.verify(), []);
});

scenario('a flow goes in the apply in which its allow goes, at its source', async (t, scene) => {
  const { dataplane, pings, connections } = scene;
  await applied(t, dataplane, [profile('client', { egress: [TCP_80] })]);
  t.deepEqual(await protocols(), ['tcp', 'tcp']);
  for (const traffic of pings) await traffic.stops();
  for (const traffic of connections) await traffic.goesOn();
});

scenario('a flow goes when its end leaves the set that was allowed', async (t, scene) => {
  const { dataplane, first, pings, connections } = scene;
  const [v4, v6] = IP_FAMILIES.map((family) =>
    cidr(`${addressOf(first, family)}/${family === 4 ? 32 : 128}`),
  );
  if (!v4 || !v6) throw new Error('there are two families');
  await applied(t, dataplane, [
    { type: 'ip-set-update', id: FRIENDS, setType: 'hash:net', members: new Set([v4, v6]) },
    profile('server', { ingress: [rule('Allow', { source: { sets: [FRIENDS] } })] }),
  ]);
  for (const traffic of [...pings, ...connections]) await traffic.goesOn();
  await applied(t, dataplane, [{ type: 'ip-set-delta', id: FRIENDS, added: [], removed: [v6] }]);
  t.deepEqual(await protocols(), ['icmp', 'tcp']);
  for (const traffic of [pings[1], connections[1]]) await traffic?.stops();
  for (const traffic of [pings[0], connections[0]]) await traffic?.goesOn();
});

scenario('the flows of an endpoint that is removed go, whatever policy says', async (t, scene) => {
  const { dataplane, second, pings, connections } = scene;
  t.deepEqual(await protocols(), ['icmp', 'icmpv6', 'tcp', 'tcp']);
  // What is sent on would leave by the default route, and be a new flow.
  for (const pool of ['10.65.0.0/16', 'fd65::/64']) await ip(`route add blackhole ${pool}`);
  try {
    await applied(t, dataplane, [{ type: 'workload-endpoint-remove', id: endpointId(second.name) }]);
    t.deepEqual(await protocols(), []);
    for (const traffic of [...pings, ...connections]) await traffic.stops();
  } finally {
    for (const pool of ['10.65.0.0/16', 'fd65::/64']) await ip(`route del blackhole ${pool}`);
  }
});

scenario(
  'a restarted agent keeps what policy allows, and cuts what it denied meanwhile',
  async (t, scene) => {
    const { pings, connections } = scene;
    const flows = await listedFlows();
    const before = scene.start();
    await applied(t, before, start(scene));
    t.deepEqual(await listedFlows(), flows);
    await applied(t, scene.start(), [...start(scene), profile('server', { ingress: PING })]);
    t.deepEqual(await protocols(), ['icmp', 'icmpv6']);
    for (const traffic of connections) await traffic.stops();
    for (const traffic of pings) await traffic.goesOn();
  },
);

scenario(
  'what came in while somebody had removed our rules is cut when they are repaired',
  async (t, scene) => {
    const { dataplane, first, second, pings } = scene;
    await using _server = await echoServer(second.ns, 8080);
    for (const tool of ['iptables-nft', 'ip6tables-nft']) await run(tool, ['-F', 'FORWARD']);
    const intruders: Traffic[] = [];
    for (const family of IP_FAMILIES) intruders.push(await talk(first.ns, addressOf(second, family), 8080));
    dataplane.resync();
    await applied(t, dataplane, []);
    for (const intruder of intruders) {
      await intruder.stops();
      await intruder[Symbol.asyncDispose]();
    }
    for (const traffic of pings) await traffic.goesOn();
  },
);

test.serial('masqueraded flows are judged by whom they come from', async (t) => {
  await using world = await createWorld('iptables');
  await using _server = await echoServer(world.outside, 80);
  const dataplane = world.start();
  const pools = ['10.65.0.0/16', 'fd65::/64'].map(cidr);
  await applied(t, dataplane, [
    ...start(world),
    ...pools.map((pool): DataplaneUpdate => ({ type: 'pool-update', cidr: pool, masquerade: true })),
  ]);
  const outside = (family: IpFamily) => talk(world.first.ns, OUTSIDE[family], 80);
  await using v4 = await outside(4);
  await using v6 = await outside(6);
  await applied(t, dataplane, [profile('client', { egress: [UNRELATED, ANYTHING] })]);
  t.deepEqual(await protocols(), ['tcp', 'tcp']);
  for (const traffic of [v4, v6]) await traffic.goesOn();
  await applied(t, dataplane, [profile('client', { egress: PING })]);
  t.deepEqual(await protocols(), []);
  for (const traffic of [v4, v6]) await traffic.stops();
});

test.serial(
  'a host that talks to its workload is not cut off; a workload that may no longer talk to it is',
  async (t) => {
    await using world = await createWorld('iptables');
    await using _inside = await echoServer(world.second.ns, 81);
    await using _here = await echoServer(undefined, 80);
    const dataplane = world.start();
    await applied(t, dataplane, [settings({ defaultEndpointToHostAction: 'Accept' }), ...start(world)]);
    const allowed: Traffic[] = [];
    const denied: Traffic[] = [];
    for (const family of IP_FAMILIES) {
      allowed.push(await talk(undefined, addressOf(world.second, family), 81));
      denied.push(await talk(world.first.ns, HOST[family], 80));
    }
    await applied(t, dataplane, [settings({}), profile('server', {})]);
    for (const traffic of denied) await traffic.stops();
    for (const traffic of allowed) await traffic.goesOn();
    for (const traffic of [...allowed, ...denied]) await traffic[Symbol.asyncDispose]();
  },
);

test.serial(
  'flows that an endpoint left while no agent ran are judged when its address is given out again',
  async (t) => {
    await using world = await createWorld('iptables');
    {
      await using _server = await echoServer(world.second.ns, 80);
      await applied(t, world.start(), start(world));
      await using _v4 = await talk(world.first.ns, addressOf(world.second, 4), 80);
      await using _v6 = await talk(world.first.ns, addressOf(world.second, 6), 80);
    }
    // The interface goes, and the routes with it, while nobody looks; then the agent starts without the endpoint.
    await ip('link set cali2 down');
    const dataplane = world.start();
    const [client, server, one] = start(world);
    if (!client || !server || !one) throw new Error('there are that many');
    await applied(t, dataplane, [client, server, one]);
    t.deepEqual(await protocols(), ['tcp', 'tcp'], 'the one that is left allows them');
    await ip('link set cali2 up');
    await applied(t, dataplane, [profile('closed', {}), workload(world.second, ['closed'])]);
    t.deepEqual(await protocols(), []);
  },
);

function start({ first, second }: Pick<World, 'first' | 'second'>): readonly DataplaneUpdate[] {
  return [...START, workload(first, ['client']), workload(second, ['server'])];
}

async function applied(
  t: ExecutionContext,
  dataplane: Dataplane,
  batch: readonly DataplaneUpdate[],
): Promise<void> {
  t.deepEqual((await dataplane.apply(batch)).failures, []);
}

async function protocols(): Promise<readonly (string | undefined)[]> {
  return (await listedFlows()).map((flow) => flow.split(' ')[0]);
}

function workload(place: Workload, profiles: readonly string[]): DataplaneUpdate {
  const attached = withProfiles(...profiles);
  const addresses = IP_FAMILIES.map((family) => address(addressOf(place, family)));
  return endpoint(place.name, place.name, { addresses, ingress: attached, egress: attached });
}
