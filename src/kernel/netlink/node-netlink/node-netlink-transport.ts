/**
 * The netlink transport on the package node-netlink, for `--netlink node-netlink` (docs/decisions/0001).
 *
 * What it can do is bounded by that package (0.0.4): a second request in flight makes it lose the answer of the
 * first, so requests go strictly one after the other; socket options are out of reach, so refusals come without
 * the kernel's words and dumps are not filtered by the kernel; and an overrun kills a subscribed socket in
 * silence, so there is no `subscribe`: readers poll.
 */

import nodeNetlink, { type NodeNetlinkSocket } from 'node-netlink';
import { Turns } from '../../../model/turns.js';
import { NETLINK_ROUTE, NLM_F, NLMSG } from '../constants.js';
import { netlinkError } from '../errno.js';
import { decodeDone } from '../message.js';
import type { NetlinkError, NetlinkMessage, NetlinkRequest, NetlinkTransport } from '../transport.js';

const EINTR = 4;

export interface NodeNetlinkTransportOptions {
  /** NETLINK_*; default NETLINK_ROUTE. */
  readonly protocol?: number;
}

/** Opens the transport. @throws when the kernel refuses the socket. */
export async function openNodeNetlinkTransport(
  options: NodeNetlinkTransportOptions = {},
): Promise<NetlinkTransport> {
  return new NodeNetlinkTransport(await nodeNetlink.open({ family: options.protocol ?? NETLINK_ROUTE }));
}

class NodeNetlinkTransport implements NetlinkTransport {
  readonly #socket: NodeNetlinkSocket;
  readonly #turns = new Turns();
  #closed = false;
  /** The package keeps the final message of a dump, where its flags and errno are, to itself. */
  #done: NetlinkMessage | undefined;

  constructor(socket: NodeNetlinkSocket) {
    this.#socket = socket;
    socket.on('message', ({ header, payload }) => {
      if (Number(header.nlmsg_type) === NLMSG.DONE) this.#done = toMessage(header, payload);
    });
  }

  async request(requests: readonly NetlinkRequest[]): Promise<readonly (NetlinkError | undefined)[]> {
    const answers: (NetlinkError | undefined)[] = [];
    for (const request of requests) {
      const { errorCode } = await this.#turns.take(() => this.#talk(request));
      answers.push(errorCode === 0 ? undefined : netlinkError(errorCode));
    }
    return answers;
  }

  async dump(request: NetlinkRequest): Promise<readonly NetlinkMessage[]> {
    return this.#turns.take(async () => {
      this.#done = undefined;
      const { errorCode, packets } = await this.#talk(request);
      if (errorCode !== 0) throw netlinkError(errorCode);
      const refusal = this.#done && decodeDone(this.#done);
      if (refusal) throw refusal;
      const messages = packets.map(({ header, payload }) => toMessage(header, payload));
      if ([...messages, this.#done].some((message) => message && (message.flags & NLM_F.DUMP_INTR) !== 0))
        throw netlinkError(EINTR, 'the table changed during the dump');
      return messages;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.over();
    await this.#socket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #talk(request: NetlinkRequest): ReturnType<NodeNetlinkSocket['tryTalk']> {
    if (this.#closed) throw new Error('This netlink transport is closed');
    // The package refuses to send without ACK; for a dump the kernel ignores the flag.
    const flags = BigInt(request.flags | NLM_F.REQUEST | NLM_F.ACK);
    const header = { nlmsg_type: BigInt(request.type), nlmsg_flags: flags };
    return this.#socket.tryTalk({ header, payload: request.payload });
  }
}

function toMessage(
  header: { readonly nlmsg_type: bigint; readonly nlmsg_flags: bigint },
  payload: Uint8Array,
): NetlinkMessage {
  return { type: Number(header.nlmsg_type), flags: Number(header.nlmsg_flags), payload };
}
