/**
 * The etcd3 client, set up so that nothing of it decides for us.
 *
 * Used of the library: its stubs (kv, lease, watch), its host choice, its TLS and its user tokens. Not used: its
 * watch (it skips the backlog when a stream breaks before the backlog is read), its election and its circuit
 * breaker (which answers `BrokenCircuitError` for seconds after the server is back). One interceptor adds what
 * the library has no option for: `hasleader`, so that a member without quorum refuses instead of keeping a watch
 * silent, and the cancelling of calls in flight when the client closes, so that the process can end.
 */
import { rootCertificates } from 'node:tls';
import { InterceptingCall, type Interceptor, status } from '@grpc/grpc-js';
import { handleWhen, type IPolicy, noop, retry } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import type { Log } from '../../model/log.js';
import { DatastoreError } from '../datastore.js';
import { isRefused } from './errors.js';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one scheme; the port defaults to 2379. */
  readonly endpoints: readonly string[];
  /** PEM. Default: the certificate authorities that Node trusts. */
  readonly ca?: string;
  /** PEM of the client certificate, with `key`. */
  readonly cert?: string;
  readonly key?: string;
  readonly user?: string;
  readonly password?: string;
  /** Told of every call that is tried again. */
  readonly log?: Pick<Log, 'warn'>;
  readonly tuning?: Partial<EtcdTuning>;
}

/** Times in milliseconds. */
export interface EtcdTuning {
  /** Longest wait for the answer to one call. */
  readonly callTimeoutMs: number;
  /** A ping after this much silence notices a peer that went away without a word ... */
  readonly keepaliveMs: number;
  /** ... when it stays unanswered for this long. */
  readonly keepaliveTimeoutMs: number;
  /** Entries per page of a snapshot. */
  readonly pageSize: number;
}

export const DEFAULT_TUNING: EtcdTuning = {
  callTimeoutMs: 10_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  pageSize: 4000,
};

export interface Connection {
  readonly client: Etcd3;
  /** For messages. */
  readonly endpoints: string;
  /** Cancels every call in flight and frees the sockets. */
  close(): void;
}

/** Etcd's own limit of a message is 1.5 MiB for requests; a page of large values can be much larger. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;
const DEFAULT_PORT = '2379';

/** @throws {DatastoreError} `invalid` for endpoints or credentials that make no sense. Connects lazily. */
export function connect(options: EtcdOptions, tuning: EtcdTuning): Connection {
  const hosts = options.endpoints.map(parseEndpoint);
  const first = hosts[0];
  if (first === undefined) throw new DatastoreError('invalid', 'no etcd endpoint is given');
  if (hosts.some(({ secure }) => secure !== first.secure))
    throw new DatastoreError(
      'invalid',
      `${options.endpoints.join(',')}: mixes http and https; use one of them`,
    );
  const credentials = first.secure ? tlsCredentials(options) : plainCredentials(options);
  const calls = new Set<InterceptingCall>();
  const client = new Etcd3({
    hosts: hosts.map(({ host }) => host),
    ...(credentials && { credentials }),
    ...authOption(options),
    grpcOptions: {
      'grpc.keepalive_time_ms': tuning.keepaliveMs,
      'grpc.keepalive_timeout_ms': tuning.keepaliveTimeoutMs,
      'grpc.max_receive_message_length': MAX_RECEIVE_BYTES,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
      'grpc.enable_http_proxy': 0,
    },
    faultHandling: { host: () => noop, global: nextMember(hosts.length) },
    defaultCallOptions: ({ isStream }) => ({
      interceptors: [trackingInterceptor(calls)],
      ...(isStream ? {} : { deadline: Date.now() + tuning.callTimeoutMs }),
    }),
  });
  return {
    client,
    endpoints: options.endpoints.join(','),
    close: () => {
      for (const call of [...calls]) call.cancelWithStatus(status.CANCELLED, 'the datastore was closed');
      client.close();
    },
  };
}

/** Asks each member once, as long as they refuse; anything else is for the caller to decide. */
function nextMember(members: number): IPolicy {
  return members > 1 ? retry(handleWhen(isRefused), { maxAttempts: members - 1 }) : noop;
}

/** Splits an endpoint into what the library wants; by hand, because `URL` drops a port that is the scheme's. */
function parseEndpoint(endpoint: string): { readonly host: string; readonly secure: boolean } {
  const match = /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?\/?$/.exec(endpoint);
  const [, scheme, name, port = DEFAULT_PORT] = match ?? [];
  if (scheme === undefined || name === undefined || Number(port) > 65_535)
    throw new DatastoreError(
      'invalid',
      `${endpoint}: not an etcd endpoint; write http://HOST:PORT or https://HOST:PORT`,
    );
  return { host: `${scheme}://${name}:${port}`, secure: scheme === 'https' };
}

function tlsCredentials({ ca, cert, key }: EtcdOptions): NonNullable<IOptions['credentials']> {
  if ((cert === undefined) !== (key === undefined))
    throw new DatastoreError(
      'invalid',
      'a client certificate and its key belong together; give both or neither',
    );
  return {
    rootCertificate: Buffer.from(ca ?? rootCertificates.join('\n')),
    ...(cert !== undefined && { certChain: Buffer.from(cert) }),
    ...(key !== undefined && { privateKey: Buffer.from(key) }),
  };
}

function plainCredentials({ ca, cert, key }: EtcdOptions): undefined {
  if (ca !== undefined || cert !== undefined || key !== undefined)
    throw new DatastoreError('invalid', 'certificates are given, but the endpoints are http; write https://');
}

function authOption({ user, password }: EtcdOptions): Pick<IOptions, 'auth'> {
  if (user === undefined && password === undefined) return {};
  if (user === undefined || password === undefined)
    throw new DatastoreError(
      'invalid',
      'an etcd user and its password belong together; give both or neither',
    );
  return { auth: { username: user, password } };
}

/** Asks for a member that has a leader, and keeps `calls` to those in flight. */
function trackingInterceptor(calls: Set<InterceptingCall>): Interceptor {
  return (options, nextCall) => {
    const call = new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        metadata.set('hasleader', 'true');
        next(metadata, {
          onReceiveStatus: (received, forward) => {
            calls.delete(call);
            forward(received);
          },
        });
      },
    });
    calls.add(call);
    return call;
  };
}
