/**
 * /readiness, /liveness and /metrics over HTTP.
 *
 * A 200 is green, a 503 red, and the body says why. Whoever reaches the port can hold a connection open, so time and
 * size of every request are limited, and so is the number of connections (CVE-2023-41378). Node checks its timeouts
 * only every 30 s unless told otherwise.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HealthReason } from './health.js';

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Why the host is not ready; empty: it is. */
  readonly readiness: () => readonly HealthReason[];
  /** Why the agent is not alive; undefined: it is. */
  readonly stuck: () => string | undefined;
  /** The metrics in Prometheus' text format. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** How long a client may take to send its request, in ms. Default 5000. */
  readonly requestTimeoutMs?: number;
}

export interface HealthServer extends AsyncDisposable {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/** Starts listening. @throws when the address is taken or not this host's. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const requestTimeout = options.requestTimeoutMs ?? 5_000;
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: requestTimeout,
      keepAliveTimeout: requestTimeout,
      connectionsCheckingInterval: Math.max(50, requestTimeout / 4),
      maxHeaderSize: 8192,
    },
    (request, response) => {
      void safeAnswer(request, options).then((reply) => send(response, request.method, reply));
    },
  );
  server.maxConnections = 64;
  server.maxRequestsPerSocket = 1000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { address: server.address() as AddressInfo, close, [Symbol.asyncDispose]: close };
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** A fault in here must not take down the agent that it reports on. */
async function safeAnswer(request: IncomingMessage, options: HealthServerOptions): Promise<Reply> {
  try {
    return await answer(request, options);
  } catch (error) {
    return json(500, { error: String(error) });
  }
}

async function answer(request: IncomingMessage, options: HealthServerOptions): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json(405, { error: 'only GET is answered here' });
  switch (request.url?.split('?')[0]) {
    case '/readiness': {
      const reasons = options.readiness();
      return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
    }
    case '/liveness': {
      const reason = options.stuck();
      return json(reason === undefined ? 200 : 503, { alive: reason === undefined, reason });
    }
    case '/metrics': {
      const { contentType } = options.metrics;
      return { status: 200, contentType, body: await options.metrics.metrics() };
    }
    default:
      return json(404, { error: 'there is /readiness, /liveness and /metrics' });
  }
}

function json(status: number, body: object): Reply {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function send(response: ServerResponse, method: string | undefined, reply: Reply): void {
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.body),
    'cache-control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : reply.body);
}
