/**
 * An `http` plugin for isomorphic-git over node:http and node:https.
 *
 * The plugin that comes with isomorphic-git knows neither a CA nor an end of patience, and one of its streams waits
 * for ever when the connection breaks between two reads. Here answers are read whole before they are handed on, so
 * that a torn one is an error: a list of refs must end with its flush packet, or it would read like the list of
 * a repository with fewer branches.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import type { Credentials } from './git-remote.js';
import { FLUSH_PACKET, withoutShallow } from './pkt-line.js';
import { SourceError } from './source.js';

export interface GitHttpOptions {
  readonly credentials: Credentials | undefined;
  /** Certificates to trust instead of the system's, in PEM. */
  readonly ca: string | undefined;
  /** Without a byte for this long, the server is taken to be away. In ms. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

export function gitHttpClient(options: GitHttpOptions): HttpClient {
  return {
    async request({ url, method = 'GET', headers = {}, body }) {
      const payload = await collect(body ?? []);
      const response = await send(new URL(url), { method, headers, payload }, options);
      return { url, method, ...response };
    },
  };
}

interface Exchange {
  readonly method: string;
  readonly headers: NonNullable<GitHttpRequest['headers']>;
  readonly payload: Buffer;
}

/** How the types of git's own answers begin. */
const GIT_TYPE = 'application/x-git-upload-pack-';
const MAX_REDIRECTS = 5;
const MAX_RESPONSE = 512 * 1024 * 1024;

async function send(
  start: URL,
  exchange: Exchange,
  options: GitHttpOptions,
): Promise<Pick<GitHttpResponse, 'statusCode' | 'statusMessage' | 'headers' | 'body'>> {
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const message = await open(url, exchange, options);
    const target = redirectTarget(message, url);
    if (target && redirects < MAX_REDIRECTS) {
      message.resume();
      url = target;
      continue;
    }
    const body = await collect(message);
    const { statusCode = 0, statusMessage = '' } = message;
    const contentType = message.headers['content-type'] ?? '';
    const isList = statusCode === 200 && contentType.startsWith(GIT_TYPE) && asksForList(exchange);
    if (isList && !body.toString('latin1').endsWith(FLUSH_PACKET))
      throw new SourceError('unreachable', `${url.origin}: the answer was cut short. Try again`);
    const headers = { 'content-type': contentType };
    return { statusCode, statusMessage, headers, body: single(isList ? withoutShallow(body) : body) };
  }
}

function open(
  url: URL,
  { method, headers, payload }: Exchange,
  options: GitHttpOptions,
): Promise<IncomingMessage> {
  const { credentials, ca, idleTimeoutMs, signal } = options;
  const requestOptions = {
    method,
    signal,
    headers: {
      ...headers,
      'user-agent': 'git/heddle',
      ...(credentials && { authorization: authorization(credentials) }),
      ...(method === 'POST' && { 'content-length': String(payload.length) }),
    },
  };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...requestOptions, ...(ca !== undefined && { ca }) }, resolve)
        : httpRequest(url, requestOptions, resolve);
    request.setTimeout(idleTimeoutMs, () => {
      request.destroy(
        new SourceError('unreachable', `${url.origin}: no answer for ${idleTimeoutMs / 1000} s`),
      );
    });
    request.on('error', reject);
    request.end(payload);
  });
}

/** Only to the same host, and never from https back to http: the credentials go along. */
function redirectTarget(message: IncomingMessage, from: URL): URL | undefined {
  const { statusCode = 0, headers } = message;
  if (![301, 302, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  const target = URL.canParse(headers.location, from.href) ? new URL(headers.location, from) : undefined;
  if (
    target?.hostname === from.hostname &&
    (target.protocol === 'https:' || target.protocol === from.protocol)
  )
    return target;
  throw new SourceError(
    'unreachable',
    `${from.origin} sends to another place, ${target?.origin ?? headers.location}. Name that in --repo if you trust it`,
  );
}

function authorization(credentials: Credentials): string {
  if (credentials.type === 'bearer') return `Bearer ${credentials.token}`;
  const pair = `${credentials.username}:${credentials.password}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** GET info/refs, or the command of protocol version 2 (gitprotocol-v2(5)). */
function asksForList({ method, payload }: Exchange): boolean {
  return method === 'GET' || payload.subarray(4, 19).toString('latin1') === 'command=ls-refs';
}

async function collect(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_RESPONSE)
      throw new SourceError(
        'limit',
        `The repository sends more than ${MAX_RESPONSE} bytes. Keep manifests in their own repository`,
      );
  }
  return Buffer.concat(chunks);
}

async function* single(buffer: Buffer): AsyncIterableIterator<Uint8Array> {
  yield buffer;
}
