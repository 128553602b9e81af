/**
 * Who would learn whose routes can be read before anything runs, and whom a topology cuts apart: the command
 * line on an example, and on a spoiled copy of it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

const CLUSTERS = exampleFolder('two-clusters');

test('bgp prints sessions, and over whom each host learns the routes of the others', async (t) => {
  const { stdout, code } = await heddle(['bgp', CLUSTERS]);
  t.is(code, 0);
  t.regex(stdout, /^rr-a +rr-b +iBGP +IPv4 IPv6$/m);
  t.regex(stdout, /^host-1 +\/32s in 192\.168\.0\.0\/16 +host-2 +rr-a$/m);
  t.regex(stdout, /^host-3 +\/32s in 192\.168\.0\.0\/16 +host-1, host-2 +rr-a, rr-b$/m);
  t.notRegex(stdout, /DOES NOT LEARN|CANNOT COME UP/);
});

test('bgp --node prints one host, and --output json the same as data', async (t) => {
  const { stdout } = await heddle(['bgp', CLUSTERS, '--node', 'host-3', '--output', 'json']);
  const report = JSON.parse(stdout);
  t.deepEqual(report.sessions, [
    { hosts: ['host-3', 'rr-b'], family: 4, type: 'iBGP' },
    { hosts: ['host-3', 'rr-b'], family: 6, type: 'iBGP' },
  ]);
  t.deepEqual(report.routes[0], {
    node: 'host-3',
    network: '192.168.0.0/16',
    whole: false,
    from: ['host-1', 'host-2'],
    over: ['rr-a', 'rr-b'],
  });
  t.deepEqual([report.missing, report.broken], [[], []]);
});

test('bgp names hosts that a topology cuts apart', async (t) => {
  const files = ['network.yaml', 'workloads.yaml'];
  const [network = '', workloads = ''] = await Promise.all(
    files.map((file) => readFile(join(CLUSTERS, file), 'utf8')),
  );
  await using folder = await folderOf({
    'network.yaml': network.replace('1.0.0.2', '1.0.0.1'),
    'workloads.yaml': workloads,
  });
  const { stdout, code } = await heddle(['bgp', folder.path]);
  t.is(code, 0);
  t.regex(stdout, /^HOST +DOES NOT LEARN +OF$/m);
  t.regex(stdout, /^host-1 +\/32s in 192\.168\.0\.0\/16 +host-3$/m);
});

test('bgp of a host that takes no part in BGP is invalid input', async (t) => {
  const { stderr, code } = await heddle(['bgp', CLUSTERS, '--node', 'host-9']);
  t.is(code, 3);
  t.regex(stderr, /no Node or RouteReflector "host-9" takes part in BGP/);
});
