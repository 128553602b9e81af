/**
 * A lease that is kept alive, and known to be lost in time.
 *
 * Each third of its time to live, one keepalive is sent on a stream of its own, and given up after another
 * third: a lease has no connection to lose. `lost` is aborted when the server says that the lease is gone, and
 * also when no keepalive that succeeded was *sent* within the time to live, since then the server may have given
 * the keys to others. All times are monotonic. A holder that was stopped may still learn of it late: writes are
 * guarded by the create revision of a key under the lease, not by this signal.
 */
import type { ILeaseKeepAliveResponse, LeaseClient } from 'etcd3';
import { type BackoffLimits, backoffMs } from '../../model/backoff.js';
import type { LeaseId } from '../../model/store.js';
import { DatastoreError, type Lease } from '../datastore.js';
import { pause } from '../pause.js';
import type { EtcdOptions } from './connection.js';
import { toDatastoreError } from './errors.js';

export interface LeaseSource {
  readonly client: LeaseClient;
  /** For messages: `at http://...`. */
  readonly place: string;
  readonly closing: AbortSignal;
  readonly callTimeoutMs: number;
  readonly log: EtcdOptions['log'];
}

const RETRY: BackoffLimits = { firstMs: 200, maxMs: 2000 };

/** @throws {DatastoreError} when the lease cannot be granted. */
export async function grantLease(source: LeaseSource, ttlSeconds: number): Promise<Lease> {
  const sentAt = performance.now();
  const granted = await source.client.leaseGrant({ TTL: ttlSeconds });
  return new KeptLease(source, granted.ID as LeaseId, sentAt, Number(granted.TTL));
}

class KeptLease implements Lease {
  readonly #source: LeaseSource;
  readonly #lost = new AbortController();
  #expiry: NodeJS.Timeout;

  constructor(
    source: LeaseSource,
    readonly id: LeaseId,
    sentAt: number,
    ttlSeconds: number,
  ) {
    this.#source = source;
    this.#expiry = this.#expireAfter(sentAt, ttlSeconds);
    source.closing.addEventListener('abort', this.#onClosing, { once: true });
    void this.#keepAlive(ttlSeconds);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async revoke(): Promise<void> {
    this.#end(new DatastoreError('lease-not-found', `lease ${this.id} was revoked`));
    try {
      await this.#source.client.leaseRevoke({ ID: this.id });
    } catch (error) {
      const failure = toDatastoreError(error, `revoking lease ${this.id} ${this.#source.place}`);
      if (failure.code !== 'lease-not-found') throw failure;
    }
  }

  /** Never fails: without a connection it runs out by itself, and what made us leave must not be hidden by that. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#source.closing.aborted) return;
    await this.revoke().catch((error: unknown) => {
      if (!(error instanceof DatastoreError)) throw error;
    });
  }

  async #keepAlive(ttlSeconds: number): Promise<void> {
    const { client, place, callTimeoutMs, log } = this.#source;
    const thirdMs = (ttlSeconds * 1000) / 3;
    let failures = 0;
    let waitMs = thirdMs;
    for (;;) {
      await pause(waitMs, this.lost);
      if (this.lost.aborted) return;
      const sentAt = performance.now();
      try {
        const remaining = await keepAliveOnce(client, this.id, Math.min(callTimeoutMs, thirdMs));
        if (remaining <= 0) return this.#end(gone(this.id, 'the server says that it has expired'));
        clearTimeout(this.#expiry);
        if (!this.lost.aborted) this.#expiry = this.#expireAfter(sentAt, remaining);
        failures = 0;
        waitMs = thirdMs;
      } catch (error) {
        failures += 1;
        waitMs = Math.min(backoffMs(failures, RETRY, Math.random()), thirdMs);
        if (this.lost.aborted) return;
        const failure = toDatastoreError(error, `keeping lease ${this.id} alive ${place}`);
        log?.warn('a keepalive failed and is tried again', { failures, error: failure.message });
      }
    }
  }

  #expireAfter(sentAt: number, ttlSeconds: number): NodeJS.Timeout {
    const left = sentAt + ttlSeconds * 1000 - performance.now();
    const why = `no keepalive succeeded for ${ttlSeconds} s`;
    return setTimeout(() => this.#end(gone(this.id, why)), Math.max(0, left));
  }

  readonly #onClosing = (): void =>
    this.#end(
      new DatastoreError('closed', `lease ${this.id} is no longer kept alive: the datastore was closed`),
    );

  #end(reason: DatastoreError): void {
    clearTimeout(this.#expiry);
    this.#source.closing.removeEventListener('abort', this.#onClosing);
    this.#lost.abort(reason);
  }
}

function gone(id: LeaseId, why: string): DatastoreError {
  return new DatastoreError('lease-not-found', `lease ${id} is lost: ${why}; grant a new one`);
}

/** The seconds that the lease has left now; 0 when it is gone. */
async function keepAliveOnce(client: LeaseClient, id: LeaseId, timeoutMs: number): Promise<number> {
  const stream = await client.leaseKeepAlive();
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<ILeaseKeepAliveResponse>((resolve, reject) => {
      stream.on('data', resolve);
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('etcd closed the keepalive stream')));
      timer = setTimeout(() => reject(new DatastoreError('timeout', 'no answer to a keepalive')), timeoutMs);
      stream.write({ ID: id });
    });
    return Number(answer.TTL);
  } finally {
    clearTimeout(timer);
    stream.end();
    stream.cancel();
  }
}
