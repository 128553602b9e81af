/**
 * Links, routes and neighbour entries over any netlink transport.
 *
 * A dump that the kernel tore, because the table changed while it was walked, is asked for again: half a table
 * would look like routes that are missing.
 */
import type { IpFamily } from '../model/address.js';
import { decodeAddress, encodeAddress, encodeAddressDump } from './netlink/address.js';
import { RT_TABLE_MAIN, RTM, RTNLGRP } from './netlink/constants.js';
import { decodeForwarding, encodeForwarding, encodeForwardingDump } from './netlink/forwarding.js';
import { decodeLink, encodeLinkDump } from './netlink/link.js';
import { encodeLinkOp } from './netlink/link-op.js';
import { decodeNeighbor, encodeNeighbor, encodeNeighborDump } from './netlink/neighbor.js';
import { decodeRoute, encodeRoute, encodeRouteDump } from './netlink/route.js';
import type { NetlinkEvent, NetlinkMessage, NetlinkRequest, NetlinkTransport } from './netlink/transport.js';
import { NetlinkError } from './netlink/transport.js';
import type { LinkEvent, PathEvent, RouteOp, RtNetlink } from './rtnetlink.js';

/** A table of 10,000 routes is walked in 10 ms; one that changes during each of ten walks is not a table to trust. */
const DUMP_ATTEMPTS = 10;

/** The transport is closed together with what is returned. */
export function openRtNetlink(transport: NetlinkTransport): RtNetlink {
  return {
    links: async () => present((await dumpWhole(transport, encodeLinkDump())).map(decodeLink)),
    async routes(family, filter = {}) {
      const request = encodeRouteDump(family, { table: RT_TABLE_MAIN, protocol: filter.protocol });
      const routes = present((await dumpTable(transport, request)).map(decodeRoute));
      return routes.filter(
        ({ table, protocol }) => table === RT_TABLE_MAIN && protocol === (filter.protocol ?? protocol),
      );
    },
    neighbors: async (family: IpFamily) =>
      present((await dumpWhole(transport, encodeNeighborDump(family))).map(decodeNeighbor)),
    addresses: async () => present((await dumpWhole(transport, encodeAddressDump())).map(decodeAddress)),
    forwarding: async () =>
      present((await dumpWhole(transport, encodeForwardingDump())).map(decodeForwarding)),
    apply: (ops) => transport.request(ops.map(encodeOp)),
    linkEvents(signal) {
      const events = transport.subscribe?.([RTNLGRP.LINK], signal);
      return events && toLinkEvents(events);
    },
    pathEvents(signal) {
      const groups = [RTNLGRP.NEIGH, RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE];
      const events = transport.subscribe?.(groups, signal);
      return events && toPathEvents(events);
    },
    close: () => transport.close(),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

/** The kernel makes a table when its first route comes: before that, ENOENT. */
async function dumpTable(transport: NetlinkTransport, request: NetlinkRequest) {
  try {
    return await dumpWhole(transport, request);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') return [];
    throw error;
  }
}

async function dumpWhole(
  transport: NetlinkTransport,
  request: NetlinkRequest,
): Promise<readonly NetlinkMessage[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transport.dump(request);
    } catch (error) {
      const torn = error instanceof NetlinkError && error.code === 'EINTR';
      if (!torn || attempt === DUMP_ATTEMPTS) throw error;
    }
  }
}

function encodeOp(op: RouteOp): NetlinkRequest {
  switch (op.object) {
    case 'route':
      return encodeRoute(op.op, op.route);
    case 'neighbor':
      return encodeNeighbor(op.op, op.neighbor);
    case 'forwarding':
      return encodeForwarding(op.op, op.entry);
    case 'address':
      return encodeAddress(op.op, op.address);
    default:
      return encodeLinkOp(op);
  }
}

async function* toLinkEvents(events: AsyncIterable<NetlinkEvent>): AsyncGenerator<LinkEvent> {
  for await (const event of events) {
    if (event.type === 'overrun') {
      yield event;
      continue;
    }
    const link = decodeLink(event.message);
    if (link) yield { type: 'link', link, gone: event.message.type === RTM.DELLINK };
  }
}

async function* toPathEvents(events: AsyncIterable<NetlinkEvent>): AsyncGenerator<PathEvent> {
  for await (const event of events) {
    if (event.type === 'overrun') {
      yield event;
      continue;
    }
    const gone = event.message.type === RTM.DELROUTE || event.message.type === RTM.DELNEIGH;
    const route = decodeRoute(event.message);
    if (route) yield { type: 'route', route, gone };
    const neighbor = decodeNeighbor(event.message);
    if (neighbor) yield { type: 'neighbor', neighbor, gone };
  }
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}
