/**
 * Whoever asks how the agent is gets an answer, whatever other clients do to the server: real HTTP on
 * loopback.
 */
import { createConnection } from 'node:net';
import test from 'ava';
import { type HealthReason, readiness } from '../../../src/agent/status/health.js';
import {
  type HealthServer,
  type HealthServerOptions,
  startHealthServer,
} from '../../../src/agent/status/health-server.js';
import { AgentMetrics } from '../../../src/agent/status/metrics.js';
import { SESSION_DOWN, WELL } from './facts-fixture.js';

function start(options: Partial<HealthServerOptions> = {}): Promise<HealthServer> {
  return startHealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness: () => [],
    stuck: () => undefined,
    metrics: new AgentMetrics(),
    ...options,
  });
}

async function get(
  server: HealthServer,
  path: string,
  init?: RequestInit,
): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(`http://127.0.0.1:${server.address.port}${path}`, init);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

test('/readiness is 200 while there is no reason against it, and 503 with the reasons as soon as there is', async (t) => {
  let reasons: readonly HealthReason[] = [];
  await using server = await start({ readiness: () => reasons });
  t.deepEqual(await get(server, '/readiness'), {
    status: 200,
    type: 'application/json',
    body: '{"ready":true,"reasons":[]}\n',
  });
  reasons = readiness({ ...WELL, bgp: SESSION_DOWN });
  const { status, body } = await get(server, '/readiness?verbose=1');
  t.is(status, 503);
  t.deepEqual(JSON.parse(body), { ready: false, reasons });
  reasons = [];
  t.is((await get(server, '/readiness')).status, 200);
});

test('/liveness is 503 with the reason while the main loop is stuck', async (t) => {
  let reason: string | undefined;
  await using server = await start({ stuck: () => reason });
  t.deepEqual(await get(server, '/liveness'), {
    status: 200,
    type: 'application/json',
    body: '{"alive":true}\n',
  });
  reason = 'the main loop has not turned for 91 s';
  t.deepEqual(await get(server, '/liveness'), {
    status: 503,
    type: 'application/json',
    body: `{"alive":false,"reason":"${reason}"}\n`,
  });
});

test('/metrics answers in the text format of Prometheus', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts(WELL);
  await using server = await start({ metrics });
  const { status, type, body } = await get(server, '/metrics');
  t.is(status, 200);
  t.regex(type ?? '', /^text\/plain; version=0\.0\.4/);
  t.regex(body, /^felix_resync_state 3$/m);
});

test('other paths are 404, other methods 405, and a fault of our own is 500', async (t) => {
  await using server = await start({
    readiness: () => {
      throw new Error('no facts');
    },
  });
  t.is((await get(server, '/')).status, 404);
  t.is((await get(server, '/../../etc/passwd')).status, 404);
  t.is((await get(server, '/liveness', { method: 'POST', body: 'x' })).status, 405);
  t.deepEqual(await get(server, '/liveness', { method: 'HEAD' }), {
    status: 200,
    type: 'application/json',
    body: '',
  });
  t.like(await get(server, '/readiness'), { status: 500, body: '{"error":"Error: no facts"}\n' });
});

const closed = test.macro({
  async exec(t, first: string, drip: string) {
    await using server = await start({ requestTimeoutMs: 1_000 });
    const socket = createConnection(server.address.port, '127.0.0.1');
    socket.write(first);
    const dripping = setInterval(() => socket.write(drip), 20);
    socket.on('error', () => {});
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    clearInterval(dripping);
    t.is((await get(server, '/liveness')).status, 200);
  },
  title: (title) => `a client that ${title} is cut off`,
});

test('connects and says nothing', closed, '', '');
test('sends its headers one by one for ever', closed, 'GET /metrics HTTP/1.1\r\n', 'X-Slow: 1\r\n');
test(
  'never ends its body',
  closed,
  'GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n',
  'x',
);
test('sends headers without end', closed, 'GET / HTTP/1.1\r\n', `X: ${'x'.repeat(4000)}\r\n`);

test('an address that is taken is refused at start', async (t) => {
  await using server = await start();
  await t.throwsAsync(start({ port: server.address.port }), { code: 'EADDRINUSE' });
});

test('a closed server lets go of clients that are still connected', async (t) => {
  const server = await start();
  const socket = createConnection(server.address.port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('connect', resolve));
  const gone = new Promise((resolve) => socket.on('close', resolve));
  await server.close();
  await gone;
  t.pass();
});
