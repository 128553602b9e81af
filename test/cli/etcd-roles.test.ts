/** The roles of docs/operating.md are enough for what they are for, and for no more. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/agent/status/clock.js';
import { StatusReporter } from '../../src/agent/status/status-reporter.js';
import { createSyncer } from '../../src/agent/syncer/create-syncer.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { HostStatus } from '../../src/layout/records.js';
import type { StoreKey } from '../../src/model/store.js';
import { startEtcd, type TestEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

const DATA = '/calico/';
const RECORDS = '/heddle/v1/calico/';
const ROLES: Readonly<Record<string, readonly (readonly [access: string, prefix: string])[]>> = {
  reconciler: [
    ['readwrite', DATA],
    ['readwrite', RECORDS],
  ],
  agent: [
    ['read', DATA],
    ['read', RECORDS],
    ['readwrite', `${RECORDS}hosts/`],
    ['readwrite', `${RECORDS}sessions/`],
  ],
  visitor: [
    ['read', DATA],
    ['read', RECORDS],
  ],
};
const PASSWORD = 'secret';

async function grantRoles(etcd: TestEtcd): Promise<void> {
  for (const [name, grants] of Object.entries(ROLES)) {
    await etcd.ctl('role', 'add', name);
    for (const [access, prefix] of grants)
      await etcd.ctl('role', 'grant-permission', '--prefix=true', name, access, prefix);
    await etcd.ctl('user', 'add', `${name}:${PASSWORD}`);
    await etcd.ctl('user', 'grant-role', name, name);
  }
}

test('reconciler, agent and visitor do what is theirs with the roles of the documentation', async (t) => {
  await using etcd = await startEtcd({ auth: true });
  await grantRoles(etcd);
  await using secrets = await folderOf({});
  const passwordFile = join(secrets.path, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const as = (user: string, ...args: string[]) =>
    heddle([...args, '--etcd', etcd.endpoint, '--etcd-user', user, '--etcd-password-file', passwordFile]);
  const repository = ['--repo', exampleFolder('three-hosts')];

  t.is((await as('visitor', 'reconcile', '--once', ...repository)).code, 9, 'a visitor writes nothing');
  const applied = await as('reconciler', 'reconcile', '--once', ...repository);
  t.is(applied.code, 0, applied.stderr);
  for (const verb of [['status'], ['get', 'ippools'], ['history'], ['blame', 'Profile/web']]) {
    const { code, stderr } = await as('visitor', ...verb);
    t.is(code, 0, `${verb.join(' ')}: ${stderr}`);
  }
  t.is((await as('visitor', 'reconcile', '--dry-run', ...repository)).code, 0);
  t.is((await as('reconciler', 'suspend', '--reason', 'a test')).code, 0);

  const layout = createLayout();
  await using store = openEtcdDatastore({ endpoints: [etcd.endpoint], user: 'agent', password: PASSWORD });
  const stop = new AbortController();
  for await (const message of createSyncer(store, layout, { signal: stop.signal }))
    if (message.type === 'batch' && message.ready) break;
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const reporter = new StatusReporter({ store, layout, node: 'host-1', log, clock: systemClock });
  const running = reporter.run(stop.signal);
  const status: HostStatus = {
    ...{ node: 'host-1', state: 'live', sources: {}, revision: 1, counts: {} },
    bgp: { configured: 0, established: 0 },
  };
  const session = {
    name: 'Mesh_10_0_0_2',
    peer: 'host-2',
    family: 4,
    state: 'Idle',
    imported: 0,
    exported: 0,
  };
  reporter.report(status, { node: 'host-1', sessions: [session] });
  for (const key of [layout.keys.hostStatus('host-1'), layout.keys.hostSessions('host-1')])
    await until(async () => (await store.get(key)).entry !== undefined, { what: key });
  const write = { op: 'put' as const, key: `${DATA}v1/Ready` as StoreKey, value: 'false' };
  await t.throwsAsync(store.transact({ guards: [], writes: [{ write }] }), { code: 'permission-denied' });
  stop.abort();
  await running;
});
