/**
 * A lab that grows becomes what it would have been from the beginning, and what cannot change while it runs
 * is refused. Plans alone, nothing is built.
 */
import test from 'ava';
import { planGrowth } from '../../src/lab/lab-growth.js';
import { LabPlanError, planLab } from '../../src/lab/lab-plan.js';
import type { InterfaceAddress } from '../../src/model/address.js';
import { cidr, resource, workload } from '../helpers/build-resources.js';

const node = (name: string, address: string) =>
  resource('Node', name, { bgp: { ipv4Address: address as InterfaceAddress } });
const [A, B] = [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')];
const at = (name: string, host: string, ip: string) => workload(name, { node: host, addresses: [ip] });
const planOf = (...resources: Parameters<typeof planLab>[1][]) =>
  planLab(
    'x',
    resources.flatMap((one) => [...one]),
  );
const names = (those: readonly { readonly name: string }[]) => those.map(({ name }) => name);

test('planGrowth() of what is there is nothing', (t) => {
  const plan = planOf([A, B, at('w', 'a', '192.168.0.1')]);
  t.deepEqual(planGrowth(plan, plan), { plan, gateways: [], hosts: [], workloads: [], moved: [] });
});

test('planGrowth() adds hosts, their networks and workloads, as a lab would have them from the beginning', (t) => {
  const far = node('far', '10.9.0.1/24');
  const now = planOf([A]);
  const wanted = planOf([A, B, far, at('w', 'far', '192.168.0.1')]);
  const growth = planGrowth(now, wanted);
  t.deepEqual(
    [growth.gateways, names(growth.hosts), names(growth.workloads), growth.moved],
    [['10.9.0.254/24' as InterfaceAddress], ['b', 'far'], ['w'], []],
  );
  t.deepEqual(growth.plan, wanted);
});

test('planGrowth() makes a workload anew that is elsewhere now, and leaves alone what is named no longer', (t) => {
  const [w, v] = [at('w', 'a', '192.168.0.1'), at('v', 'a', '192.168.0.2')];
  const now = planOf([A, B, w, v]);
  const growth = planGrowth(now, planOf([A, at('w', 'a', '192.168.0.9')]));
  t.deepEqual(
    growth.workloads.map(({ name, addresses }) => [name, ...addresses]),
    [['w', '192.168.0.9']],
  );
  t.deepEqual(growth.moved, now.workloads.slice(0, 1));
  t.deepEqual(
    [names(growth.plan.hosts), names(growth.plan.workloads)],
    [
      ['a', 'b'],
      ['v', 'w'],
    ],
  );
});

test('planGrowth() takes down whose interface or address another has now', (t) => {
  const [old, fresh] = [at('old', 'a', '192.168.0.1'), at('fresh', 'b', '192.168.0.1')];
  const growth = planGrowth(planOf([A, B, old]), planOf([A, B, fresh]));
  t.deepEqual([names(growth.moved), names(growth.workloads)], [['old'], ['fresh']]);
  t.deepEqual(names(growth.plan.workloads), ['fresh']);
});

test('planGrowth() leaves a workload alone whose pool is encapsulated now, and knows that outside has no route to it', (t) => {
  const pool = resource('IPPool', 'p', {
    ...{ cidr: cidr('192.168.0.0/16'), vxlanMode: 'Always', ipipMode: 'Never' },
    ...{ natOutgoing: false, disabled: false, disableBGPExport: false },
  });
  const w = at('w', 'a', '192.168.0.1');
  const growth = planGrowth(planOf([A, w]), planOf([A, w, pool]));
  t.deepEqual([growth.moved, growth.workloads], [[], []]);
  t.deepEqual(growth.plan.workloads[0]?.routedAddresses, []);
});

test('a host that found its address keeps it when others come', (t) => {
  const [found, more] = [resource('Node', 'm', {}), resource('Node', 'c', {})];
  const now = planOf([A, found]);
  const wanted = planLab('x', [A, more, found], now.hosts);
  const growth = planGrowth(now, wanted);
  t.deepEqual(
    growth.plan.hosts.map(({ name, addresses }) => [name, ...addresses]),
    [
      ['a', '10.0.0.1/24'],
      ['m', '10.0.0.2/24'],
      ['c', '10.0.0.3/24'],
    ],
  );
});

for (const [what, wanted, words] of [
  [
    'the address of a host',
    planOf([A, node('b', '10.0.0.3/24')]),
    /Node "b" runs with 10\.0\.0\.2\/24 and is to have 10\.0\.0\.3\/24/,
  ],
  ['what the fabric has', planOf([A, B, node('c', '10.0.0.254/24')]), /10\.0\.0\.254 is the gateway/],
] as const) {
  test(`planGrowth() refuses to change ${what} while it runs`, (t) => {
    const error = t.throws(() => planGrowth(planOf([A, B]), wanted), { instanceOf: LabPlanError });
    t.regex(error.message, words);
    t.regex(error.message, /--replace/);
  });
}
