/**
 * Routes as netlink messages: rtmsg and RTA_* attributes (rtnetlink(7), linux/rtnetlink.h).
 *
 * To delete a route is to name what tells it from others with the same destination: whatever of interface,
 * gateway, metric, scope and protocol is given has to match. IPv6 knows no scope and reports 0; it gives a route
 * without a metric the metric 1024.
 */

import type { Cidr, IpFamily } from '../../model/address.js';
import {
  addressBytes,
  addressFromBytes,
  addressLength,
  addressPart,
  prefixLength,
} from '../../model/address.js';
import type { KernelRoute } from '../rtnetlink.js';
import type { Attribute } from './attributes.js';
import {
  decodeAttributes,
  encodePayload,
  LITTLE_ENDIAN,
  readU32,
  u32Attribute,
  viewOf,
} from './attributes.js';
import { AF, NLM_F, RT_TABLE_UNSPEC, RTA, RTM, RTM_F_CLONED, RTNH_F_ONLINK } from './constants.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 12;

/** Asks for the routes of one table; a kernel without strict checking sends those of all tables and protocols. */
export function encodeRouteDump(
  family: IpFamily,
  filter: { readonly table: number; readonly protocol?: number | undefined },
): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  header[0] = addressFamily(family);
  header[4] = tableOctet(filter.table);
  header[5] = filter.protocol ?? 0;
  return {
    type: RTM.GETROUTE,
    flags: NLM_F.DUMP,
    payload: encodePayload(header, [u32Attribute(RTA.TABLE, filter.table)]),
  };
}

const OPERATIONS = {
  create: { type: RTM.NEWROUTE, flags: NLM_F.CREATE | NLM_F.EXCL },
  replace: { type: RTM.NEWROUTE, flags: NLM_F.CREATE | NLM_F.REPLACE },
  delete: { type: RTM.DELROUTE, flags: 0 },
} as const;

/** `create` is refused where a route with the same destination and metric exists; `replace` overwrites it. */
export function encodeRoute(op: keyof typeof OPERATIONS, route: KernelRoute): NetlinkRequest {
  return {
    ...OPERATIONS[op],
    payload: encodePayload(routeHeader(route), routeAttributes(route)),
  };
}

/** The route that a message is about; undefined when it is about something else, or about a cached copy. */
export function decodeRoute(message: NetlinkMessage): KernelRoute | undefined {
  const { type, payload } = message;
  if (type !== RTM.NEWROUTE && type !== RTM.DELROUTE) return undefined;
  const view = viewOf(payload);
  const family = ipFamily(view.getUint8(0));
  if (family === undefined || (view.getUint32(8, LITTLE_ENDIAN) & RTM_F_CLONED) !== 0) return undefined;
  const attributes = decodeAttributes(payload, HEADER_LENGTH);
  const gateway = attributes.get(RTA.GATEWAY);
  return {
    family,
    destination: destinationCidr(attributes.get(RTA.DST), view.getUint8(1), family),
    interfaceIndex: readU32(attributes.get(RTA.OIF)),
    gateway: gateway && addressFromBytes(gateway),
    table: readU32(attributes.get(RTA.TABLE)) ?? view.getUint8(4),
    protocol: view.getUint8(5),
    scope: view.getUint8(6),
    type: view.getUint8(7),
    priority: readU32(attributes.get(RTA.PRIORITY)),
    ...((view.getUint32(8, LITTLE_ENDIAN) & RTNH_F_ONLINK) !== 0 && { onlink: true }),
  };
}

export function addressFamily(family: IpFamily): number {
  return family === 4 ? AF.INET : AF.INET6;
}

export function ipFamily(addressFamily: number): IpFamily | undefined {
  if (addressFamily === AF.INET) return 4;
  return addressFamily === AF.INET6 ? 6 : undefined;
}

function routeHeader(route: KernelRoute): Uint8Array {
  const { family, destination, table, protocol, scope, type, onlink } = route;
  const header = new Uint8Array(HEADER_LENGTH);
  header.set([addressFamily(family), prefixLength(destination), 0, 0]);
  header.set([tableOctet(table), protocol, scope, type], 4);
  viewOf(header).setUint32(8, onlink ? RTNH_F_ONLINK : 0, LITTLE_ENDIAN);
  return header;
}

function routeAttributes(route: KernelRoute): readonly Attribute[] {
  const { destination, gateway, priority, table, interfaceIndex } = route;
  const attributes: Attribute[] = [];
  if (prefixLength(destination) > 0)
    attributes.push({ type: RTA.DST, data: addressBytes(addressPart(destination)) });
  if (gateway !== undefined) attributes.push({ type: RTA.GATEWAY, data: addressBytes(gateway) });
  if (priority !== undefined) attributes.push(u32Attribute(RTA.PRIORITY, priority));
  if (tableOctet(table) !== table) attributes.push(u32Attribute(RTA.TABLE, table));
  if (interfaceIndex !== undefined) attributes.push(u32Attribute(RTA.OIF, interfaceIndex));
  return attributes;
}

/** Larger table numbers only fit the attribute. */
function tableOctet(table: number): number {
  return table > 255 ? RT_TABLE_UNSPEC : table;
}

/** A default route comes without a destination. The kernel has cleared the host bits of the others. */
function destinationCidr(data: Uint8Array | undefined, length: number, family: IpFamily): Cidr {
  return `${addressFromBytes(data ?? new Uint8Array(addressLength(family) / 8))}/${length}` as Cidr;
}
