/** One commit turns a mesh into clients of reflectors, under traffic: all pairs of workloads, both families. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { flood } from '../helpers/flood.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

const POOLS = ['192.168.0.0/16', 'fd80:24e2:f998:72d6::/64'];

type Replacements = readonly (readonly [of: string, by: string])[];

/** The lab of an example that is a mesh at first: its manifests with these words in place of those. */
async function startMeshed(story: string, words: Replacements) {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-story-'));
  try {
    await cp(exampleFolder(story), folder, { recursive: true });
    const reflected = await readFile(join(folder, 'network.yaml'), 'utf8');
    const meshed = words.reduce((text, [of, by]) => text.replaceAll(of, by), reflected);
    await writeFile(join(folder, 'network.yaml'), meshed);
    const lab = await TestLab.start(folder);
    await lab.live(await lab.head());
    await lab.routed();
    await leaveNoOtherWay(lab);
    return { lab, meshed, reflected };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Without a route of its own a packet ends here: the default gateway of a lab knows where workloads are. */
async function leaveNoOtherWay(lab: TestLab): Promise<void> {
  for (const { name } of lab.plan.hosts)
    for (const pool of POOLS)
      await lab.on(name, ['ip', pool.includes(':') ? '-6' : '-4', 'route', 'add', 'unreachable', pool]);
}

/** The sessions that are up, as the daemon itself calls them. */
async function established(lab: TestLab, host: string): Promise<readonly string[]> {
  const socket = join(lab.stateDirOf(host), 'bird/bird.ctl');
  const rows = await lab.on(host, ['birdc', '-s', socket, 'show', 'protocols']);
  return rows.match(/\b(Mesh|Node)_\S+(?=.*Established)/g) ?? [];
}

/** Waits until sessions of this kind are up on each of these hosts, so many, and none of another kind. */
async function untilAll(lab: TestLab, kind: 'Mesh' | 'Node', counts: Readonly<Record<string, number>>) {
  for (const [host, count] of Object.entries(counts)) {
    const isThere = async () => {
      const names = await established(lab, host);
      return names.length === count && names.every((name) => name.startsWith(kind));
    };
    await until(isThere, { timeoutMs: 60_000, what: `${count} sessions ${kind}_* of ${host}` });
  }
}

/** Packets between all pairs of workloads every 20 ms, from now until `during` is over; how many were lost where. */
async function lostWhile(lab: TestLab, during: () => Promise<void>): Promise<readonly string[]> {
  const end = new AbortController();
  const pings = lab.plan.workloads.flatMap((from) =>
    lab.plan.workloads
      .filter((to) => to !== from)
      .flatMap((to) => to.addresses.map((address) => ping(lab, from.name, address, end.signal))),
  );
  try {
    await during();
  } finally {
    end.abort();
  }
  return (await Promise.all(pings)).flat();
}

/** One flood after the other, each of a second, so that the last ends soon after it should. */
async function ping(lab: TestLab, from: string, to: string, end: AbortSignal): Promise<readonly string[]> {
  const lost: string[] = [];
  while (!end.aborted) {
    const numbers = await flood(lab.at(from), to, { count: 50, everyMs: 20 });
    if (numbers.length > 0) lost.push(`${from} -> ${to}: ${numbers}`);
  }
  return lost;
}

test.serial('a mesh becomes clients of two RouteReflectors, and no packet is lost', async (t) => {
  const { lab: started, reflected } = await startMeshed('two-reflectors', [
    ['nodeToNodeMeshEnabled: false', 'nodeToNodeMeshEnabled: true'],
    // The reflectors are there, and nobody's yet.
    ['clusterID: 1.0.0.1', 'clusterID: 1.0.0.1, clientSelector: has(nobody)'],
  ]);
  await using lab = started;
  const each = (count: number) => ({ 'host-1': count, 'host-2': count, 'host-3': count });
  await untilAll(lab, 'Mesh', each(4));
  const lost = await lostWhile(lab, async () => {
    await writeFile(join(lab.state.workTree, 'network.yaml'), reflected);
    await lab.live(await lab.push('Reflectors instead of a mesh'));
    await untilAll(lab, 'Node', each(4));
  });
  t.deepEqual(lost, []);
});

test.serial('two nodes of a mesh become its reflectors, and go back, and no packet is lost', async (t) => {
  const {
    lab: started,
    meshed,
    reflected,
  } = await startMeshed('reflecting-nodes', [
    ['nodeToNodeMeshEnabled: false', 'nodeToNodeMeshEnabled: true'],
    ['nodeSelector: all()', 'nodeSelector: has(nobody)'],
    [', routeReflectorClusterID: 1.0.0.1', ''],
  ]);
  await using lab = started;
  const hosts = { 'host-1': 6, 'host-2': 6, 'host-3': 6, 'host-4': 6 };
  await untilAll(lab, 'Mesh', hosts);
  const lost = await lostWhile(lab, async () => {
    await writeFile(join(lab.state.workTree, 'network.yaml'), reflected);
    await lab.live(await lab.push('Nodes that reflect'));
    await untilAll(lab, 'Node', { ...hosts, 'host-3': 4, 'host-4': 4 });
    await writeFile(join(lab.state.workTree, 'network.yaml'), meshed);
    await lab.live(await lab.push('A mesh again'));
    await untilAll(lab, 'Mesh', hosts);
  });
  t.deepEqual(lost, []);
});
