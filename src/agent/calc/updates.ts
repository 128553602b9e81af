/**
 * What the calculation graph tells the dataplane.
 *
 * The messages of one flush are one batch: they lead from one whole state to the next, and the dataplane applies
 * them as one. Order inside a batch: what is referred to comes before what refers to it, removals the other way
 * round (event-sequencer.ts).
 */

import type { StoredId } from '../../layout/layout.js';
import type { Address, Cidr, IpFamily, MacAddress } from '../../model/address.js';
import type { Brand } from '../../model/brand.js';
import type { EncapsulationsInUse } from '../../model/encapsulation.js';
import type { Action, IcmpMatch, PortRange } from '../../model/rule.js';
import type { BgpModel } from '../../topology/bgp-model.js';
import type { OverlayModel } from '../../topology/overlay.js';
import type { AgentSettings } from './agent-settings.js';

/** `s:` or `t:` and a hash: the same selector or tag has the same id on every host. */
export type IpSetId = Brand<string, 'IpSetId'>;
/** hash:ip holds single addresses, hash:net networks too. Members of both are written as networks here. */
export type IpSetType = 'hash:ip' | 'hash:net';

/** Conditions on one end of a packet, with selectors and tags resolved to sets. Every list is ANDed as a whole. */
export interface EntityCondition {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  /** The address must be in each of these sets. */
  readonly sets: readonly IpSetId[];
  /** The address must be in none of these sets. */
  readonly notSets: readonly IpSetId[];
  readonly ports: readonly PortRange[];
  readonly notPorts: readonly PortRange[];
}

export interface CompiledRule {
  readonly action: Action;
  readonly family?: IpFamily;
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source: EntityCondition;
  readonly destination: EntityCondition;
}

/** What is asked, in order, of a packet in one direction of an endpoint. Names refer to rule-set updates. */
export interface EndpointPolicy {
  readonly tiers: readonly {
    readonly name: string;
    readonly policies: readonly string[];
    readonly endOfTier: 'Deny' | 'Pass';
  }[];
  readonly profiles: readonly string[];
  /** What happens when nothing above decided. */
  readonly default: 'Allow' | 'Deny';
}

export interface LocalEndpoint {
  readonly id: StoredId;
  readonly interfaceName: string;
  readonly mac?: MacAddress;
  /** Both families, sorted. */
  readonly addresses: readonly Address[];
  /** False: administratively down, everything is dropped and nothing is routed. */
  readonly active: boolean;
  readonly ingress: EndpointPolicy;
  readonly egress: EndpointPolicy;
}

/** Rules by the direction, seen from the endpoint, in which they apply. */
export interface RuleSet {
  readonly ingress: readonly CompiledRule[];
  readonly egress: readonly CompiledRule[];
}

export type DataplaneUpdate =
  | { readonly type: 'settings-update'; readonly settings: AgentSettings }
  | {
      readonly type: 'ip-set-update';
      readonly id: IpSetId;
      readonly setType: IpSetType;
      readonly members: ReadonlySet<Cidr>;
    }
  | {
      readonly type: 'ip-set-delta';
      readonly id: IpSetId;
      readonly added: readonly Cidr[];
      readonly removed: readonly Cidr[];
    }
  | { readonly type: 'ip-set-remove'; readonly id: IpSetId }
  /** A profile without a definition arrives as `missing`: it denies both ways (law 5). */
  | {
      readonly type: 'profile-update';
      readonly name: string;
      readonly rules: RuleSet;
      readonly missing: boolean;
    }
  | { readonly type: 'profile-remove'; readonly name: string }
  | { readonly type: 'policy-update'; readonly tier: string; readonly name: string; readonly rules: RuleSet }
  | { readonly type: 'policy-remove'; readonly tier: string; readonly name: string }
  | { readonly type: 'workload-endpoint-update'; readonly endpoint: LocalEndpoint }
  | { readonly type: 'workload-endpoint-remove'; readonly id: StoredId }
  | { readonly type: 'pool-update'; readonly cidr: Cidr; readonly masquerade: boolean }
  | { readonly type: 'pool-remove'; readonly cidr: Cidr }
  /** How hosts encapsulate; until told otherwise, not at all. Who they are is in the set ALL_HOSTS_SET. */
  | { readonly type: 'encapsulation-update'; readonly inUse: EncapsulationsInUse }
  /** undefined: this host takes no part in BGP. */
  | { readonly type: 'bgp-update'; readonly model: BgpModel | undefined }
  /** undefined: there was an overlay, and is none any more. */
  | { readonly type: 'overlay-update'; readonly model: OverlayModel | undefined };

export type DataplaneUpdateType = DataplaneUpdate['type'];
export type UpdateOf<T extends DataplaneUpdateType> = Extract<DataplaneUpdate, { readonly type: T }>;
