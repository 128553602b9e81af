/**
 * Intents: what should be in the kernel, in terms that no backend owns.
 *
 * Managers write intents to the desired side of the drivers' delta trackers; a backend renders chains and sets
 * for the kernel's current packet filter, and drivers do the rest over netlink and /proc/sys.
 */
import type { Address, Cidr, IpFamily, MacAddress } from '../../model/address.js';
import type { Brand } from '../../model/brand.js';
import type { DesiredView } from '../../model/delta-tracker.js';
import type { IcmpMatch, PortRange } from '../../model/rule.js';
import type { SysctlPath } from '../../model/sysctl.js';
import type { IpSetId, IpSetType } from '../calc/updates.js';

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
export const TABLES = ['raw', 'mangle', 'nat', 'filter'] as const;
export type Table = (typeof TABLES)[number];

/** At most 28 characters; ours begin with `cali-`. */
export type ChainName = Brand<string, 'ChainName'>;
/** `<table>/<chain>`. */
export type ChainKey = Brand<string, 'ChainKey'>;
/** `<table>/<hook>`. */
export type HookKey = Brand<string, 'HookKey'>;

export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
export type End = 'source' | 'destination';

/** One condition of a rule; the conditions of a rule are ANDed. */
export type Match =
  /** `prefix: true` matches every interface whose name begins so. */
  | { readonly type: 'in-interface' | 'out-interface'; readonly name: string; readonly prefix: boolean }
  | { readonly type: 'conntrack'; readonly states: readonly ConntrackState[] }
  /** (packet mark & mask) == value. */
  | { readonly type: 'mark'; readonly value: number; readonly mask: number }
  | { readonly type: 'protocol'; readonly protocol: number; readonly negated: boolean }
  | { readonly type: 'net'; readonly end: End; readonly net: Cidr; readonly negated: boolean }
  | { readonly type: 'ip-set'; readonly end: End; readonly id: IpSetId; readonly negated: boolean }
  /** At most 15 slots, a range taking two. Needs a protocol match before it. */
  | {
      readonly type: 'ports';
      readonly end: End;
      readonly ports: readonly PortRange[];
      readonly negated: boolean;
    }
  | { readonly type: 'icmp'; readonly icmp: IcmpMatch; readonly negated: boolean }
  /** The route back to the source does not leave by the interface the packet came in on. */
  | { readonly type: 'rpf-failed' };

export type Verdict =
  | { readonly type: 'accept' | 'drop' | 'return' | 'masquerade' | 'notrack' }
  | { readonly type: 'jump' | 'goto'; readonly chain: ChainName }
  /** mark = (mark & ~mask) | value. */
  | { readonly type: 'set-mark'; readonly value: number; readonly mask: number }
  | { readonly type: 'log'; readonly prefix: string };

export interface ChainRule {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** For people who read the rules on the host. Plain text, at most 200 characters. */
  readonly comment?: string;
}

export interface Chain {
  readonly table: Table;
  readonly name: ChainName;
  readonly rules: readonly ChainRule[];
  /** How its rules look into sets. One that is not named may do either when it changes. */
  readonly setUses?: ReadonlyMap<IpSetId, SetUse>;
}

/** What a set that changes may do to the packets that rules judge. */
export interface SetUse {
  /** An address that joins may be denied what it was allowed; false: it cannot lose, and who leaves cannot gain. */
  readonly joining: boolean;
  /** An address that leaves may be denied what it was allowed; false: it cannot lose, and who joins cannot gain. */
  readonly leaving: boolean;
}

/** A jump from one of the kernel's own chains into ours, kept in its place whatever others insert. */
export interface HookRules {
  readonly table: Table;
  readonly hook: Hook;
  readonly position: 'first' | 'last';
  readonly rules: readonly ChainRule[];
}

/** The desired members of the sets of one family; the driver works out what to add and remove. */
export interface DesiredIpSets {
  replace(id: IpSetId, type: IpSetType, members: Iterable<Cidr>): void;
  addMembers(id: IpSetId, members: Iterable<Cidr>): void;
  removeMembers(id: IpSetId, members: Iterable<Cidr>): void;
  delete(id: IpSetId): void;
}

/** A route to one network, marked with our protocol number. */
export interface Route {
  readonly cidr: Cidr;
  /** undefined: the one that leads to the gateway or, without a gateway, none: packets end here. */
  readonly interfaceName: string | undefined;
  /** Behind the interface, whatever other routes say. Absent: the network is on the interface itself. */
  readonly gateway?: Address;
}

export interface Neighbor {
  readonly address: Address;
  readonly interfaceName: string;
  readonly mac: MacAddress;
}

/** A device that encapsulates. Its MTU follows from the interface that has the local address. */
export type Tunnel = VxlanTunnel | IpipTunnel;

interface TunnelEnds {
  readonly name: string;
  /** Where packets come from. */
  readonly local: Address;
  /** On the device. */
  readonly address: Address | undefined;
}

export interface VxlanTunnel extends TunnelEnds {
  readonly encapsulation: 'vxlan';
  readonly family: IpFamily;
  /** The virtual network, and the port of UDP at either end. */
  readonly id: number;
  readonly port: number;
  readonly mac: MacAddress;
}

/** Each packet goes to the gateway of its route. */
export interface IpipTunnel extends TunnelEnds {
  readonly encapsulation: 'ipip';
  readonly family: 4;
}

/** How our VXLAN devices are called: the name is the mark of ours. As in Calico. */
export const VXLAN_NAMES: Readonly<Record<IpFamily, string>> = { 4: 'vxlan.calico', 6: 'vxlan-v6.calico' };
/** Likewise. Calico's is `tunl0`, which is the kernel's, and anybody's: ours stands beside it. */
export const IPIP_NAME = 'ipip.calico';

/** Frames to this MAC address leave a tunnel for that host. */
export interface ForwardingEntry {
  readonly interfaceName: string;
  readonly mac: MacAddress;
  readonly destination: Address;
}

/** All that managers can reach: the desired state of one family. */
export interface DesiredFamily {
  readonly family: IpFamily;
  readonly chains: DesiredView<ChainKey, Chain>;
  readonly hooks: DesiredView<HookKey, HookRules>;
  readonly ipSets: DesiredIpSets;
  readonly routes: DesiredView<Cidr, Route>;
  /** Keyed `<interface>/<address>`. */
  readonly neighbors: DesiredView<string, Neighbor>;
}

export interface DesiredDataplane {
  readonly families: readonly DesiredFamily[];
  readonly sysctls: DesiredView<SysctlPath, string>;
  /** By name. */
  readonly tunnels: DesiredView<string, Tunnel>;
  /** Keyed `<interface>/<MAC address>`. */
  readonly forwarding: DesiredView<string, ForwardingEntry>;
}

export function chainKey(chain: Pick<Chain, 'table' | 'name'>): ChainKey {
  return `${chain.table}/${chain.name}` as ChainKey;
}

export function hookKey(hook: Pick<HookRules, 'table' | 'hook'>): HookKey {
  return `${hook.table}/${hook.hook}` as HookKey;
}
