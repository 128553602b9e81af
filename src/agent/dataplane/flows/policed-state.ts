/**
 * The policy in force for the addresses of local endpoints, and whose flows it may have turned against (PURE).
 *
 * It hears what the managers hear. A batch that only adds leaves nobody under suspicion; one that may have taken an
 * allow away puts those addresses there whose flows are to be judged again (law 7). So does one that gives an
 * address to an endpoint: what an earlier owner left, while no agent was running, is nobody else's to tell.
 */

import type { StoredId } from '../../../layout/layout.js';
import {
  type Address,
  addressPart,
  type Cidr,
  familyOf,
  hostCidr,
  type IpFamily,
} from '../../../model/address.js';
import { assertNever } from '../../../model/assert-never.js';
import { DIRECTIONS } from '../../../model/rule.js';
import { type AgentSettings, DEFAULT_AGENT_SETTINGS } from '../../calc/agent-settings.js';
import type { DataplaneUpdate, LocalEndpoint } from '../../calc/updates.js';
import { settleClaims } from '../managers/endpoint-claims.js';
import { ActiveRules } from './active-rules.js';
import type { Rulebook } from './compiled-verdict.js';
import { endpointMayLose } from './may-take-away.js';

export class PolicedState {
  readonly #families: readonly IpFamily[];
  readonly #rules = new ActiveRules();
  readonly #endpoints = new Map<StoredId, LocalEndpoint>();
  readonly #suspects = new Set<Address>();
  #claims: ReadonlyMap<Cidr, LocalEndpoint> = new Map();
  #claimsChanged = false;
  #settings: AgentSettings = DEFAULT_AGENT_SETTINGS;
  #settingsStricter = false;

  /** @param families those of which there are rules in the kernel */
  constructor(families: readonly IpFamily[]) {
    this.#families = families;
  }

  onUpdate(update: DataplaneUpdate): void {
    switch (update.type) {
      case 'settings-update':
        this.#onSettings(update.settings);
        break;
      case 'ip-set-update':
        this.#rules.onSetUpdate(update);
        break;
      case 'ip-set-delta':
        this.#rules.onSetDelta(update);
        break;
      case 'ip-set-remove':
        this.#rules.onSetRemove(update);
        break;
      case 'policy-update':
        this.#rules.onPolicy(update, update.rules);
        break;
      case 'policy-remove':
        this.#rules.onPolicy(update, undefined);
        break;
      case 'profile-update':
        this.#rules.onProfile(update, update.missing ? undefined : update.rules);
        break;
      case 'profile-remove':
        this.#rules.onProfile(update, undefined);
        break;
      case 'workload-endpoint-update':
        this.#endpoints.set(update.endpoint.id, update.endpoint);
        this.#claimsChanged = true;
        break;
      case 'workload-endpoint-remove':
        this.#endpoints.delete(update.id);
        this.#claimsChanged = true;
        break;
      // These do not say who may talk to whom.
      case 'pool-update':
      case 'pool-remove':
      case 'encapsulation-update':
      case 'bgp-update':
      case 'overlay-update':
        break;
      default:
        assertNever(update);
    }
  }

  /** Works out who is under suspicion, once a batch has been told. */
  completeDeferredWork(): void {
    if (this.#claimsChanged) this.#settleClaims();
    for (const [cidr, endpoint] of this.#claims)
      if (
        this.#settingsStricter ||
        DIRECTIONS.some((direction) => this.#rules.isStricter(endpoint[direction]))
      )
        this.#suspects.add(addressPart(cidr));
    this.#rules.forgetChanges();
    this.#settingsStricter = false;
  }

  /** Addresses of local endpoints whose flows are to be judged. */
  get suspects(): ReadonlySet<Address> {
    return this.#suspects;
  }

  /** For when nobody knows what the kernel let through. */
  suspectAll(): void {
    for (const cidr of this.#claims.keys()) this.#suspects.add(addressPart(cidr));
  }

  /** The flows of these addresses are as policy wants them. */
  acquit(addresses: Iterable<Address>): void {
    for (const address of addresses) this.#suspects.delete(address);
  }

  /** The active endpoint of this host that has the address. */
  endpointAt(address: Address): LocalEndpoint | undefined {
    return this.#claims.get(hostCidr(address));
  }

  get rulebook(): Rulebook {
    return this.#rules;
  }

  /** What happens to packets for the host itself, after egress rules have allowed them. */
  get endpointToHostAction(): AgentSettings['defaultEndpointToHostAction'] {
    return this.#settings.defaultEndpointToHostAction;
  }

  #onSettings(settings: AgentSettings): void {
    if (settings.interfacePrefix !== this.#settings.interfacePrefix) this.#claimsChanged = true;
    if (settings.defaultEndpointToHostAction === 'Drop' && this.endpointToHostAction !== 'Drop')
      this.#settingsStricter = true;
    this.#settings = settings;
  }

  #settleClaims(): void {
    this.#claimsChanged = false;
    const before = this.#claims;
    const { byAddress } = settleClaims(this.#endpoints.values(), this.#settings.interfacePrefix);
    this.#claims = new Map([...byAddress].filter(([cidr]) => this.#families.includes(familyOf(cidr))));
    for (const [cidr, endpoint] of this.#claims) {
      const owner = before.get(cidr);
      if (owner === endpoint) continue;
      if (owner?.id !== endpoint.id || endpointMayLose(owner, endpoint))
        this.#suspects.add(addressPart(cidr));
    }
    for (const address of this.#suspects) if (!this.endpointAt(address)) this.#suspects.delete(address);
  }
}
