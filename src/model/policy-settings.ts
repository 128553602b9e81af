/**
 * The settings of a host that decide on packets, and what they are unasked. Whoever programs a host and whoever says what
 * passes there must mean the same.
 */
export interface PolicySettings {
  /** What an endpoint with neither policy nor profile may send. */
  readonly noPolicyEgress: 'Allow' | 'Deny';
  /** What happens to packets for the host itself, after egress rules have allowed them (Felix's setting). */
  readonly defaultEndpointToHostAction: 'Drop' | 'Return' | 'Accept';
}

export const DEFAULT_POLICY_SETTINGS: PolicySettings = {
  noPolicyEgress: 'Allow',
  defaultEndpointToHostAction: 'Drop',
};
