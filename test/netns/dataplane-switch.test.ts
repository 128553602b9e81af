/**
 * A host that changes from one variant of iptables to the other, while packets flow (both apply to every packet).
 */
import test from 'ava';
import type { DataplaneUpdate } from '../../src/agent/calc/updates.js';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import { TABLES } from '../../src/agent/dataplane/intent.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import {
  address,
  endpoint,
  policy,
  profile,
  rule,
  settings,
  withProfiles,
} from '../agent/dataplane/batch.js';
import { flood } from '../helpers/flood.js';
import { requirePrivateNetns, run } from '../helpers/netns.js';
import {
  addressOf,
  createWorld,
  prepareHost,
  tcp,
  tcpArrives,
  variantOf,
  type Workload,
} from './dataplane-world.js';

requirePrivateNetns();
test.before(prepareHost);

const FOREIGN = TABLES.map((table) =>
  [
    `*${table}`,
    ':THEIRS - [0:0]',
    '-A THEIRS -p 47 -j RETURN',
    '-A PREROUTING -m comment --comment "to cali-FORWARD, they say" -j THEIRS',
    'COMMIT',
    '',
  ]
    .join('\n')
    .replace('PREROUTING', table === 'filter' ? 'FORWARD' : 'PREROUTING'),
).join('');

for (const [from, to] of [
  ['iptables', 'iptables-legacy'],
  ['iptables-legacy', 'iptables'],
] as const satisfies readonly (readonly [BackendName, BackendName])[])
  test.serial(`from ${from} to ${to}: ours is swept, theirs stays, no packet is lost`, async (t) => {
    await using world = await createWorld(from);
    for (const family of IP_FAMILIES) await run(`${tool(from, family)}-restore`, ['-n'], { input: FOREIGN });
    const theirs = await saved(from);
    const host = batch(world.first, world.second);
    t.deepEqual((await world.start().apply(host)).failures, []);
    t.true((await saved(from)).some((line) => line.includes('cali-tw-')));

    const floods = IP_FAMILIES.map((family) =>
      flood(world.first.ns, addressOf(world.second, family), { count: 150, everyMs: 10 }),
    );
    const switched = world.start(to);
    t.deepEqual((await switched.apply(host)).failures, []);
    t.deepEqual(await switched.verify(), []);
    t.deepEqual(await Promise.all(floods), [[], []]);
    t.deepEqual(await saved(from), theirs);

    // What the old rules denied is up to the new ones alone.
    t.is(await tcp(world.first.ns, addressOf(world.second, 4), 80), 'dropped');
    const open = rule('Allow');
    await switched.apply([policy('closed', { ingress: [open], egress: [open] })]);
    t.is(await tcpArrives(world.first.ns, addressOf(world.second, 4), 80), 'delivered');

    world.calls();
    switched.resync();
    t.is((await switched.apply([])).changed, 0);
    const looks = world.calls().filter((call) => call.startsWith(tool(from, 4)));
    t.deepEqual(looks, [`${tool(from, 4)}-save`], 'looked at once, on a refresh');
    await switched.apply([profile('unused', {})]);
    t.false(
      world.calls().some((call) => call.startsWith(tool(from, 4))),
      'not on a change',
    );
  });

function batch(first: Workload, second: Workload): readonly DataplaneUpdate[] {
  const open = rule('Allow');
  const echo = (family: IpFamily) => rule('Allow', { protocol: family === 4 ? 1 : 58, family });
  const direction = {
    tiers: [{ name: 'default', policies: ['closed'], endOfTier: 'Deny' }],
    profiles: [],
    default: 'Deny',
  } as const;
  const workload = ({ name, number }: Workload, ends: object): DataplaneUpdate =>
    endpoint(`w${number}`, name, {
      addresses: IP_FAMILIES.map((family) => address(addressOf({ number } as Workload, family))),
      ...ends,
    });
  return [
    settings(),
    policy('closed', { ingress: IP_FAMILIES.map(echo), egress: IP_FAMILIES.map(echo) }),
    profile('open', { ingress: [open], egress: [open] }),
    workload(first, { ingress: withProfiles('open'), egress: withProfiles('open') }),
    workload(second, { ingress: direction, egress: direction }),
  ];
}

function tool(backend: BackendName, family: IpFamily): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variantOf(backend)}`;
}

/** The rules of both families, each line with its family in front; without counters. */
async function saved(backend: BackendName): Promise<readonly string[]> {
  const lines = await Promise.all(
    IP_FAMILIES.map(async (family) =>
      (await run(`${tool(backend, family)}-save`, []))
        .split('\n')
        .filter((line) => /^[*:-]/.test(line))
        .map((line) => `${family} ${line.replace(/ \[.*/, '')}`),
    ),
  );
  return lines.flat();
}
