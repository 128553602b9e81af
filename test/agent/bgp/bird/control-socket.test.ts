/**
 * BIRD's replies are read right in whatever pieces they come, and no daemon is waited for without end: a fake
 * one on a real socket.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type BirdControl, connectBird } from '../../../../src/agent/bgp/bird/control-socket.js';

interface Daemon extends AsyncDisposable {
  readonly path: string;
  /** Commands as they came, in pieces as the network cut them. */
  readonly received: string[];
  connect(timeoutMs?: number): Promise<BirdControl>;
}

/** Something that listens as BIRD does; `behave` answers whatever comes in. */
async function daemon(
  behave: (socket: Socket, text: string) => void,
  greeting = '0001 BIRD 2.0.12 ready.\n',
): Promise<Daemon> {
  const folder = await mkdtemp(join(tmpdir(), `heddle-ctl-${process.pid}-`));
  const path = join(folder, 'bird.ctl');
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(greeting);
    socket.setEncoding('utf8').on('data', (text: string) => {
      received.push(text);
      behave(socket, text);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    received,
    connect: (timeoutMs = 30_000) => connectBird(path, { timeoutMs }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

test('connectBird() reads the greeting', async (t) => {
  await using bird = await daemon(() => {});
  using control = await bird.connect();
  t.is(control.greeting, 'BIRD 2.0.12 ready.');
});

test('command() gives each line its code, those that continue the one before', async (t) => {
  await using bird = await daemon((socket) => socket.write('1002-one\n two\n1006-  detail\n \n0000 \n'));
  using control = await bird.connect();
  t.deepEqual(await control.command('show protocols all'), [
    { code: 1002, text: 'one' },
    { code: 1002, text: 'two' },
    { code: 1006, text: '  detail' },
    { code: 1006, text: '' },
    { code: 0, text: '' },
  ]);
  t.deepEqual(bird.received, ['show protocols all\n']);
});

test('command() puts a reply together from any pieces', async (t) => {
  const reply = '1002-one\n two\n0000 \n';
  await using bird = await daemon(async (socket) => {
    for (const character of reply) {
      socket.write(character);
      await new Promise(setImmediate);
    }
  });
  using control = await bird.connect();
  t.deepEqual(
    (await control.command('show')).map(({ text }) => text),
    ['one', 'two', ''],
  );
});

test('commands that overlap are sent one after the other and get their own replies', async (t) => {
  await using bird = await daemon((socket, text) => setImmediate(() => socket.write(`0000 ${text}`)));
  using control = await bird.connect();
  const replies = await Promise.all(['a', 'b', 'c'].map((command) => control.command(command)));
  t.deepEqual(
    replies.map(([line]) => line?.text),
    ['a', 'b', 'c'],
  );
  t.deepEqual(bird.received, ['a\n', 'b\n', 'c\n']);
});

test('a command that BIRD refuses rejects with its words, and the connection goes on', async (t) => {
  await using bird = await daemon((socket, text) =>
    socket.write(text === 'configure\n' ? '0002-Reading\n8002 bird.conf:1:1 syntax error\n' : '0013 up\n'),
  );
  using control = await bird.connect();
  await t.throwsAsync(control.command('configure'), {
    code: 'refused',
    message: 'bird.conf:1:1 syntax error',
  });
  t.deepEqual(await control.command('show status'), [{ code: 13, text: 'up' }]);
});

test('connectBird() rejects with not-running where nobody listens', async (t) => {
  await t.throwsAsync(connectBird('/nowhere/bird.ctl'), {
    code: 'not-running',
    message: /\/nowhere\/bird\.ctl/,
  });
});

test('a daemon that does not greet, or does not answer, is given up', async (t) => {
  await using mute = await daemon(() => {}, '');
  await t.throwsAsync(mute.connect(300), { code: 'timeout', message: /the greeting/ });
  await using hung = await daemon(() => {});
  using control = await hung.connect(2_000);
  await t.throwsAsync(control.command('show status'), { code: 'timeout', message: /"show status"/ });
  await control.closed;
  await t.throwsAsync(control.command('show status'), { code: 'timeout' });
});

test('a daemon that dies fails what is under way, and `closed` tells', async (t) => {
  await using bird = await daemon((socket) => socket.destroy());
  using control = await bird.connect();
  await t.throwsAsync(control.command('show status'), { code: 'closed' });
  await control.closed;
  t.pass();
});
