/**
 * Numbers from the kernel's headers, under their own names: linux/netlink.h, rtnetlink.h, if_link.h, neighbour.h.
 *
 * Only those that a codec or a transport uses; the comment of a number says what the header does not.
 */

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** Flags of a request, and of what comes back. */
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  /** The dump was torn: the table changed while the kernel walked it. */
  DUMP_INTR: 0x10,
  /** ROOT | MATCH. */
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** In an acknowledgement: the request that follows the errno is cut down to its header. */
  CAPPED: 0x100,
  /** In an acknowledgement: attributes with the kernel's own words follow. */
  ACK_TLVS: 0x200,
} as const;

export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

/** Attributes of an extended acknowledgement. */
export const NLMSGERR_ATTR = { MSG: 1 } as const;

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** Multicast groups by number, as NETLINK_ADD_MEMBERSHIP wants them (the bit mask of bind(2) ends at 31). */
export const RTNLGRP = { LINK: 1, NEIGH: 3, IPV4_ROUTE: 7, IPV6_ROUTE: 11 } as const;

/** BRIDGE: the forwarding tables of bridges and tunnels, which travel as neighbour entries. */
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;

export const IFF = { UP: 0x1, LOWER_UP: 0x10000 } as const;
export const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, LINKINFO: 18, EXT_MASK: 29 } as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
/** PORT is in network byte order, its neighbours are not. */
export const IFLA_VXLAN = { ID: 1, LINK: 3, LOCAL: 4, LEARNING: 7, PORT: 15, LOCAL6: 17 } as const;
/** linux/if_tunnel.h */
export const IFLA_IPTUN = { LOCAL: 2, REMOTE: 3 } as const;
export const IFA = { ADDRESS: 1, LOCAL: 2 } as const;
/** Without duplicate address detection: the address serves at once. */
export const IFA_F_NODAD = 0x2;
/** Leaves the counters, three quarters of each message, out of a dump of links. */
export const RTEXT_FILTER_SKIP_STATS = 0x8;

export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, TABLE: 15 } as const;
/** A cached copy of a route, not one that somebody installed. */
export const RTM_F_CLONED = 0x200;
/** The gateway is behind the interface, whether a route says so or not. */
export const RTNH_F_ONLINK = 0x4;
export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_MAIN = 254;
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253 } as const;
export const RTN = { UNICAST: 1, BLACKHOLE: 6 } as const;
/** Who installed a route: the kernel itself, a hand at boot (`ip route add` without `proto`), an administrator. */
export const RTPROT = { KERNEL: 2, BOOT: 3, STATIC: 4 } as const;

export const NDA = { DST: 1, LLADDR: 2 } as const;
/** The entry is the device's own, not that of a bridge it belongs to. */
export const NTF_SELF = 0x2;
export const NUD = { REACHABLE: 0x2, STALE: 0x4, PERMANENT: 0x80 } as const;

/** Multicast groups of NETLINK_NETFILTER (linux/netfilter/nfnetlink.h). */
export const NFNLGRP = { NFTABLES: 7 } as const;
/** What the kernel sends after each transaction of nf_tables, subsystem in the upper octet. */
export const NFT_MSG_NEWGEN = 0xa0f;
/** linux/netfilter/nf_tables.h; in network byte order. */
export const NFTA_GEN = { PROC_PID: 2 } as const;

/** Requests of connection tracking: the subsystem in the upper octet (linux/netfilter/nfnetlink.h). */
export const CTNETLINK = { NEW: 0x100, GET: 0x101, DELETE: 0x102 } as const;
/** linux/netfilter/nfnetlink_conntrack.h */
export const CTA = {
  TUPLE_ORIG: 1,
  TUPLE_REPLY: 2,
  ID: 12,
  TUPLE_MASTER: 14,
  ZONE: 18,
  FILTER: 25,
} as const;
export const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
export const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
export const CTA_PROTO = {
  NUM: 1,
  SRC_PORT: 2,
  DST_PORT: 3,
  ICMP_TYPE: 5,
  ICMP_CODE: 6,
  ICMPV6_TYPE: 8,
  ICMPV6_CODE: 9,
} as const;
/** Which parts of a tuple a dump has to match, by direction. */
export const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
/** In those flags: the source address. The kernel has no header that says so (nf_conntrack_netlink.c). */
export const CTA_FILTER_IP_SRC = 0x1;
