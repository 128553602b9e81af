/**
 * The door to the kernel's netlink sockets (netlink(7), rtnetlink(7)).
 *
 * A transport carries messages that our own typed codecs have built; it knows sequence numbers, acknowledgements
 * and multi-part answers, and nothing of routes. koffi/ is the default, node-netlink/ the optional one
 * (docs/decisions/0001).
 */

/** One request without its 16-byte header: the transport adds length, sequence and port. */
export interface NetlinkRequest {
  readonly type: number;
  /** NLM_F_* besides NLM_F_REQUEST and NLM_F_ACK, which the transport sets. */
  readonly flags: number;
  readonly payload: Uint8Array;
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** The kernel said no. Branch on `code`, never on the text. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  constructor(
    /** Positive: 17 is EEXIST. */
    readonly errno: number,
    /** `EEXIST` */
    readonly code: string,
    /** What the kernel added (NETLINK_EXT_ACK), when it did. */
    readonly extendedAck: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

export type NetlinkEvent =
  | { readonly type: 'message'; readonly message: NetlinkMessage }
  /** Events were lost (ENOBUFS): the reader reads everything back. */
  | { readonly type: 'overrun' };

export interface NetlinkTransport extends AsyncDisposable {
  /** Sends requests in order; the answer at the same place is undefined on success. Never throws for a refusal. */
  request(requests: readonly NetlinkRequest[]): Promise<readonly (NetlinkError | undefined)[]>;
  /** Sends one dump request and collects the answer. @throws {NetlinkError} also EINTR when the dump was torn. */
  dump(request: NetlinkRequest): Promise<readonly NetlinkMessage[]>;
  /** Joins multicast groups (RTNLGRP_*); a transport without it has events polled or read from `ip monitor`. */
  subscribe?(groups: readonly number[], signal: AbortSignal): AsyncIterable<NetlinkEvent>;
  close(): Promise<void>;
}
