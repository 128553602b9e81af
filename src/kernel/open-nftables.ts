/**
 * The changes of nf_tables as they are committed, over any netlink transport of NETLINK_NETFILTER.
 *
 * The kernel says after each transaction which process made it. The number is that of the first pid namespace: in
 * another one nobody knows it again, and a change of one's own looks like one of somebody else.
 */
import { findAttribute, viewOf } from './netlink/attributes.js';
import { NFNLGRP, NFT_MSG_NEWGEN, NFTA_GEN } from './netlink/constants.js';
import type { NetlinkEvent, NetlinkTransport } from './netlink/transport.js';

export type NftablesEvent =
  /** pid 0: the kernel does not say. */
  { readonly type: 'change'; readonly pid: number } | { readonly type: 'overrun' };

export interface Nftables extends AsyncDisposable {
  /** Undefined where the transport has no events. Events are collected from the call on. */
  events(signal: AbortSignal): AsyncIterable<NftablesEvent> | undefined;
}

/** nfgenmsg of linux/netfilter/nfnetlink.h. */
const HEADER_LENGTH = 4;

/** The transport is closed together with what is returned. */
export function openNftables(transport: NetlinkTransport): Nftables {
  return {
    events(signal) {
      const events = transport.subscribe?.([NFNLGRP.NFTABLES], signal);
      return events && toChanges(events);
    },
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

async function* toChanges(events: AsyncIterable<NetlinkEvent>): AsyncGenerator<NftablesEvent> {
  for await (const event of events) {
    if (event.type === 'overrun') yield event;
    else if (event.message.type === NFT_MSG_NEWGEN) {
      const pid = findAttribute(event.message.payload, NFTA_GEN.PROC_PID, HEADER_LENGTH);
      yield { type: 'change', pid: pid?.length === 4 ? viewOf(pid).getUint32(0) : 0 };
    }
  }
}
