/** A speaker that is closed while it asks the daemon for its sessions does not ask again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { createBirdSpeaker } from '../../../../src/agent/bgp/bird/bird-speaker.js';
import { bgpModelFor } from '../../../../src/topology/bgp.js';
import { topologyInput } from '../../../topology/topology-fixture.js';

const modelWith = (peer: string) =>
  bgpModelFor(
    'a',
    topologyInput({ nodes: { a: { v4: '192.0.2.1/24' }, [peer]: { v4: `192.0.2.${peer}/24` } } }),
  );
const ignore = (): void => {};

test('close() while the daemon is being asked ends the watch over sessions that are held', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), `heddle-handover-${process.pid}-`));
  const controlSocket = join(folder, 'bird.ctl');
  let asked = 0;
  let onAsked = ignore;
  const server = createServer((socket) => {
    asked += 1;
    socket.on('error', ignore).write('0001 BIRD 2.0.12 ready.\n');
    socket.on('data', () => {
      onAsked();
      socket.write('0000 \n');
    });
  });
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve));
  const speaker = createBirdSpeaker({
    daemon: { mode: 'system', configFile: join(folder, 'bird.conf'), controlSocket },
    exec: async () => ({ code: 0, stdout: '', stderr: '' }),
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    await speaker.apply(modelWith('2'));
    // The session with 2 is held for the one with 3, which never comes up.
    await speaker.apply(modelWith('3'));
    const before = asked;
    mock.timers.tick(500);
    while (asked === before) await setImmediate();
    await new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    speaker.close();
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    mock.timers.tick(5_000);
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    t.is(asked, before + 1);
  } finally {
    mock.timers.reset();
    server.close();
    await rm(folder, { recursive: true });
  }
});
