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
  encodePayload,
  findAttribute,
  NESTED,
  nestedAttribute,
  u32Attribute,
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
export function decodeFlow({ type, payload }: NetlinkMessage): Flow | undefined {
  if (type !== CTNETLINK.NEW) return undefined;
  const attribute = (wanted: number) => findAttribute(payload, wanted, HEADER_LENGTH);
  const family = ipFamily(payload[0] ?? 0);
  const first = attribute(CTA.TUPLE_ORIG);
  const original = decodeTuple(first);
  const reply = decodeTuple(attribute(CTA.TUPLE_REPLY));
  if (!family || !first || !original || !reply) return undefined;
  const key: FlowKey = { original: first, id: attribute(CTA.ID), zone: attribute(CTA.ZONE) };
  return { family, original, reply, master: decodeTuple(attribute(CTA.TUPLE_MASTER)), key };
}

function header(family: IpFamily): Uint8Array {
  return Uint8Array.of(addressFamily(family), 0, 0, 0);
}

function decodeTuple(bytes: Uint8Array | undefined): FlowTuple | undefined {
  const addresses = bytes && findAttribute(bytes, CTA_TUPLE.IP);
  const fields = bytes && findAttribute(bytes, CTA_TUPLE.PROTO);
  if (!addresses || !fields) return undefined;
  const source = findAttribute(addresses, CTA_IP.V4_SRC) ?? findAttribute(addresses, CTA_IP.V6_SRC);
  const destination = findAttribute(addresses, CTA_IP.V4_DST) ?? findAttribute(addresses, CTA_IP.V6_DST);
  const protocol = findAttribute(fields, CTA_PROTO.NUM)?.[0];
  if (!source || !destination || protocol === undefined) return undefined;
  const ends = { source: addressFromBytes(source), destination: addressFromBytes(destination), protocol };
  const ports = decodePorts(fields);
  if (ports) return Object.assign(ends, ports);
  const icmp = decodeIcmp(fields);
  return icmp ? Object.assign(ends, { icmp }) : ends;
}

function decodePorts(fields: Uint8Array): { sourcePort: number; destinationPort: number } | undefined {
  const sourcePort = readPort(findAttribute(fields, CTA_PROTO.SRC_PORT));
  const destinationPort = readPort(findAttribute(fields, CTA_PROTO.DST_PORT));
  return sourcePort === undefined || destinationPort === undefined
    ? undefined
    : { sourcePort, destinationPort };
}

function decodeIcmp(fields: Uint8Array): FlowTuple['icmp'] {
  const of = (v4: number, v6: number) => (findAttribute(fields, v4) ?? findAttribute(fields, v6))?.[0];
  const type = of(CTA_PROTO.ICMP_TYPE, CTA_PROTO.ICMPV6_TYPE);
  const code = of(CTA_PROTO.ICMP_CODE, CTA_PROTO.ICMPV6_CODE);
  return type === undefined || code === undefined ? undefined : { type, code };
}

function readPort(data: Uint8Array | undefined): number | undefined {
  return data?.length === 2 ? ((data[0] ?? 0) << 8) | (data[1] ?? 0) : undefined;
}
