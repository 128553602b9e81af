// Written by scripts/generate-types.mjs from schemas/. Do not edit: change the schema and run `npm run types`.
import type {Address, Cidr, InterfaceAddress, MacAddress} from './address.js';
import type {PortText, ProtocolText} from './rule.js';
import type {SelectorText} from './selector/selector.js';

/**
 * A secret by name: a file below the secrets directory, never the value.
 */
export type SecretReference =
  | {
      file: string;
    }
  | {
      secretKeyRef: {
        /**
         * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
         */
        name: string;
        /**
         * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
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
export interface IPPoolSpec {
  /**
   * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  cidr: Cidr;
  /**
   * Masquerade traffic that leaves for addresses outside all pools.
   */
  natOutgoing: boolean;
  /**
   * Give out no new addresses; what runs stays reachable.
   */
  disabled: boolean;
  /**
   * IP in IP encapsulation between hosts.
   */
  ipipMode: 'Never' | 'Always' | 'CrossSubnet';
  /**
   * VXLAN encapsulation between hosts.
   */
  vxlanMode: 'Never' | 'Always' | 'CrossSubnet';
  /**
   * Prefix length of the blocks that hosts take: 20-32 for IPv4, 116-128 for IPv6.
   */
  blockSize?: number;
  /**
   * Which nodes may use the pool.
   */
  nodeSelector?: SelectorText;
  /**
   * Keep the pool out of BGP.
   */
  disableBGPExport: boolean;
}
export interface ProfileSpec {
  ingress?: RuleSpec[];
  egress?: RuleSpec[];
  /**
   * Labels inherited by each endpoint with the profile.
   */
  labelsToApply?: Readonly<Record<string, string>>;
  /**
   * Tags given to each endpoint with the profile.
   *
   * Items: A tag: the v1 name for a group of endpoints, given by their profiles.
   */
  tags?: string[];
}
export interface RuleSpec {
  /**
   * Allow and Deny decide; Log notes the packet and goes on; Pass goes to the next tier (in a profile: allows).
   */
  action: 'Allow' | 'Deny' | 'Log' | 'Pass';
  ipVersion?: 4 | 6;
  /**
   * A protocol by name, or by its IANA number.
   */
  protocol?: ProtocolText;
  /**
   * A protocol by name, or by its IANA number.
   */
  notProtocol?: ProtocolText;
  icmp?: IcmpSpec;
  notICMP?: IcmpSpec;
  source?: EntityRuleSpec;
  destination?: EntityRuleSpec;
  metadata?: {
    /**
     * Free text for people and for heddle itself (heddle/adopt).
     */
    annotations?: Readonly<Record<string, string>>;
  };
}
export interface IcmpSpec {
  /**
   * ICMP type (RFC 792, RFC 4443).
   */
  type: number;
  /**
   * ICMP code; needs a type.
   */
  code?: number;
}
export interface EntityRuleSpec {
  /**
   * The address is in one of these networks.
   *
   * Items: A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  nets?: Cidr[];
  /**
   * The address is in none of these networks.
   *
   * Items: A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
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
   * Items: A port, or a range as first:last.
   */
  ports?: PortText[];
  /**
   * The port is none of these.
   *
   * Items: A port, or a range as first:last.
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
export interface TierSpec {
  /**
   * Lower is asked first; absent is last.
   */
  order?: number;
  /**
   * What happens to a packet that no policy of the tier decided.
   */
  defaultAction: 'Deny' | 'Pass';
}
export interface GlobalNetworkPolicySpec {
  /**
   * The tier it belongs to.
   */
  tier?: string;
  /**
   * Lower is asked first; absent is last; ties go by name.
   */
  order?: number;
  /**
   * A label expression: role == 'db' && has(zone). Blank means all().
   */
  selector?: SelectorText;
  types?: ('Ingress' | 'Egress')[];
  ingress?: RuleSpec[];
  egress?: RuleSpec[];
  doNotTrack: boolean;
  preDNAT: boolean;
  applyOnForward: boolean;
}
export interface GlobalNetworkSetSpec {
  /**
   * Items: A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  nets?: Cidr[];
}
export interface WorkloadEndpointSpec {
  /**
   * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  node: string;
  /**
   * Who manages the workload.
   */
  orchestrator: string;
  /**
   * Name of the workload; the name of the resource when absent.
   */
  workload?: string;
  /**
   * Name of the interface inside the workload.
   */
  endpoint: string;
  /**
   * The interface on the host: cali and 11 hex digits when absent.
   */
  interfaceName?: string;
  /**
   * Hardware address inside the workload; ee:ee:ee:ee:ee:ee when absent.
   */
  mac?: MacAddress;
  /**
   * The addresses of the workload, /32 or /128 each.
   *
   * Items: One address of a workload, as an address or a /32 or /128.
   */
  ipNetworks: Cidr[];
  /**
   * Floating addresses.
   */
  ipNATs: {
    /**
     * An IPv4 or IPv6 address without prefix.
     */
    internalIP: Address;
    /**
     * An IPv4 or IPv6 address without prefix.
     */
    externalIP: Address;
  }[];
  /**
   * Profiles in the order in which they are asked.
   *
   * Items: Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  profiles: string[];
  state: 'active' | 'inactive';
}
export interface HostEndpointSpec {
  /**
   * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  node: string;
  /**
   * An interface, or * for all.
   */
  interfaceName?: string;
  /**
   * Items: An IPv4 or IPv6 address without prefix.
   */
  expectedIPs?: Address[];
  /**
   * Items: Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  profiles?: string[];
}
export interface NodeSpec {
  bgp?: {
    /**
     * An IPv4 address with the prefix of its network: 10.0.0.1/24.
     */
    ipv4Address?: InterfaceAddress;
    /**
     * An IPv6 address with the prefix of its network: fd00::1/64.
     */
    ipv6Address?: InterfaceAddress;
    /**
     * An autonomous system number, 1 to 4294967295 (RFC 6793).
     */
    asNumber?: number;
    /**
     * An IPv4 address without prefix.
     */
    routeReflectorClusterID?: Address;
  };
  /**
   * An IPv4 address without prefix.
   */
  ipv4VXLANTunnelAddr?: Address;
  /**
   * A unicast hardware address: ee:ee:ee:ee:ee:ee.
   */
  vxlanTunnelMACAddr?: MacAddress;
}
export interface BGPConfigurationSpec {
  /**
   * An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  asNumber?: number;
  nodeToNodeMeshEnabled?: boolean;
  listenPort?: number;
  bindMode?: 'None' | 'NodeIP';
  logSeverityScreen?: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal' | 'None';
  nodeMeshPassword?: SecretReference;
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  nodeMeshMaxRestartTime?: string;
  ignoredInterfaces?: string[];
  communities?: {
    /**
     * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
     */
    name: string;
    /**
     * A BGP community: 65000:100, or a large one 65000:1:2 (RFC 1997, RFC 8092).
     */
    value: string;
  }[];
  prefixAdvertisements?: {
    /**
     * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
     */
    cidr: Cidr;
    communities: string[];
  }[];
}
export interface BGPPeerSpec {
  /**
   * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  node?: string;
  /**
   * A label expression: role == 'db' && has(zone). Blank means all().
   */
  nodeSelector?: SelectorText;
  /**
   * Address of the peer, with :port when not 179.
   */
  peerIP?: string;
  /**
   * A label expression: role == 'db' && has(zone). Blank means all().
   */
  peerSelector?: SelectorText;
  /**
   * An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  asNumber?: number;
  /**
   * An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  localASNumber?: number;
  password?: SecretReference;
  keepOriginalNextHop?: boolean;
  nextHopMode?: 'Auto' | 'Self' | 'Keep';
  sourceAddress?: 'UseNodeIP' | 'None';
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  maxRestartTime?: string;
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  keepaliveTime?: string;
  bfd?: boolean;
  ttlSecurity?: number;
  numAllowedLocalASNumbers?: number;
  /**
   * An IPv4 or IPv6 address without prefix.
   */
  reachableBy?: Address;
  reversePeering?: 'Auto' | 'Manual';
  /**
   * Items: Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  filters?: string[];
}
export interface RouteReflectorSpec {
  /**
   * An IPv4 address without prefix.
   */
  ipv4Address: Address;
  /**
   * An IPv6 address without prefix.
   */
  ipv6Address?: Address;
  /**
   * An IPv4 address without prefix.
   */
  clusterID: Address;
  /**
   * An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  asNumber?: number;
  /**
   * A label expression: role == 'db' && has(zone). Blank means all().
   */
  clientSelector?: SelectorText;
}
export interface BGPFilterSpec {
  exportV4?: BGPFilterRuleV4[];
  importV4?: BGPFilterRuleV4[];
  exportV6?: BGPFilterRuleV6[];
  importV6?: BGPFilterRuleV6[];
}
export interface BGPFilterRuleV4 {
  /**
   * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  cidr?: Cidr;
  prefixLength?: {
    min?: number;
    max?: number;
  };
  source?: 'RemotePeers';
  interface?: string;
  matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  peerType?: 'eBGP' | 'iBGP';
  communities?: {
    /**
     * Items: A BGP community: 65000:100, or a large one 65000:1:2 (RFC 1997, RFC 8092).
     */
    values: string[];
  };
  /**
   * Items: An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  asPathPrefix?: number[];
  priority?: number;
  action: 'Accept' | 'Reject';
  operations?: {
    addCommunity?: {
      /**
       * A BGP community: 65000:100, or a large one 65000:1:2 (RFC 1997, RFC 8092).
       */
      value: string;
    };
    prependASPath?: {
      /**
       * Items: An autonomous system number, 1 to 4294967295 (RFC 6793).
       */
      prefix: number[];
    };
    setPriority?: {
      value: number;
    };
  }[];
}
export interface BGPFilterRuleV6 {
  /**
   * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  cidr?: Cidr;
  prefixLength?: {
    min?: number;
    max?: number;
  };
  source?: 'RemotePeers';
  interface?: string;
  matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  peerType?: 'eBGP' | 'iBGP';
  communities?: {
    /**
     * Items: A BGP community: 65000:100, or a large one 65000:1:2 (RFC 1997, RFC 8092).
     */
    values: string[];
  };
  /**
   * Items: An autonomous system number, 1 to 4294967295 (RFC 6793).
   */
  asPathPrefix?: number[];
  priority?: number;
  action: 'Accept' | 'Reject';
  operations?: {
    addCommunity?: {
      /**
       * A BGP community: 65000:100, or a large one 65000:1:2 (RFC 1997, RFC 8092).
       */
      value: string;
    };
    prependASPath?: {
      /**
       * Items: An autonomous system number, 1 to 4294967295 (RFC 6793).
       */
      prefix: number[];
    };
    setPriority?: {
      value: number;
    };
  }[];
}
export interface IPReservationSpec {
  /**
   * Items: A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  reservedCIDRs: Cidr[];
}
export interface AgentConfigurationSpec {
  /**
   * How workload interfaces on the host begin.
   */
  interfacePrefix?: string;
  /**
   * What happens to traffic from a workload to its own host after its egress rules.
   */
  defaultEndpointToHostAction?: 'Drop' | 'Return' | 'Accept';
  /**
   * Egress of a workload endpoint with no policy and no profile.
   */
  noPolicyEgress?: 'Allow' | 'Deny';
  bgpMode?: 'managed' | 'system' | 'none';
  chainInsertMode?: 'Insert' | 'Append';
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  iptablesRefreshInterval?: string;
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  ipsetsRefreshInterval?: string;
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  routeRefreshInterval?: string;
  deviceRouteProtocol?: number;
  ipv6Support?: boolean;
  logSeverityScreen?: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal';
  /**
   * A duration in seconds, or with a unit: 90s, 2m.
   */
  reportingInterval?: string;
  iptablesMarkMask?: number;
  failsafeInboundHostPorts?: {
    protocol: 'TCP' | 'UDP' | 'SCTP';
    port: number;
    /**
     * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
     */
    net?: Cidr;
  }[];
  failsafeOutboundHostPorts?: {
    protocol: 'TCP' | 'UDP' | 'SCTP';
    port: number;
    /**
     * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
     */
    net?: Cidr;
  }[];
}
export interface ConnectivityTestSpec {
  from: ConnectivitySide;
  to: ConnectivitySide;
  /**
   * Absent: any.
   */
  protocol?: ProtocolText;
  /**
   * Items: A port, or a range as first:last.
   */
  ports?: PortText[];
  expect: 'Allow' | 'Deny';
  /**
   * How many endpoints each side must match at least.
   */
  minMatches?: {
    from: number;
    to: number;
  };
}
/**
 * Exactly one of these.
 */
export interface ConnectivitySide {
  /**
   * A label expression: role == 'db' && has(zone). Blank means all().
   */
  selector?: SelectorText;
  /**
   * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  endpoint?: string;
  /**
   * Name of a resource: letters, digits, dot, underscore and dash, starting with a letter or digit.
   */
  node?: string;
  /**
   * A network, IPv4 or IPv6, without host bits: 192.168.0.0/16.
   */
  cidr?: Cidr;
  outside?: true;
}
