/**
 * The settings of one agent: AgentConfiguration `default`, overridden field by field by `node.<name>`, filled
 * with the defaults below. Names and defaults follow Felix's where Felix has them.
 */
import { DEFAULT_POLICY_SETTINGS, type PolicySettings } from '../../model/policy-settings.js';
import type { SpecOf } from '../../model/resource.js';

export interface AgentSettings extends PolicySettings {
  readonly interfacePrefix: string;
  readonly chainInsertMode: 'Insert' | 'Append';
  /** How often the kernel's rules are read back and repaired, in ms. */
  readonly iptablesRefreshMs: number;
  readonly ipsetsRefreshMs: number;
  readonly routeRefreshMs: number;
  /** Protocol number of our routes: how a restarted agent knows them (rtnetlink(7), rtm_protocol). */
  readonly deviceRouteProtocol: number;
  readonly ipv6Support: boolean;
  /** How often Calico's own status key is written, in ms; 0: never. */
  readonly reportingMs: number;
  /** Bits of the packet mark that are ours. */
  readonly iptablesMarkMask: number;
}

export const DEFAULT_AGENT_SETTINGS: AgentSettings = {
  ...DEFAULT_POLICY_SETTINGS,
  interfacePrefix: 'cali',
  chainInsertMode: 'Insert',
  iptablesRefreshMs: 10_000,
  ipsetsRefreshMs: 10_000,
  routeRefreshMs: 10_000,
  deviceRouteProtocol: 80,
  ipv6Support: true,
  reportingMs: 0,
  iptablesMarkMask: 0xff000000,
};

export type AgentConfigurationSpec = SpecOf<'AgentConfiguration'>;
