/**
 * A Node whose manifest gives no address, and one whose manifest gives the address of another host.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { StoreKey } from '../../src/model/store.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
const NODES = join('network', 'nodes.yaml');
const GIVEN = '    ipv4Address: 10.99.0.3/24\n    ipv6Address: fd99::3/64\n';
let lab: TestLab;

test.before('host-3 has no address in its manifest', async () => {
  const seed = await mkdtemp(join(tmpdir(), 'heddle-nodes-'));
  await cp(exampleFolder('three-hosts'), seed, { recursive: true });
  const text = await readFile(join(seed, NODES), 'utf8');
  if (!text.includes(`spec:\n  bgp:\n${GIVEN}`)) throw new Error('The example has changed');
  await writeFile(join(seed, NODES), text.replace(`spec:\n  bgp:\n${GIVEN}`, 'spec: {}\n'));
  lab = await TestLab.start(seed);
  await rm(seed, { recursive: true });
});
test.after.always('the lab goes', () => lab?.[Symbol.asyncDispose]());

/** The keys by which others know where host-3 is. */
async function registered(): Promise<Readonly<Record<string, string | undefined>>> {
  const keys = [
    'v1/host/host-3/bird_ip',
    ...['ip_addr_v4', 'ip_addr_v6', 'network_v4'].map((key) => `bgp/v1/host/host-3/${key}`),
  ];
  const values = await Promise.all(
    keys.map(async (key) => (await lab.store.get(`${lab.layout.root}/${key}` as StoreKey)).entry?.value),
  );
  return Object.fromEntries(keys.map((key, index) => [key.slice(key.lastIndexOf('/') + 1), values[index]]));
}

const OWN = {
  bird_ip: '10.99.0.3',
  ip_addr_v4: '10.99.0.3',
  ip_addr_v6: 'fd99::3',
  network_v4: '10.99.0.0/24',
};

async function untilHost(name: string, says: (error: string | undefined, state: string) => boolean) {
  return until(
    async () => {
      const host = (await lab.status()).hosts.find(({ node }) => node === name);
      return host && says(host.error, host.state) ? host : undefined;
    },
    { timeoutMs: 20_000 },
  );
}

test('a Node without an address: its agent registers what it finds, workloads are reached, and no plan touches it', async (t) => {
  await lab.live(await lab.head());
  await until(async () => (await registered()).bird_ip !== undefined);
  t.deepEqual(await registered(), OWN);
  await lab.routed();
  t.true(await lab.reaches('web-1', 'web-3', 'icmp', 4));
  t.true(await lab.reaches('web-1', 'web-3', 'icmp', 6));
  const plan = await lab.heddle([
    ...['reconcile', '--dry-run', '--detailed-exitcode', '--repo', lab.state.repository],
    ...['--etcd', lab.state.etcdOutside],
  ]);
  t.is(plan.code, 0, plan.stdout + plan.stderr);
});

test('an address that a manifest gives and the host does not have is AddressMismatch, until either is mended', async (t) => {
  const file = join(lab.state.workTree, NODES);
  const text = await readFile(file, 'utf8');
  const wrong = GIVEN.replace('10.99.0.3', '10.99.0.33');
  await writeFile(file, text.replace('spec: {}\n', `spec:\n  bgp:\n${wrong}`));
  await lab.push('A wrong address');
  const { state } = await untilHost('host-3', (error) => /AddressMismatch: 10\.99\.0\.33 /.test(error ?? ''));
  t.is(state, 'degraded');
  await writeFile(file, text.replace('spec: {}\n', `spec:\n  bgp:\n${GIVEN}`));
  await lab.live(await lab.push('The right one'));
  t.deepEqual(await registered(), OWN);
  await writeFile(file, text);
  await lab.live(await lab.push('No address again'));
  t.deepEqual(await registered(), OWN, 'what the manifest gave is kept by the host');
});
