/**
 * A real BIRD is kept running whatever happens to it, and is ended for certain. A host that has none is told
 * what to install, and one that wants none runs nothing.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { birdPathsIn } from '../../../../src/agent/bgp/bird/bird-paths.js';
import { BirdProcess, stopBird } from '../../../../src/agent/bgp/bird/bird-process.js';
import { createBgpSpeaker } from '../../../../src/agent/bgp/index.js';
import { type Exec, ExecError, exec } from '../../../../src/kernel/exec.js';
import type { Log } from '../../../../src/model/log.js';
import { bgpModelFor } from '../../../../src/topology/bgp.js';
import { until } from '../../../helpers/until.js';
import { topologyInput } from '../../../topology/topology-fixture.js';

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** A configuration that touches neither routes nor network. */
const HARMLESS = 'log stderr all;\nrouter id 192.0.2.1;\nprotocol device {}\n';

interface Place extends AsyncDisposable {
  readonly stateDir: string;
  pid(): Promise<number>;
}

async function place(): Promise<Place> {
  const stateDir = await mkdtemp(join(tmpdir(), `heddle-proc-${process.pid}-`));
  await writeFile(join(stateDir, 'bird.conf'), HARMLESS);
  return {
    stateDir,
    pid: async () => Number(await readFile(join(stateDir, 'bird.pid'), 'utf8')),
    async [Symbol.asyncDispose]() {
      await stopBird(stateDir);
      await rm(stateDir, { recursive: true });
    },
  };
}

test('a daemon that keeps dying is started after longer and longer waits', async (t) => {
  await using here = await place();
  const asked: number[] = [];
  const bird = new BirdProcess({
    paths: birdPathsIn(here.stateDir),
    exec,
    log: SILENT,
    backoffMs: (failures) => asked.push(failures) * 0,
  });
  await bird.ensureRunning();
  for (let death = 0; death < 3; death += 1) {
    const pid = await here.pid();
    process.kill(pid, 'SIGKILL');
    await until(async () => asked.length > death && (await here.pid().catch(() => pid)) !== pid, {
      what: 'a new BIRD',
    });
    await until(() => bird.ensureRunning().then(() => true));
  }
  bird.close();
  t.deepEqual(asked, [0, 1, 2]);
});

test('a daemon that lived for a minute counts as started well', async (t) => {
  await using here = await place();
  let now = 0;
  const asked: number[] = [];
  const bird = new BirdProcess({
    paths: birdPathsIn(here.stateDir),
    exec,
    log: SILENT,
    now: () => now,
    backoffMs: (failures) => asked.push(failures) * 0,
  });
  await bird.ensureRunning();
  for (const livedMs of [1_000, 1_000, 60_000]) {
    const [pid, deaths] = [await here.pid(), asked.length];
    now += livedMs;
    process.kill(pid, 'SIGKILL');
    await until(async () => asked.length > deaths && (await here.pid().catch(() => pid)) !== pid);
    await until(() => bird.ensureRunning().then(() => true));
  }
  bird.close();
  t.deepEqual(asked, [0, 1, 0]);
});

test('a daemon that does not start rejects with its own words', async (t) => {
  await using here = await place();
  await writeFile(join(here.stateDir, 'bird.conf'), 'nonsense');
  const bird = new BirdProcess({ paths: birdPathsIn(here.stateDir), exec, log: SILENT });
  await t.throwsAsync(bird.ensureRunning(), { message: /bird\.conf:1:\d+ syntax error/ });
  bird.close();
});

test('a daemon that drops connections because it is dying is not taken for one that runs', async (t) => {
  await using here = await place();
  const { controlSocket } = birdPathsIn(here.stateDir);
  let dropped = 0;
  const dying = createServer((socket) => {
    socket.destroy();
    dropped += 1;
    if (dropped === 3) dying.close();
  });
  await new Promise<void>((resolve) => dying.listen(controlSocket, resolve));
  const bird = new BirdProcess({ paths: birdPathsIn(here.stateDir), exec, log: SILENT });
  await bird.ensureRunning();
  t.is(dropped, 3);
  t.true((await here.pid()) > 0);
  bird.close();
});

test('a closed watcher starts nothing again', async (t) => {
  await using here = await place();
  const commands: string[] = [];
  const counting: Exec = (command, args, options) => {
    commands.push(command);
    return exec(command, args, options);
  };
  const bird = new BirdProcess({ paths: birdPathsIn(here.stateDir), exec: counting, log: SILENT });
  await bird.ensureRunning();
  bird.close();
  t.true(await stopBird(here.stateDir));
  await bird.ensureRunning();
  t.deepEqual(commands, ['bird']);
});

test('stopBird() kills a daemon that does not answer', async (t) => {
  await using here = await place();
  const bird = new BirdProcess({ paths: birdPathsIn(here.stateDir), exec, log: SILENT });
  await bird.ensureRunning();
  bird.close();
  process.kill(await here.pid(), 'SIGSTOP');
  t.true(await stopBird(here.stateDir, 200));
  await until(async () => !(await stopBird(here.stateDir, 200)), { what: 'the end of the daemon' });
});

test('a state directory that leaves no room for a socket is refused', (t) => {
  t.throws(() => birdPathsIn(`/var/lib/${'x'.repeat(100)}`), {
    instanceOf: RangeError,
    message: /shorter state directory/,
  });
});

const MODEL = bgpModelFor(
  'a',
  topologyInput({ nodes: { a: { v4: '192.0.2.1/24' }, b: { v4: '192.0.2.2/24' } } }),
);

test('a host without BIRD is told what to install', async (t) => {
  await using here = await place();
  const missing: Exec = async (command) => {
    throw new ExecError(command, 'not-found', `${command}: spawn ENOENT`);
  };
  const speaker = createBgpSpeaker({ mode: 'managed', stateDir: here.stateDir, exec: missing, log: SILENT });
  const { failures } = await speaker.apply(MODEL);
  t.regex(failures[0]?.message ?? '', /install BIRD 2, or turn BGP off with bgpMode none/);
  const { configured, established, problem } = await speaker.status();
  t.deepEqual([configured, established], [1, 0]);
  t.regex(problem ?? '', /no BIRD listens/);
  speaker.close();
});

test('mode none takes every model and does nothing', async (t) => {
  const speaker = createBgpSpeaker({
    mode: 'none',
    stateDir: '/nonexistent',
    log: SILENT,
    exec: () => Promise.reject(new Error('nothing may be run')),
  });
  t.deepEqual(await speaker.apply(MODEL), { changed: 0, failures: [] });
  t.deepEqual(await speaker.resync(), { changed: 0, failures: [] });
  t.deepEqual(await speaker.verify(), []);
  t.deepEqual(await speaker.status(), { configured: 0, established: 0, sessions: [] });
  speaker.close();
});
