/**
 * Law 3: the order in which a host changes, and that what fails does not hold up its neighbours.
 */

import test from 'ava';
import type { DataplaneUpdate } from '../../../src/agent/calc/updates.js';
import { createDataplane, type Dataplane } from '../../../src/agent/dataplane/dataplane.js';
import type { Driver } from '../../../src/agent/dataplane/driver.js';
import { PolicedState } from '../../../src/agent/dataplane/flows/policed-state.js';
import type { Neighbor, Route, Tunnel } from '../../../src/agent/dataplane/intent.js';
import { NO_DRIVERS } from '../../../src/agent/dataplane/kernel-kinds.js';
import { type Cidr, IP_FAMILIES } from '../../../src/model/address.js';
import { DeltaTracker } from '../../../src/model/delta-tracker.js';
import { NO_ENCAPSULATIONS } from '../../../src/model/encapsulation.js';
import type { SysctlPath } from '../../../src/model/sysctl.js';
import { address, endpoint, endpointId, profile, rule, settings, withProfiles } from './batch.js';
import { objects, toyBackend, toyDriver } from './toy-backend.js';

interface Toy {
  readonly dataplane: Dataplane;
  /** Since the last look. */
  steps(): readonly string[];
  /** Steps that fail, until they are taken out. */
  readonly broken: Set<string>;
  readonly routes: () => readonly string[];
  /** What the driver of routes finds changed, and what waits for its interface. */
  readonly drift: string[];
  readonly waiting: Set<string>;
  /** Addresses whose flows are to be judged, since the last look. */
  suspects(): readonly string[];
}

function createToy(): Toy {
  const steps: string[] = [];
  const broken = new Set<string>();
  const onStep = (step: string) => {
    steps.push(step);
    return broken.has(step) ? 'broken' : undefined;
  };
  const sysctls = new DeltaTracker<SysctlPath, string>();
  const tunnels = new DeltaTracker<string, Tunnel>();
  const neighbors = new DeltaTracker<string, Neighbor>();
  const routes = new DeltaTracker<Cidr, Route>();
  const policed = new PolicedState(IP_FAMILIES);
  const exec = async () => ({ code: 0, stdout: '', stderr: '' });
  const backend = toyBackend(onStep);
  const drift: string[] = [];
  const waiting = new Set<string>();
  const plain = toyDriver('routes', [objects(routes)], onStep);
  const routeDriver: Driver = {
    ...plain,
    applyUpdates: async () => ({
      ...(await plain.applyUpdates()),
      waiting: [...waiting].map((object) => ({ object, message: 'no interface' })),
    }),
    takeDrift: () => drift.splice(0),
  };
  return {
    dataplane: createDataplane({
      packetFilters: IP_FAMILIES.map((family) => backend.open({ family, exec, pause: async () => {} })),
      kernel: {
        drivers: {
          ...NO_DRIVERS,
          sysctls: [toyDriver('sysctls', [objects(sysctls)], onStep)],
          tunnels: [toyDriver('tunnels', [objects(tunnels)], onStep)],
          neighbors: [toyDriver('neighbors', [objects(neighbors)], onStep)],
          routes: [routeDriver],
        },
        families: IP_FAMILIES.map((family) => ({
          family,
          routes: family === 4 ? routes.desired : new Map(),
          neighbors: family === 4 ? neighbors.desired : new Map(),
        })),
        sysctls: sysctls.desired,
        tunnels: tunnels.desired,
        forwarding: new Map(),
        policed,
      },
      now: () => 0,
    }),
    steps: () => steps.splice(0),
    ...{ broken, drift, waiting },
    suspects() {
      const suspects = [...policed.suspects];
      policed.acquit(suspects);
      return suspects;
    },
    routes: () => [...routes.actual.keys()],
  };
}

const BATCH: readonly DataplaneUpdate[] = [
  settings(),
  profile('p', {}),
  endpoint('w1', 'cali1', { addresses: [address('10.65.0.1')], ingress: withProfiles('p') }),
];

test('apply() writes what is looked into first and routes last, and removes in reverse, tunnels before anything', async (t) => {
  const { dataplane, steps } = createToy();
  t.deepEqual((await dataplane.apply(BATCH)).failures, []);
  const seen = steps();
  // The families go side by side, so each is looked at without the other.
  for (const [family, other] of [
    [4, 6],
    [6, 4],
  ])
    t.deepEqual(
      seen.filter((step) => !step.endsWith(`${other}`)),
      [
        'delete tunnels',
        `prepare ${family}`,
        `update sets-${family}`,
        `update rules-${family}`,
        'update sysctls',
        'update tunnels',
        'update neighbors',
        'update routes',
        'delete routes',
        'delete neighbors',
        'delete sysctls',
        `delete rules-${family}`,
        `delete sets-${family}`,
      ],
    );
});

test('apply() programs a host before it has an endpoint, and changes nothing when told nothing', async (t) => {
  const { dataplane } = createToy();
  t.true((await dataplane.apply([])).changed > 0);
  t.deepEqual(await dataplane.apply([]), {
    changed: 0,
    failures: [],
    waiting: [],
    impossible: [],
    drift: [],
    durationMs: 0,
  });
});

test('apply() connects nobody while the rules are not in force, and does when they are', async (t) => {
  const { dataplane, steps, broken, routes } = createToy();
  broken.add('update rules-6');
  t.deepEqual((await dataplane.apply(BATCH)).failures, [{ object: 'rules-6', message: 'broken' }]);
  t.false(steps().includes('update routes'));
  t.deepEqual(routes(), []);
  broken.clear();
  t.deepEqual((await dataplane.apply([])).failures, []);
  t.deepEqual(routes(), ['10.65.0.1/32']);
});

test('apply() still disconnects while the rules cannot be written', async (t) => {
  const { dataplane, broken, routes } = createToy();
  await dataplane.apply(BATCH);
  broken.add('update rules-4');
  await dataplane.apply([{ type: 'workload-endpoint-remove', id: endpointId('w1') }]);
  t.deepEqual(routes(), []);
});

test('apply() judges the flows of those who may have lost an allow, and of nobody else', async (t) => {
  const { dataplane, suspects } = createToy();
  await dataplane.apply([...BATCH, endpoint('w2', 'cali2', { addresses: [address('10.65.0.2')] })]);
  t.deepEqual(suspects(), ['10.65.0.1', '10.65.0.2'], 'all at the start');
  await dataplane.apply([profile('p', { ingress: [rule('Allow')] })]);
  t.deepEqual(suspects(), []);
  await dataplane.apply([profile('p', {})]);
  t.deepEqual(suspects(), ['10.65.0.1']);
});

test('apply() judges all flows again when rules were written late', async (t) => {
  const { dataplane, broken, suspects } = createToy();
  await dataplane.apply(BATCH);
  broken.add('update rules-6');
  await dataplane.apply([profile('p', { ingress: [rule('Deny')] })]);
  suspects();
  broken.clear();
  await dataplane.apply([]);
  t.deepEqual(suspects(), ['10.65.0.1']);
  await dataplane.apply([]);
  t.deepEqual(suspects(), []);
});

test('apply() judges all flows again when a read-back may have found other rules', async (t) => {
  const { dataplane, suspects } = createToy();
  await dataplane.apply(BATCH);
  suspects();
  dataplane.resync();
  await dataplane.apply([]);
  t.deepEqual(suspects(), [], 'nothing had to be written');
  dataplane.resync();
  await dataplane.apply([profile('p', { ingress: [rule('Allow')] })]);
  t.deepEqual(suspects(), ['10.65.0.1']);
});

const STEPS = ['sets-4', 'rules-4', 'sets-6', 'rules-6', 'sysctls', 'tunnels', 'neighbors', 'routes'].flatMap(
  (name) => [`update ${name}`, `delete ${name}`],
);
for (const step of STEPS)
  test(`apply() goes on when "${step}" fails, and has converged after the next`, async (t) => {
    const { dataplane, broken, routes } = createToy();
    await dataplane.apply([endpoint('w2', 'cali2', { addresses: [address('10.65.0.2')] })]);
    broken.add(step);
    const { failures } = await dataplane.apply([
      ...BATCH,
      { type: 'workload-endpoint-remove', id: endpointId('w2') },
    ]);
    t.deepEqual(failures, [{ object: step.split(' ')[1], message: 'broken' }] as never);
    broken.clear();
    t.deepEqual((await dataplane.apply([])).failures, []);
    t.deepEqual(routes(), ['10.65.0.1/32']);
    t.is((await dataplane.apply([])).changed, 0);
  });

test('apply() tells what was found otherwise than it was left; not what waits for its interface, nor before rules are in force', async (t) => {
  const { dataplane, broken, drift, waiting } = createToy();
  drift.push('route a');
  broken.add('update rules-6');
  t.deepEqual((await dataplane.apply(BATCH)).drift, []);
  broken.clear();
  drift.push('route b');
  waiting.add('route b');
  t.deepEqual((await dataplane.apply([])).drift, ['route a']);
  t.deepEqual((await dataplane.apply([])).drift, [], 'once');
});

test('apply() keeps the rules that guard a tunnel, and adds no path, while the tunnel does not go', async (t) => {
  const { dataplane, broken, steps } = createToy();
  await dataplane.apply([{ type: 'encapsulation-update', inUse: { 4: ['vxlan'], 6: [] } }]);
  broken.add('delete tunnels');
  steps();
  t.is((await dataplane.apply([{ type: 'encapsulation-update', inUse: NO_ENCAPSULATIONS }])).changed, 0);
  t.false(steps().includes('update routes'));
  broken.clear();
  t.true((await dataplane.apply([])).changed > 0);
});

test('apply() calls wait for each other', async (t) => {
  const { dataplane, steps } = createToy();
  await Promise.all([dataplane.apply(BATCH), dataplane.apply([]), dataplane.verify()]);
  const seen = steps();
  t.deepEqual(
    seen.flatMap((step, index) => (step === 'prepare 4' ? [index] : [])),
    [1, 19],
  );
  t.true(seen.slice(36).every((step) => step.startsWith('verify')));
});

test('resync() has every driver read back, and verify() asks them all', async (t) => {
  const { dataplane, steps, broken } = createToy();
  dataplane.resync();
  t.is(steps().filter((step) => step.startsWith('resync')).length, 8);
  broken.add('verify rules-4').add('verify routes');
  t.deepEqual(
    (await dataplane.verify()).map(({ object }) => object),
    ['rules-4', 'routes'],
  );
});

test('apply() names endpoints that cannot be connected, and the others are written and verified as ever', async (t) => {
  const { dataplane } = createToy();
  const { failures, impossible } = await dataplane.apply([endpoint('w1', 'eth0')]);
  t.deepEqual(failures, []);
  t.deepEqual(
    impossible.map(({ object }) => object),
    [endpointId('w1')],
  );
  t.deepEqual(await dataplane.verify(), []);
});

test('createDataplane() refuses a packet filter without routes for its family', (t) => {
  const exec = async () => ({ code: 0, stdout: '', stderr: '' });
  const [filter] = [toyBackend(() => undefined).open({ family: 6, exec, pause: async () => {} })];
  const kernel = {
    drivers: NO_DRIVERS,
    families: [{ family: 4 as const, routes: new Map(), neighbors: new Map() }],
    sysctls: new Map(),
    tunnels: new Map(),
    forwarding: new Map(),
    policed: new PolicedState([4]),
  };
  t.throws(() => createDataplane({ packetFilters: [filter], kernel, now: () => 0 }), {
    instanceOf: RangeError,
  });
});
