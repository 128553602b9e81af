/**
 * What the agent does not enforce yet (law 5).
 *
 * A kind or field listed here is refused when a manifest is loaded, exit code 3, `not supported yet`. An agent
 * that meets one in the store all the same reports `degraded`. The day something becomes enforced, its line
 * goes, and nothing else has to change.
 */
import type { Kind } from './resource.js';

export const UNSUPPORTED_KINDS: ReadonlySet<Kind> = new Set<Kind>([
  'HostEndpoint',
  'BGPFilter',
  'IPReservation',
]);

/** Dotted paths below `spec`. The value says when a field is refused; absent: whenever it is set. */
export interface UnsupportedField {
  readonly path: string;
  /** These values mean that the feature is off, and are accepted. */
  readonly except?: readonly unknown[];
}

export const UNSUPPORTED_FIELDS: Readonly<Partial<Record<Kind, readonly UnsupportedField[]>>> = {
  IPPool: [
    { path: 'ipipMode', except: ['Never'] },
    { path: 'vxlanMode', except: ['Never'] },
    { path: 'nodeSelector', except: ['all()'] },
  ],
  GlobalNetworkPolicy: [
    { path: 'doNotTrack', except: [false] },
    { path: 'preDNAT', except: [false] },
    { path: 'applyOnForward', except: [false] },
  ],
  WorkloadEndpoint: [{ path: 'ipNATs', except: [[]] }],
  Node: [{ path: 'ipv4VXLANTunnelAddr' }, { path: 'vxlanTunnelMACAddr' }],
  BGPPeer: [{ path: 'filters', except: [[]] }],
  BGPConfiguration: [
    { path: 'communities', except: [[]] },
    { path: 'prefixAdvertisements', except: [[]] },
  ],
  AgentConfiguration: [
    // Which BIRD it is, an agent is told by its flag --bgp; how much it logs, by --log-level.
    { path: 'bgpMode', except: ['managed', 'none'] },
    { path: 'logSeverityScreen' },
    // What IPv6 rules and routes an agent has programmed would stay as they are.
    { path: 'ipv6Support', except: [true] },
    { path: 'failsafeInboundHostPorts' },
    { path: 'failsafeOutboundHostPorts' },
  ],
};
