/** What a plan says of BGP: sessions and routes that come and go, and a guard before hosts lose each other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import type { StoreKey } from '../../src/model/store.js';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

/** Two racks, each with a reflector; of one cluster the reflectors would not peer with each other. */
async function racks(change: (network: string) => string = (network) => network) {
  const story = exampleFolder('two-clusters');
  const network = await readFile(join(story, 'network.yaml'), 'utf8');
  const workloads = await readFile(join(story, 'workloads.yaml'), 'utf8');
  return folderOf({ 'network.yaml': change(network), 'workloads.yaml': workloads });
}
const oneCluster = (network: string) => network.replace('1.0.0.2', '1.0.0.1');

test('a plan that cuts hosts off from each other is held back until somebody approves', async (t) => {
  await using etcd = await startEtcd();
  await using before = await racks();
  await using after = await racks(oneCluster);
  const reconcile = (folder: string, ...more: string[]) =>
    heddle(['reconcile', '--repo', folder, '--etcd', etcd.endpoint, ...more]);
  const first = await reconcile(before.path, '--once');
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /^BGP: 8 sessions gained$/m);

  const plan = await reconcile(after.path, '--dry-run', '--output', 'json');
  t.is(plan.code, 5);
  const { guards, bgp } = JSON.parse(plan.stdout);
  t.like(guards[0], { code: 'routes-lost' });
  t.is(
    guards[0].message,
    'hosts would lose routes from host-3 to 192.168.0.0/16 of host-1, host-2 (8 routes in all)',
  );
  t.is(bgp.routes.lost.count, 8);
  t.deepEqual(bgp.sessions.lost, {
    count: 2,
    shown: [
      { hosts: ['rr-a', 'rr-b'], family: 4 },
      { hosts: ['rr-a', 'rr-b'], family: 6 },
    ],
  });
  t.is((await reconcile(after.path, '--once')).code, 5);

  const approved = await reconcile(after.path, '--once', '--approve-prune');
  t.is(approved.code, 0, approved.stderr);
  t.regex(approved.stdout, /^ {2}- routes from host-1, host-2 to 192\.168\.0\.0\/16 of host-3$/m);
  t.regex(approved.stdout, /^BGP: 2 sessions and 8 routes lost$/m);
  t.regex((await reconcile(before.path, '--dry-run')).stdout, /^BGP: 2 sessions and 8 routes gained$/m);
});

test('blocks that hosts were given at run time are routes, too', async (t) => {
  await using etcd = await startEtcd();
  await using folder = await racks();
  await using after = await racks(oneCluster);
  const reconcile = (path: string, ...more: string[]) =>
    heddle(['reconcile', '--repo', path, '--etcd', etcd.endpoint, ...more]);
  t.is((await reconcile(folder.path, '--once')).code, 0);
  await using store = openEtcdDatastore(etcd.options);
  const key = '/calico/ipam/v2/host/host-3/ipv4/block/192.168.3.0-26' as StoreKey;
  await store.transact({
    guards: [],
    writes: [{ write: { op: 'put', key, value: '{"state":"confirmed"}' } }],
  });
  const { bgp } = JSON.parse((await reconcile(after.path, '--dry-run', '--output', 'json')).stdout);
  t.deepEqual(
    bgp.routes.lost.shown.find(({ network }: { network: string }) => network === '192.168.3.0/26'),
    { network: '192.168.3.0/26', from: ['host-3'], to: ['host-1', 'host-2'] },
  );
});

test('a plan that leaves BGP as it is says nothing of it', async (t) => {
  await using folder = await racks();
  await using workloads = await folderOf({
    'w.yaml': 'apiVersion: heddle/v1\nkind: Profile\nmetadata: { name: web }\n',
  });
  t.regex((await heddle(['reconcile', '--dry-run', '--repo', folder.path])).stdout, /^BGP: /m);
  t.notRegex((await heddle(['reconcile', '--dry-run', '--repo', workloads.path])).stdout, /BGP/);
});

test('a plan that puts a pool into a tunnel says what workloads notice of it', async (t) => {
  await using etcd = await startEtcd();
  await using before = await racks();
  await using after = await racks((network) =>
    network.replace('cidr: 192.168.0.0/16', 'cidr: 192.168.0.0/16, vxlanMode: Always'),
  );
  const reconcile = (folder: string, ...more: string[]) =>
    heddle(['reconcile', '--repo', folder, '--etcd', etcd.endpoint, ...more]);
  t.is((await reconcile(before.path, '--once')).code, 0);
  const { code, stdout } = await reconcile(after.path, '--dry-run');
  t.is(code, 0);
  t.regex(stdout, /^ {2}! between hosts packets of 192\.168\.0\.0\/16 go through VXLAN: 50 octets more/m);
  const { bgp } = JSON.parse((await reconcile(after.path, '--dry-run', '--output', 'json')).stdout);
  t.like(bgp.overlays, [{ pool: '192.168.0.0/16', before: null, octets: 50 }]);
});
