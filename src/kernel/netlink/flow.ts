/**
 * Flows of connection tracking as netlink messages: nfgenmsg and CTA_* attributes
 * (linux/netfilter/nfnetlink_conntrack.h; conntrack(8) does the same by hand).
 *
 * Numbers are in network byte order here; the flags of a filter alone are not. A flow is deleted by its first
 * tuple and its id, given back as they came, which serves protocols that this file does not know, and spares a
 * later flow between the same ends. A deletion that names no tuple would empty the table.
 */
import { type Address, addressBytes, addressFromBytes, type IpFamily } from '../../model/address.js';
import type { Flow, FlowKey, FlowTuple } from '../conntrack.js';
import {
  type Attribute,
  decodeAttributes,
  encodePayload,
  findAttribute,
  NESTED,
  nestedAttribute,
  u32Attribute,
  viewOf,
} from './attributes.js';
import {
  CTA,
  CTA_FILTER,
  CTA_FILTER_IP_SRC,
  CTA_IP,
  CTA_PROTO,
  CTA_TUPLE,
  CTNETLINK,
  NLM_F,
} from './constants.js';
import { addressFamily, ipFamily } from './route.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 4;

/** The ends of a flow: who opened it, and who answers, which address translation may have changed. */
export type FlowEnd = 'opener' | 'answerer';

/** Asks for all flows of a family. */
export function encodeFlowDump(family: IpFamily): NetlinkRequest {
  return { type: CTNETLINK.GET, flags: NLM_F.DUMP, payload: encodePayload(header(family), []) };
}

/**
 * Asks for the flows that an IPv4 address opened, or answers; a kernel older than 5.8 sends all. IPv6 has no such
 * request: there the kernel (6.18 still) hands out all flows but those asked for.
 */
export function encodeFlowDumpOf(address: Address, end: FlowEnd): NetlinkRequest {
  const [tuple, flags] =
    end === 'opener' ? [CTA.TUPLE_ORIG, CTA_FILTER.ORIG_FLAGS] : [CTA.TUPLE_REPLY, CTA_FILTER.REPLY_FLAGS];
  const source = { type: CTA_IP.V4_SRC, data: addressBytes(address) };
  const payload = encodePayload(header(4), [
    // Who answers is the source of the answer: there the translated address stands.
    nestedAttribute(tuple, [nestedAttribute(CTA_TUPLE.IP, [source])]),
    nestedAttribute(CTA.FILTER, [u32Attribute(flags, CTA_FILTER_IP_SRC)]),
  ]);
  return { type: CTNETLINK.GET, flags: NLM_F.DUMP, payload };
}

export function encodeFlowDeletion({ family, key }: Pick<Flow, 'family' | 'key'>): NetlinkRequest {
  const attributes: Attribute[] = [{ type: CTA.TUPLE_ORIG | NESTED, data: key.original }];
  if (key.zone) attributes.push({ type: CTA.ZONE, data: key.zone });
  if (key.id) attributes.push({ type: CTA.ID, data: key.id });
  return { type: CTNETLINK.DELETE, flags: 0, payload: encodePayload(header(family), attributes) };
}

/** The address at one end, as octets; undefined when the message is about something else. */
export function decodeFlowEnd({ type, payload }: NetlinkMessage, end: FlowEnd): Uint8Array | undefined {
  if (type !== CTNETLINK.NEW) return undefined;
  const attribute = end === 'opener' ? CTA.TUPLE_ORIG : CTA.TUPLE_REPLY;
  const tuple = findAttribute(payload, attribute, HEADER_LENGTH);
  const addresses = tuple && findAttribute(tuple, CTA_TUPLE.IP);
  return addresses && (findAttribute(addresses, CTA_IP.V4_SRC) ?? findAttribute(addresses, CTA_IP.V6_SRC));
}

/** The flow that a message is about; undefined when it is about something else. */
export function decodeFlow(message: NetlinkMessage): Flow | undefined {
  if (message.type !== CTNETLINK.NEW) return undefined;
  const family = ipFamily(message.payload[0] ?? 0);
  const attributes = decodeAttributes(message.payload, HEADER_LENGTH);
  const first = attributes.get(CTA.TUPLE_ORIG);
  const [original, reply, master] = [CTA.TUPLE_ORIG, CTA.TUPLE_REPLY, CTA.TUPLE_MASTER].map((type) =>
    decodeTuple(attributes.get(type)),
  );
  if (!family || !first || !original || !reply) return undefined;
  const key: FlowKey = { original: first, id: attributes.get(CTA.ID), zone: attributes.get(CTA.ZONE) };
  return { family, original, reply, master, key };
}

function header(family: IpFamily): Uint8Array {
  return Uint8Array.of(addressFamily(family), 0, 0, 0);
}

function decodeTuple(bytes: Uint8Array | undefined): FlowTuple | undefined {
  const parts = bytes && decodeAttributes(bytes);
  const addresses = decodeAttributes(parts?.get(CTA_TUPLE.IP) ?? EMPTY);
  const source = addresses.get(CTA_IP.V4_SRC) ?? addresses.get(CTA_IP.V6_SRC);
  const destination = addresses.get(CTA_IP.V4_DST) ?? addresses.get(CTA_IP.V6_DST);
  const fields = decodeAttributes(parts?.get(CTA_TUPLE.PROTO) ?? EMPTY);
  const protocol = fields.get(CTA_PROTO.NUM)?.[0];
  if (!source || !destination || protocol === undefined) return undefined;
  const [sourcePort, destinationPort] = [
    readPort(fields.get(CTA_PROTO.SRC_PORT)),
    readPort(fields.get(CTA_PROTO.DST_PORT)),
  ];
  const type = (fields.get(CTA_PROTO.ICMP_TYPE) ?? fields.get(CTA_PROTO.ICMPV6_TYPE))?.[0];
  const code = (fields.get(CTA_PROTO.ICMP_CODE) ?? fields.get(CTA_PROTO.ICMPV6_CODE))?.[0];
  return {
    source: addressFromBytes(source),
    destination: addressFromBytes(destination),
    protocol,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(type !== undefined && code !== undefined && { icmp: { type, code } }),
  };
}

const EMPTY = new Uint8Array(0);

function readPort(data: Uint8Array | undefined): number | undefined {
  return data?.length === 2 ? viewOf(data).getUint16(0) : undefined;
}
