/**
 * The default netlink transport: our own AF_NETLINK sockets, opened through koffi (docs/decisions/0001).
 *
 * One socket carries requests, one exchange at a time; each subscription has a socket of its own, since events
 * that arrive in the middle of a dump cannot be told from it. Requests go out in batches of which only the last
 * message asks for an acknowledgement: the kernel works through a datagram in order and reports each failure by
 * its sequence number, so silence before the last answer is success.
 */
import { Turns } from '../../../model/turns.js';
import { NETLINK_ROUTE, NLM_F, NLMSG } from '../constants.js';
import { netlinkError } from '../errno.js';
import { EventQueue } from '../event-queue.js';
import type { ReceivedMessage } from '../message.js';
import { decodeAcknowledgement, decodeDone, decodeMessages, encodeMessage } from '../message.js';
import type {
  NetlinkError,
  NetlinkEvent,
  NetlinkMessage,
  NetlinkRequest,
  NetlinkTransport,
} from '../transport.js';
import { ENOBUFS } from './libc.js';
import { NetlinkSocket } from './netlink-socket.js';

/** More answers than this might not fit a receive buffer of the default size, were all to fail. */
const BATCH_MESSAGES = 128;
/** Below the default send buffer of 208 KiB. */
const BATCH_OCTETS = 128 << 10;
/** Not memory that is taken, but a bound on what may queue up. */
const RECEIVE_BUFFER_OCTETS = 64 << 20;
const UNREAD_EVENTS = 65_536;
const EINTR = 4;

export interface KoffiTransportOptions {
  /** NETLINK_*; default NETLINK_ROUTE. */
  readonly protocol?: number;
  /** Bound on answers, and on events, that wait in the kernel, in octets. Default 64 MiB. */
  readonly receiveBufferOctets?: number;
}

/** Opens the transport. @throws {SystemCallError} when the kernel refuses the socket. */
export function openKoffiTransport(options: KoffiTransportOptions = {}): NetlinkTransport {
  return new KoffiTransport(options);
}

/** What is on the wire: answers fall in until it is complete. */
interface Exchange {
  receive(message: ReceivedMessage): void;
  overrun(): void;
  fail(error: unknown): void;
}

class KoffiTransport implements NetlinkTransport {
  readonly #options: KoffiTransportOptions;
  readonly #socket: NetlinkSocket;
  readonly #subscriptions = new Set<EventQueue<NetlinkEvent>>();
  #exchange: Exchange | undefined;
  /** Exchanges run one after the other, in the order in which they were asked for. */
  readonly #turns = new Turns();
  #sequence = 0;

  constructor(options: KoffiTransportOptions) {
    this.#options = options;
    this.#socket = new NetlinkSocket({
      protocol: options.protocol ?? NETLINK_ROUTE,
      groups: [],
      receiveBufferOctets: options.receiveBufferOctets ?? RECEIVE_BUFFER_OCTETS,
      onDatagram: (datagram) => {
        for (const message of decodeMessages(datagram)) this.#exchange?.receive(message);
      },
      onOverrun: () => this.#exchange?.overrun(),
      onFailure: (error) => this.#exchange?.fail(error),
    });
  }

  async request(requests: readonly NetlinkRequest[]): Promise<readonly (NetlinkError | undefined)[]> {
    const answers: (NetlinkError | undefined)[] = [];
    for (const batch of batches(requests)) answers.push(...(await this.#turns.take(() => this.#send(batch))));
    return answers;
  }

  dump(request: NetlinkRequest): Promise<readonly NetlinkMessage[]> {
    return this.#turns.take(() => this.#dump(request));
  }

  subscribe(groups: readonly number[], signal: AbortSignal): AsyncIterable<NetlinkEvent> {
    const overrun: NetlinkEvent = { type: 'overrun' };
    const socket = new NetlinkSocket({
      protocol: this.#options.protocol ?? NETLINK_ROUTE,
      groups,
      receiveBufferOctets: this.#options.receiveBufferOctets ?? RECEIVE_BUFFER_OCTETS,
      onDatagram: (datagram) => {
        for (const message of decodeMessages(datagram)) queue.push({ type: 'message', message });
      },
      onOverrun: () => queue.push(overrun),
      onFailure: (error) => queue.end(error),
    });
    const abort = () => queue.end();
    const queue = new EventQueue<NetlinkEvent>({
      capacity: UNREAD_EVENTS,
      overrun,
      onEnd: () => {
        signal.removeEventListener('abort', abort);
        socket.close();
        this.#subscriptions.delete(queue);
      },
    });
    this.#subscriptions.add(queue);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    return queue;
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.end();
    this.#socket.close();
    this.#exchange?.fail(new Error('The netlink transport was closed before the kernel answered'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(batch: readonly NetlinkRequest[]): Promise<(NetlinkError | undefined)[]> {
    const first = this.#nextSequences(batch.length);
    const last = first + batch.length - 1;
    const answers: (NetlinkError | undefined)[] = batch.map(() => undefined);
    let settled = 0;
    const bytes = Buffer.concat(
      batch.map((request, index) => {
        const flags = request.flags | NLM_F.REQUEST | (index === batch.length - 1 ? NLM_F.ACK : 0);
        return encodeMessage({ ...request, flags }, first + index);
      }),
    );
    return this.#converse(bytes, (resolve, reject) => ({
      receive(message) {
        if (message.type !== NLMSG.ERROR || message.sequence < first || message.sequence > last) return;
        settled = message.sequence - first + 1;
        answers[message.sequence - first] = decodeAcknowledgement(message);
        if (message.sequence === last) resolve(answers);
      },
      // Answers are lost, and nobody knows which: what had none yet counts as refused, and is tried again.
      overrun() {
        answers.fill(netlinkError(ENOBUFS, 'the answer was lost'), settled);
        resolve(answers);
      },
      fail: reject,
    }));
  }

  #dump(request: NetlinkRequest): Promise<readonly NetlinkMessage[]> {
    const sequence = this.#nextSequences(1);
    const messages: NetlinkMessage[] = [];
    let torn = false;
    const bytes = encodeMessage({ ...request, flags: request.flags | NLM_F.REQUEST }, sequence);
    return this.#converse(bytes, (resolve, reject) => ({
      receive(message) {
        if (message.sequence !== sequence) return;
        torn ||= (message.flags & NLM_F.DUMP_INTR) !== 0;
        if (message.type === NLMSG.DONE || message.type === NLMSG.ERROR) {
          const refusal = message.type === NLMSG.DONE ? decodeDone(message) : decodeAcknowledgement(message);
          if (refusal) reject(refusal);
          else if (torn) reject(netlinkError(EINTR, 'the table changed during the dump'));
          else resolve(messages);
          return;
        }
        messages.push(message);
      },
      overrun: () => reject(netlinkError(ENOBUFS, 'a part of the dump was lost')),
      fail: reject,
    }));
  }

  #converse<T>(
    bytes: Uint8Array,
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => Exchange,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#exchange = start(resolve, reject);
      this.#socket.send(bytes);
    }).finally(() => {
      this.#exchange = undefined;
    });
  }

  /** The first of `count` sequence numbers in a row. They wrap at 32 bits, and never are 0: events have that. */
  #nextSequences(count: number): number {
    if (this.#sequence + count > 0xffff_ffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }
}

function* batches(requests: readonly NetlinkRequest[]): Generator<readonly NetlinkRequest[]> {
  let batch: NetlinkRequest[] = [];
  let octets = 0;
  for (const request of requests) {
    if (
      batch.length === BATCH_MESSAGES ||
      (batch.length > 0 && octets + request.payload.length > BATCH_OCTETS)
    ) {
      yield batch;
      batch = [];
      octets = 0;
    }
    batch.push(request);
    octets += request.payload.length;
  }
  if (batch.length > 0) yield batch;
}
