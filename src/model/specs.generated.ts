// Written by scripts/generate-types.mjs from schemas/. Do not edit: change the schema and run `npm run types`.
import type {Address, Cidr, InterfaceAddress, MacAddress} from './address.js';
import type {PortText, ProtocolText} from './rule.js';
import type {SelectorText} from './selector/selector.js';

/**
 * A secret by name, never its value: {file: NAME} below the secrets directory, or {secretKeyRef: {name, key}}, which is the file name/key.
 */
export type SecretReference =
  | {
      /**
       * Path of the file below the secrets directory.
       */
      file: string;
    }
  | {
      /**
       * The file name/key below the secrets directory.
       */
      secretKeyRef: {
        /**
         * Folder below the secrets directory.
         */
        name: string;
        /**
         * File in that folder.
         */
        key: string;
      };
    };

export interface SpecByKind {
  IPPool: IPPoolSpec;
  Profile: ProfileSpec;
  Tier: TierSpec;
  GlobalNetworkPolicy: GlobalNetworkPolicySpec;
  GlobalNetworkSet: GlobalNetworkSetSpec;
  WorkloadEndpoint: WorkloadEndpointSpec;
  HostEndpoint: HostEndpointSpec;
  Node: NodeSpec;
  BGPConfiguration: BGPConfigurationSpec;
  BGPPeer: BGPPeerSpec;
  RouteReflector: RouteReflectorSpec;
  BGPFilter: BGPFilterSpec;
  IPReservation: IPReservationSpec;
  AgentConfiguration: AgentConfigurationSpec;
  ConnectivityTest: ConnectivityTestSpec;
}
/**
 * What the pool is.
 */
export interface IPPoolSpec {
  /**
   * The addresses of the pool. Pools must not overlap.
   */
  cidr: Cidr;
  /**
   * Masquerade traffic that leaves for addresses outside all pools.
   */
  natOutgoing: boolean;
  /**
   * Give out no new addresses: a word to whoever assigns them, heddle assigns none. The pool is still routed and announced.
   */
  disabled: boolean;
  /**
   * IP in IP encapsulation between hosts (IPv4 only).
   */
  ipipMode: 'Never' | 'Always' | 'CrossSubnet';
  /**
   * VXLAN encapsulation between hosts.
   */
  vxlanMode: 'Never' | 'Always' | 'CrossSubnet';
  /**
   * Prefix length of the blocks that hosts take, stored for whoever assigns addresses (heddle assigns none): 20-32 for IPv4, 116-128 for IPv6. Absent: they decide.
   */
  blockSize?: number;
  /**
   * Which nodes may use the pool. Absent: all.
   */
  nodeSelector?: SelectorText;
  /**
   * Keep the pool out of BGP.
   */
  disableBGPExport: boolean;
}
/**
 * What the profile gives its endpoints. In heddle/v1, with ingress, egress and tags all absent: tags [its own name], allow all out, allow in from its own tag.
 */
export interface ProfileSpec {
  /**
   * Rules for packets to the endpoint, first match decides.
   */
  ingress?: RuleSpec[];
  /**
   * Rules for packets from the endpoint, first match decides.
   */
  egress?: RuleSpec[];
  /**
   * Labels that each endpoint with the profile inherits.
   */
  labelsToApply?: Readonly<Record<string, string>>;
  /**
   * Tags given to each endpoint with the profile.
   *
   * Items: A tag, the v1 name for a group of endpoints, given by their profiles: letters, digits, dot, underscore and dash, at most 128 characters.
   */
  tags?: string[];
}
/**
 * One rule. All conditions that are given must hold; a rule without conditions matches every packet.
 */
export interface RuleSpec {
  /**
   * Allow and Deny decide; Log notes the packet and goes on; Pass goes to the next tier (in a profile: allows).
   */
  action: 'Allow' | 'Deny' | 'Log' | 'Pass';
  /**
   * Only packets of this IP version. ICMP implies 4, ICMPv6 implies 6.
   */
  ipVersion?: 4 | 6;
  /**
   * Only packets of this protocol.
   */
  protocol?: ProtocolText;
  /**
   * Only packets of any other protocol.
   */
  notProtocol?: ProtocolText;
  icmp?: IcmpSpec;
  notICMP?: IcmpSpec;
  source?: EntityRuleSpec;
  destination?: EntityRuleSpec;
  /**
   * Notes about the rule for readers of the manifest; they change nothing and are not stored.
   */
  metadata?: {
    /**
     * Free text by key.
     */
    annotations?: Readonly<Record<string, string>>;
  };
}
/**
 * Type, or type and code, of ICMP (RFC 792) or ICMPv6 (RFC 4443).
 */
export interface IcmpSpec {
  /**
   * ICMP type, 0 to 254.
   */
  type: number;
  /**
   * ICMP code, 0 to 255. Without it, every code matches.
   */
  code?: number;
}
/**
 * Conditions on one end of the packet. All that are given must hold.
 */
export interface EntityRuleSpec {
  /**
   * The address is in one of these networks.
   *
   * Items: A network, IPv4 or IPv6, without host bits, or one address, which is a network of its own.
   */
  nets?: Cidr[];
  /**
   * The address is in none of these networks.
   *
   * Items: A network, IPv4 or IPv6, without host bits, or one address, which is a network of its own.
   */
  notNets?: Cidr[];
  /**
   * The address belongs to an endpoint or network set that the selector picks.
   */
  selector?: SelectorText;
  /**
   * The address belongs to nothing that the selector picks; addresses outside count too.
   */
  notSelector?: SelectorText;
  /**
   * The port is one of these.
   *
   * Items: A port from 1 to 65535, or a range as 'first:last'.
   */
  ports?: PortText[];
  /**
   * The port is none of these.
   *
   * Items: A port from 1 to 65535, or a range as 'first:last'.
   */
  notPorts?: PortText[];
  /**
   * The address belongs to an endpoint with a profile that gives this tag.
   */
  tag?: string;
  /**
   * The address belongs to no endpoint with a profile that gives this tag.
   */
  notTag?: string;
}
/**
 * What the tier is.
 */
export interface TierSpec {
  /**
   * Lower is asked first. Absent: last; in the tier default, 1000000.
   */
  order?: number;
  /**
   * What happens to a packet that no policy of the tier decided.
   */
  defaultAction: 'Deny' | 'Pass';
}
/**
 * What the policy does.
 */
export interface GlobalNetworkPolicySpec {
  /**
   * The tier that the policy belongs to. Default: default.
   */
  tier?: string;
  /**
   * Lower is asked first; ties go by name. Absent: last.
   */
  order?: number;
  /**
   * Which endpoints the policy is for. Blank is all(). Default: all().
   */
  selector?: SelectorText;
  /**
   * Directions that the policy is for. Absent or empty: those that have rules, or Ingress when none has.
   *
   * Items: A direction, seen from the endpoint.
   */
  types?: ('Ingress' | 'Egress')[];
  /**
   * Rules for packets to the endpoint, first match decides.
   */
  ingress?: RuleSpec[];
  /**
   * Rules for packets from the endpoint, first match decides.
   */
  egress?: RuleSpec[];
  /**
   * Act before connection tracking; for host endpoints.
   */
  doNotTrack: boolean;
  /**
   * Act before destinations are translated; for host endpoints, ingress only.
   */
  preDNAT: boolean;
  /**
   * Act on packets that the host forwards, too.
   */
  applyOnForward: boolean;
}
/**
 * What the set holds.
 */
export interface GlobalNetworkSetSpec {
  /**
   * The networks of the set.
   *
   * Items: A network, IPv4 or IPv6, without host bits, or one address, which is a network of its own.
   */
  nets?: Cidr[];
}
/**
 * What the endpoint is.
 */
export interface WorkloadEndpointSpec {
  /**
   * The node that runs the workload.
   */
  node: string;
  /**
   * Who manages the workload. Letters, digits, dot, underscore and dash.
   */
  orchestrator: string;
  /**
   * Id of the workload; the name of the resource when absent. Letters, digits, dot, underscore and dash.
   */
  workload?: string;
  /**
   * Id of the endpoint, usually the interface inside the workload. Letters, digits, dot, underscore and dash.
   */
  endpoint: string;
  /**
   * The interface on the host. Absent: the interface prefix (cali) and hexadecimal digits, made from orchestrator, workload and endpoint.
   */
  interfaceName?: string;
  /**
   * Hardware address inside the workload. Default: ee:ee:ee:ee:ee:ee.
   */
  mac?: MacAddress;
  /**
   * The addresses of the workload.
   *
   * Items: One address of a workload: an address, or the address with /32 (IPv4) or /128 (IPv6).
   */
  ipNetworks: Cidr[];
  /**
   * Addresses that the host translates to addresses of the workload.
   *
   * Items: One translation.
   */
  ipNATs: {
    /**
     * The address of the workload.
     */
    internalIP: Address;
    /**
     * The address under which it is reached.
     */
    externalIP: Address;
  }[];
  /**
   * Names of profiles, in the order in which they are asked.
   *
   * Items: Letters, digits, dot, underscore and dash, beginning with a letter or digit; at most 128 characters.
   */
  profiles: string[];
  /**
   * inactive: no routes, and every packet is dropped.
   */
  state: 'active' | 'inactive';
}
/**
 * What the endpoint is.
 */
export interface HostEndpointSpec {
  /**
   * The host that the interface belongs to.
   */
  node: string;
  /**
   * The interface, or * for all interfaces of the host.
   */
  interfaceName?: string;
  /**
   * Addresses of the interface, by which it is found when interfaceName is absent.
   *
   * Items: An IPv4 or IPv6 address without prefix.
   */
  expectedIPs?: Address[];
  /**
   * Names of profiles, in the order in which they are asked.
   *
   * Items: Letters, digits, dot, underscore and dash, beginning with a letter or digit; at most 128 characters.
   */
  profiles?: string[];
}
/**
 * What the node is.
 */
export interface NodeSpec {
  /**
   * The place of the node in BGP.
   */
  bgp?: {
    /**
     * IPv4 address with the prefix of its network. Absent: the agent finds it and registers it.
     */
    ipv4Address?: InterfaceAddress;
    /**
     * IPv6 address with the prefix of its network.
     */
    ipv6Address?: InterfaceAddress;
    /**
     * AS number of the node; absent: that of BGPConfiguration.
     */
    asNumber?: number;
    /**
     * Address of the IP in IP device of the node. Absent: it has none, and packets of the node itself carry its own address.
     */
    ipv4IPIPTunnelAddr?: Address;
    /**
     * Makes the node a route reflector of this cluster (RFC 4456) and takes it out of the mesh.
     */
    routeReflectorClusterID?: Address;
  };
  /**
   * Address of the VXLAN device of the node. Absent: it has none, and others reach it by its address in bgp.
   */
  ipv4VXLANTunnelAddr?: Address;
  /**
   * Hardware address of the VXLAN device of the node. Absent: one that follows from its name.
   */
  vxlanTunnelMACAddr?: MacAddress;
  /**
   * Address of the IPv6 VXLAN device of the node.
   */
  ipv6VXLANTunnelAddr?: Address;
  /**
   * Hardware address of the IPv6 VXLAN device of the node. Absent: one that follows from its name.
   */
  vxlanTunnelMACAddrV6?: MacAddress;
}
/**
 * The settings. What node.NAME leaves out, default decides.
 */
export interface BGPConfigurationSpec {
  /**
   * AS number of nodes that have none of their own. Default: 64512.
   */
  asNumber?: number;
  /**
   * Whether every node peers with every other. Default: true.
   */
  nodeToNodeMeshEnabled?: boolean;
  /**
   * TCP port of BGP on the nodes. Default: 179.
   */
  listenPort?: number;
  /**
   * NodeIP: listen on the address of the node only. None: on every address. Default: None.
   */
  bindMode?: 'None' | 'NodeIP';
  /**
   * How much BIRD logs. Default: Info.
   */
  logSeverityScreen?: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal' | 'None';
  nodeMeshPassword?: SecretReference;
  /**
   * How long nodes keep the routes of a mesh peer that restarts (RFC 4724). Absent: 120 s, as BIRD has it.
   */
  nodeMeshMaxRestartTime?: string;
  /**
   * Interfaces whose addresses BGP takes no notice of; * stands for any characters.
   *
   * Items: An interface name, * standing for any characters.
   */
  ignoredInterfaces?: string[];
  /**
   * Names for communities, for use in prefixAdvertisements.
   *
   * Items: One name for a community.
   */
  communities?: {
    /**
     * The name.
     */
    name: string;
    /**
     * The community.
     */
    value: string;
  }[];
  /**
   * Communities that are added to routes inside a network.
   *
   * Items: Communities for the routes of one network.
   */
  prefixAdvertisements?: {
    /**
     * Routes inside this network.
     */
    cidr: Cidr;
    /**
     * Communities, by value or by name.
     *
     * Items: A community, or the name of one.
     */
    communities: string[];
  }[];
}
/**
 * Who peers with whom: node or nodeSelector (neither: every node) with peerIP or peerSelector.
 */
export interface BGPPeerSpec {
  /**
   * The one node that has this session. Absent, like nodeSelector: every node.
   */
  node?: string;
  /**
   * The nodes that have this session.
   */
  nodeSelector?: SelectorText;
  /**
   * Address of the peer; IP:port, or [IPv6]:port, when the port is not 179.
   */
  peerIP?: string;
  /**
   * The nodes that are the peers.
   */
  peerSelector?: SelectorText;
  /**
   * AS number of the peer. Absent: that of the node, where the peer is one.
   */
  asNumber?: number;
  /**
   * AS number under which our side appears in this session. Absent: that of the node.
   */
  localASNumber?: number;
  password?: SecretReference;
  /**
   * Announce routes with the next hop that they came with. Default: false.
   */
  keepOriginalNextHop?: boolean;
  /**
   * Which next hop is announced: by the rules of BGP, always ourselves, or the original one. Default: Auto.
   */
  nextHopMode?: 'Auto' | 'Self' | 'Keep';
  /**
   * UseNodeIP: the session comes from the address of the node. None: the kernel chooses. Default: UseNodeIP.
   */
  sourceAddress?: 'UseNodeIP' | 'None';
  /**
   * How long the peer keeps our routes while we restart (RFC 4724), and we those of a peer that is a node. Absent: 120 s, as BIRD has it.
   */
  maxRestartTime?: string;
  /**
   * How often keepalives are sent; a peer is given up after three that did not come. Absent: 30 s.
   */
  keepaliveTime?: string;
  /**
   * Whether BFD (RFC 5880) watches the session. Default: false.
   */
  bfd?: boolean;
  /**
   * Generalized TTL security (RFC 5082): how many hops away the peer is. Absent: its distance does not matter.
   */
  ttlSecurity?: number;
  /**
   * How often our own AS number may stand in a path that is accepted. Default: 0.
   */
  numAllowedLocalASNumbers?: number;
  /**
   * Gateway through which the peer is reached. Absent: the routes of the host decide.
   */
  reachableBy?: Address;
  /**
   * Auto: when the peer is a node, it has the session too. Manual: only our side is made. Default: Auto.
   */
  reversePeering?: 'Auto' | 'Manual';
  /**
   * Names of BGPFilters, in the order in which they are asked.
   *
   * Items: Letters, digits, dot, underscore and dash, beginning with a letter or digit; at most 128 characters.
   */
  filters?: string[];
}
/**
 * What the reflector is.
 */
export interface RouteReflectorSpec {
  /**
   * Its IPv4 address, also its router id.
   */
  ipv4Address: Address;
  /**
   * Its IPv6 address.
   */
  ipv6Address?: Address;
  /**
   * Its cluster (RFC 4456), written as an IPv4 address. Reflectors of one cluster serve the same clients.
   */
  clusterID: Address;
  /**
   * Its AS number; absent: that of the nodes.
   */
  asNumber?: number;
  /**
   * Which nodes peer with it. Absent: every node that does not reflect itself.
   */
  clientSelector?: SelectorText;
}
/**
 * The rules, by direction and IP version.
 */
export interface BGPFilterSpec {
  /**
   * For IPv4 routes that we announce.
   */
  exportV4?: BGPFilterRuleV4[];
  /**
   * For IPv4 routes that we are told of.
   */
  importV4?: BGPFilterRuleV4[];
  /**
   * For IPv6 routes that we announce.
   */
  exportV6?: BGPFilterRuleV6[];
  /**
   * For IPv6 routes that we are told of.
   */
  importV6?: BGPFilterRuleV6[];
}
/**
 * One rule of a filter. All conditions that are given must hold; the first rule that matches decides.
 */
export interface BGPFilterRuleV4 {
  /**
   * The network that matchOperator compares the route with. The two go together.
   */
  cidr?: Cidr;
  /**
   * Only prefixes of these lengths count as equal to cidr, or inside it; needs cidr.
   */
  prefixLength?: {
    /**
     * Shortest prefix.
     */
    min?: number;
    /**
     * Longest prefix.
     */
    max?: number;
  };
  /**
   * RemotePeers: only routes that another peer announced.
   */
  source?: 'RemotePeers';
  /**
   * Only routes that leave by this interface; * stands for any characters.
   */
  interface?: string;
  /**
   * How the route compares with cidr: equal to it, or inside it.
   */
  matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  /**
   * Only sessions of this type.
   */
  peerType?: 'eBGP' | 'iBGP';
  /**
   * Only routes that carry one of these communities.
   */
  communities?: {
    /**
     * The communities.
     *
     * Items: A BGP community: 65000:100 with parts up to 65535 (RFC 1997), or a large one 65000:1:2 with parts up to 4294967295 (RFC 8092).
     */
    values: string[];
  };
  /**
   * Only routes whose AS path begins so.
   *
   * Items: An autonomous system number (RFC 6793), 1 to 4294967295.
   */
  asPathPrefix?: number[];
  /**
   * Only routes of this priority. On export: the metric of the route in the kernel. On import: 2147483647 less the local preference (RFC 4271) of the route.
   */
  priority?: number;
  /**
   * Accept or reject the route.
   */
  action: 'Accept' | 'Reject';
  /**
   * Changes to a route that is accepted, in order.
   *
   * Items: One change: exactly one of the fields.
   */
  operations?: {
    /**
     * Adds a community.
     */
    addCommunity?: {
      /**
       * The community.
       */
      value: string;
    };
    /**
     * Puts AS numbers before the AS path.
     */
    prependASPath?: {
      /**
       * The AS numbers, first one outermost.
       *
       * Items: An autonomous system number (RFC 6793), 1 to 4294967295.
       */
      prefix: number[];
    };
    /**
     * Announces the route with a local preference (RFC 4271) of 2147483647 less the priority. It counts between hosts of one AS and is not told to others.
     */
    setPriority?: {
      /**
       * The priority; the route with the lower one is preferred.
       */
      value: number;
    };
  }[];
}
/**
 * One rule of a filter. All conditions that are given must hold; the first rule that matches decides.
 */
export interface BGPFilterRuleV6 {
  /**
   * The network that matchOperator compares the route with. The two go together.
   */
  cidr?: Cidr;
  /**
   * Only prefixes of these lengths count as equal to cidr, or inside it; needs cidr.
   */
  prefixLength?: {
    /**
     * Shortest prefix.
     */
    min?: number;
    /**
     * Longest prefix.
     */
    max?: number;
  };
  /**
   * RemotePeers: only routes that another peer announced.
   */
  source?: 'RemotePeers';
  /**
   * Only routes that leave by this interface; * stands for any characters.
   */
  interface?: string;
  /**
   * How the route compares with cidr: equal to it, or inside it.
   */
  matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  /**
   * Only sessions of this type.
   */
  peerType?: 'eBGP' | 'iBGP';
  /**
   * Only routes that carry one of these communities.
   */
  communities?: {
    /**
     * The communities.
     *
     * Items: A BGP community: 65000:100 with parts up to 65535 (RFC 1997), or a large one 65000:1:2 with parts up to 4294967295 (RFC 8092).
     */
    values: string[];
  };
  /**
   * Only routes whose AS path begins so.
   *
   * Items: An autonomous system number (RFC 6793), 1 to 4294967295.
   */
  asPathPrefix?: number[];
  /**
   * Only routes of this priority. On export: the metric of the route in the kernel. On import: 2147483647 less the local preference (RFC 4271) of the route.
   */
  priority?: number;
  /**
   * Accept or reject the route.
   */
  action: 'Accept' | 'Reject';
  /**
   * Changes to a route that is accepted, in order.
   *
   * Items: One change: exactly one of the fields.
   */
  operations?: {
    /**
     * Adds a community.
     */
    addCommunity?: {
      /**
       * The community.
       */
      value: string;
    };
    /**
     * Puts AS numbers before the AS path.
     */
    prependASPath?: {
      /**
       * The AS numbers, first one outermost.
       *
       * Items: An autonomous system number (RFC 6793), 1 to 4294967295.
       */
      prefix: number[];
    };
    /**
     * Announces the route with a local preference (RFC 4271) of 2147483647 less the priority. It counts between hosts of one AS and is not told to others.
     */
    setPriority?: {
      /**
       * The priority; the route with the lower one is preferred.
       */
      value: number;
    };
  }[];
}
/**
 * What is reserved.
 */
export interface IPReservationSpec {
  /**
   * Networks from which no address is given out.
   *
   * Items: A network, IPv4 or IPv6, as address and prefix length, without host bits.
   */
  reservedCIDRs: Cidr[];
}
/**
 * The settings. What node.NAME leaves out, default decides.
 */
export interface AgentConfigurationSpec {
  /**
   * How the names of workload interfaces on the host begin: letters and digits, at most 11. Default: cali.
   */
  interfacePrefix?: string;
  /**
   * What happens to traffic from a workload to its own host after its egress rules. Default: Drop.
   */
  defaultEndpointToHostAction?: 'Drop' | 'Return' | 'Accept';
  /**
   * Egress of a workload endpoint with no policy and no profile. Default: Allow.
   */
  noPolicyEgress?: 'Allow' | 'Deny';
  /**
   * managed: the agent runs BIRD. system: it writes the configuration for a BIRD that the host runs. none: policy only. Default: managed.
   */
  bgpMode?: 'managed' | 'system' | 'none';
  /**
   * Insert: our jumps stand first in the chains of the kernel. Append: they stand last. Default: Insert.
   */
  chainInsertMode?: 'Insert' | 'Append';
  /**
   * How often iptables are read back and repaired; 0s: never. Default: 10s.
   */
  iptablesRefreshInterval?: string;
  /**
   * How often ipsets are read back and repaired; 0s: never. Default: 10s.
   */
  ipsetsRefreshInterval?: string;
  /**
   * How often routes are read back and repaired; 0s: never. Default: 10s.
   */
  routeRefreshInterval?: string;
  /**
   * Protocol number that marks our routes in the kernel. Default: 80.
   */
  deviceRouteProtocol?: number;
  /**
   * Whether the agent works on IPv6 too. Default: true.
   */
  ipv6Support?: boolean;
  /**
   * How much the agent logs. Use its flag --log-level instead.
   */
  logSeverityScreen?: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal';
  /**
   * How often the agent writes its status to the store; 0s: never. Default: 0s.
   */
  reportingInterval?: string;
  /**
   * Bits of the packet mark that are ours. Default: 0xff000000.
   */
  iptablesMarkMask?: number;
  /**
   * Ports of the host that host endpoint policy never closes to the outside.
   *
   * Items: One port that stays open.
   */
  failsafeInboundHostPorts?: {
    /**
     * Its protocol.
     */
    protocol: 'TCP' | 'UDP' | 'SCTP';
    /**
     * Its number.
     */
    port: number;
    /**
     * Only for this network; absent: for all.
     */
    net?: Cidr;
  }[];
  /**
   * Ports outside that host endpoint policy never closes to the host.
   *
   * Items: One port that stays open.
   */
  failsafeOutboundHostPorts?: {
    /**
     * Its protocol.
     */
    protocol: 'TCP' | 'UDP' | 'SCTP';
    /**
     * Its number.
     */
    port: number;
    /**
     * Only for this network; absent: for all.
     */
    net?: Cidr;
  }[];
}
/**
 * The test. Every pair of from and to is tried on every port.
 */
export interface ConnectivityTestSpec {
  from: ConnectivitySide;
  to: ConnectivitySide;
  /**
   * The protocol; absent: any.
   */
  protocol?: ProtocolText;
  /**
   * Destination ports; absent: any.
   *
   * Items: A port from 1 to 65535, or a range as 'first:last'.
   */
  ports?: PortText[];
  /**
   * What must become of the connection.
   */
  expect: 'Allow' | 'Deny';
  /**
   * How many endpoints each side must match at least; 1 each when absent.
   */
  minMatches?: {
    /**
     * At least so many that open connections.
     */
    from: number;
    /**
     * At least so many that accept them.
     */
    to: number;
  };
}
/**
 * Who: exactly one of the fields.
 */
export interface ConnectivitySide {
  /**
   * Every endpoint that the selector picks.
   */
  selector?: SelectorText;
  /**
   * The WorkloadEndpoint or HostEndpoint of this name.
   */
  endpoint?: string;
  /**
   * The host itself.
   */
  node?: string;
  /**
   * Addresses of this network.
   */
  cidr?: Cidr;
  /**
   * An address that belongs to no endpoint.
   */
  outside?: true;
}
