/** The part of node-netlink 0.0.4 that heddle uses; the package has no types of its own. */
declare module 'node-netlink' {
  export interface NodeNetlinkHeader {
    readonly nlmsg_type: bigint;
    readonly nlmsg_flags: bigint;
  }

  export interface NodeNetlinkPacket {
    readonly header: NodeNetlinkHeader & { readonly nlmsg_seq: bigint };
    readonly payload: Uint8Array;
  }

  export interface NodeNetlinkSocket {
    /** Resolves with everything but the acknowledgement; `errorCode` is a positive errno, 0 on success. */
    tryTalk(
      message: { readonly header: NodeNetlinkHeader; readonly payload: Uint8Array },
      options?: { readonly timeout?: number },
    ): Promise<{ readonly errorCode: number; readonly packets: readonly NodeNetlinkPacket[] }>;
    close(): Promise<void>;
    on(event: 'message', listener: (packet: NodeNetlinkPacket) => void): void;
  }

  const nodeNetlink: {
    /** `family` is NETLINK_*. */
    open(options: { readonly family: number }): Promise<NodeNetlinkSocket>;
  };
  export default nodeNetlink;
}
