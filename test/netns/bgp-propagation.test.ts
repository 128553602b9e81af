/**
 * What the manifests say of BGP beforehand is what BIRD does: random networks of four hosts and a reflector, each host's
 * kernel compared with who was to learn whose routes. HEDDLE_SEED draws the same networks again, HEDDLE_RUNS more of them.
 */
import { env } from 'node:process';
import test from 'ava';
import fc from 'fast-check';
import { hasBit } from '../../src/model/bitset.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { propagate } from '../../src/topology/propagation/propagate.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { SEED } from '../helpers/seed.js';
import { until } from '../helpers/until.js';
import {
  network as cidr,
  type NetworkText,
  type PeerText,
  topologyInput,
} from '../topology/topology-fixture.js';
import { createFabric, createHost, type Fabric, type Host } from './bgp-fixture.js';

requirePrivateNetns();

const RUNS = Number(env.HEDDLE_RUNS ?? 6);
const POOLS = { '10.65.0.0/16': {}, 'fd65::/64': {} };
const NAMES = ['h1', 'h2', 'h3', 'h4'];
const QUIET: NetworkText = { nodes: {}, bgp: { default: { nodeToNodeMeshEnabled: false } } };

const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
const node = (number: number) =>
  fc
    .record({
      as: rarely(fc.constantFrom(65001, 65002)),
      cluster: rarely(fc.constantFrom('1.0.0.1', '1.0.0.2')),
      rack: fc.constantFrom('a', 'b'),
    })
    .map(({ rack, ...more }) => ({
      v4: `10.99.0.${number}/24`,
      v6: `fd99::${number}/64`,
      labels: { rack },
      ...present(more),
    }));
const selector = fc.constantFrom("rack == 'a'", "rack == 'b'", 'all()');
const peer = fc
  .record({
    asks: fc.oneof(
      fc.constantFrom(...NAMES).map((name) => ({ node: name })),
      selector.map((nodeSelector) => ({ nodeSelector })),
      fc.constant({}),
    ),
    asked: fc.oneof(
      selector.map((peerSelector) => ({ peerSelector })),
      fc.constantFrom(1, 2, 3, 4).map((number) => ({ peerIP: `10.99.0.${number}` })),
    ),
    numAllowedLocalASNumbers: rarely(fc.constantFrom(1, 2)),
    filters: rarely(fc.constantFrom(['shut'], ['own-only'], ['half'])),
  })
  .map(({ asks, asked, ...more }): PeerText => ({ ...asks, ...asked, ...present(more) }));
const filters: NetworkText['filters'] = {
  shut: { importV4: [{ action: 'Reject' }], exportV6: [{ action: 'Reject' }] },
  'own-only': { exportV4: [{ action: 'Reject', source: 'RemotePeers' }] },
  half: { exportV4: [{ action: 'Reject', cidr: cidr('10.65.2.0/24') }] },
};
const drawn = fc
  .record({
    nodes: fc.tuple(...NAMES.map((_, index) => node(index + 1))),
    mesh: fc.boolean(),
    peers: fc.array(peer, { maxLength: 3 }),
    reflector: rarely(fc.constantFrom(undefined, "rack == 'a'")),
  })
  .map(
    ({ nodes, mesh, peers, reflector }): NetworkText => ({
      nodes: Object.fromEntries(NAMES.map((name, index) => [name, nodes[index] ?? {}])),
      bgp: { default: { nodeToNodeMeshEnabled: mesh } },
      peers: Object.fromEntries(peers.map((one, index) => [`p${index}`, one])),
      reflectors:
        reflector === undefined
          ? {}
          : { rr: { v4: '10.99.0.5', v6: 'fd99::5', cluster: '1.0.0.9', clients: reflector } },
      filters,
      pools: POOLS,
    }),
  );

let fabric: Fabric;
const hosts = new Map<string, Host>();

test.before('four hosts and a reflector on a bridge, a workload on each host', async () => {
  fabric = await createFabric();
  for (const [index, name] of [...NAMES, 'rr'].entries()) {
    const host = await createHost(fabric, name, index + 1);
    hosts.set(name, host);
    if (name === 'rr') continue;
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
    await host.namespace.ip(`-6 route add fd65::${index + 1}/128 dev cali1 proto 80`);
  }
});

test.after.always('nothing is left', async () => {
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
  await fabric?.[Symbol.asyncDispose]();
});

test('every host learns exactly the routes that were predicted from the manifests', async (t) => {
  t.log(`HEDDLE_SEED=${SEED}`);
  for (const network of fc.sample(drawn, { seed: SEED, numRuns: RUNS })) {
    await apply(QUIET);
    await until(async () => (await learned()).every((line) => line.endsWith(':')), { what: 'quiet' });
    await apply(network);
    const expected = predicted(network);
    // Sessions first: what is learned at the beginning may by chance be what will be learned in the end.
    const isAsSaid = async () => (await settled(network)) && (await learned()).join() === expected.join();
    const what = `what was said of ${JSON.stringify(network)}`;
    await until(isAsSaid, { timeoutMs: 30_000, what }).catch((error: Error) => t.log(error.message));
    t.deepEqual(await learned(), expected);
    t.true(await settled(network), 'every session with two ends that agree is up');
  }
});

async function apply(network: NetworkText): Promise<void> {
  for (const host of hosts.values()) {
    const { failures } = await host.applies(network);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
}

/** `h1: 10.65.2.1 fd65::2`, from the kernels. */
function learned(): Promise<readonly string[]> {
  return Promise.all(
    NAMES.map(async (name) => {
      const ip = hosts.get(name)?.namespace.ip ?? (async () => '');
      const routes = `${await ip('-4 route show proto bird')}\n${await ip('-6 route show proto bird')}`;
      const addresses = routes.match(/^(10\.65|fd65:)\S+/gm) ?? [];
      return `${name}: ${[...new Set(addresses)].sort().join(' ')}`.trim();
    }),
  );
}

function predicted(network: NetworkText): readonly string[] {
  const input = topologyInput(network);
  const { network: linked, learned: known } = propagate(input);
  const placeOf = (name: string) => linked.speakers.findIndex((speaker) => speaker.name === name);
  return NAMES.map((name) => {
    const addresses = NAMES.flatMap((origin, index) => {
      if (origin === name) return [];
      const v4 = index === 1 ? '10.65.2.0/24' : '10.65.0.0/16';
      return [[v4, `10.65.${index + 1}.1`] as const, ['fd65::/64', `fd65::${index + 1}`] as const].flatMap(
        ([of, address]) => {
          const learners = known.get(cidr(of))?.get(placeOf(origin));
          return learners && hasBit(learners, placeOf(name)) ? [address] : [];
        },
      );
    });
    return `${name}: ${addresses.sort().join(' ')}`.trim();
  });
}

/** Whether as many sessions are established as have two ends that agree. */
async function settled(network: NetworkText): Promise<boolean> {
  const input = topologyInput(network);
  const { network: linked } = propagate(input);
  for (const [place, { name }] of linked.speakers.entries()) {
    const links = [4, 6] as const;
    const ends = links.flatMap((family) => [
      ...(linked.explicit[place] ?? []).filter(({ sender }) => sender.family === family),
      ...linked.meshLinks(place, family),
    ]);
    const configured = bgpModelFor(name, input)?.sessions.length ?? 0;
    const status = await hosts.get(name)?.speaker.status();
    if (status?.configured !== configured || status.established !== ends.length) return false;
  }
  return true;
}
