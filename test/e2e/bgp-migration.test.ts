/** From a full mesh to route reflectors by one commit, under traffic. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

test('one commit turns a mesh into clients of two reflectors, and no packet is lost', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-story-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(exampleFolder('two-reflectors'), folder, { recursive: true });
  const reflected = await readFile(join(folder, 'network.yaml'), 'utf8');
  // The reflectors are there, and nobody's yet.
  const meshed = reflected
    .replace('nodeToNodeMeshEnabled: false', 'nodeToNodeMeshEnabled: true')
    .replaceAll('clusterID: 1.0.0.1', 'clusterID: 1.0.0.1, clientSelector: has(nobody)');
  await writeFile(join(folder, 'network.yaml'), meshed);

  await using lab = await TestLab.start(folder);
  await lab.live(await lab.head());
  const protocols = async (host: string) =>
    (
      await lab.on(host, ['birdc', '-s', join(lab.stateDirOf(host), 'bird/bird.ctl'), 'show', 'protocols'])
    ).match(/\b(Mesh|Node)_\S+(?=.*Established)/g) ?? [];
  await until(async () => (await protocols('host-1')).length === 4, { timeoutMs: 20_000, what: 'the mesh' });
  t.true(await lab.reaches('web-1', 'web-3', 'icmp'));

  const target = lab.plan.workloads.find(({ name }) => name === 'web-3')?.addresses[0] ?? '';
  const pings = lab.on('web-1', ['ping', '-q', '-i', '0.05', '-c', '500', '-W', '1', target]);
  await writeFile(join(lab.state.workTree, 'network.yaml'), reflected);
  await lab.live(await lab.push('Reflectors instead of a mesh'));
  await until(
    async () => {
      for (const host of ['host-1', 'host-2', 'host-3']) {
        const names = await protocols(host);
        if (names.length !== 4 || names.some((name) => name.startsWith('Mesh'))) return false;
      }
      return true;
    },
    { timeoutMs: 60_000, what: 'hosts that are clients only' },
  );
  t.regex(await pings, /500 packets transmitted, 500 received, 0% packet loss/);
  t.true(await lab.reaches('web-3', 'web-2', 'tcp', 6));
});
