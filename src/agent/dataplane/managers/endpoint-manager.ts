/**
 * Workload endpoints: their chains and the dispatch to them, routes, neighbour entries and sysctls.
 *
 * Chains and sysctls are written only for endpoints that changed, the dispatch only when an interface came or went.
 * Addresses belong to whom endpoint-claims.ts says, which any endpoint can change for any other, so routes are
 * compared as a whole.
 */

import type { StoredId } from '../../../layout/layout.js';
import { addressPart, type Cidr, familyOf } from '../../../model/address.js';
import { DIRECTIONS } from '../../../model/rule.js';
import type { LocalEndpoint, UpdateOf } from '../../calc/updates.js';
import type { DriverFailure } from '../driver.js';
import {
  type ChainKey,
  chainKey,
  type DesiredDataplane,
  type DesiredFamily,
  type Neighbor,
  type Route,
} from '../intent.js';
import { endpointChainName } from '../rules/chain-names.js';
import { dispatchChains } from '../rules/dispatch-chains.js';
import { endpointChain } from '../rules/endpoint-chains.js';
import type { MarkBits } from '../rules/mark-bits.js';
import type { SysctlSetting } from '../sysctls/sysctl-path.js';
import { workloadSysctls } from '../sysctls/workload-sysctls.js';
import { type EndpointClaims, settleClaims } from './endpoint-claims.js';
import { syncView } from './sync-view.js';
import type { UsableSettings } from './usable-settings.js';

export class EndpointManager {
  readonly #desired: DesiredDataplane;
  readonly #endpoints = new Map<StoredId, LocalEndpoint>();
  /** By interface: those that are desired as they are. */
  readonly #programmed = new Map<string, LocalEndpoint>();
  /** The rules of each chain of the dispatch that is desired, as text to compare. */
  #dispatch: ReadonlyMap<ChainKey, string> = new Map();
  #isDispatchDue = true;
  #problems: readonly DriverFailure[] = [];
  #marks: MarkBits;
  #interfacePrefix: string;
  #dirty = true;

  constructor(desired: DesiredDataplane, { settings, marks }: UsableSettings) {
    this.#desired = desired;
    this.#interfacePrefix = settings.interfacePrefix;
    this.#marks = marks;
  }

  onSettings({ settings, marks }: UsableSettings): void {
    this.#interfacePrefix = settings.interfacePrefix;
    this.#marks = marks;
    for (const name of [...this.#programmed.keys()]) this.#retract(name);
    this.#isDispatchDue = true;
    this.#dirty = true;
  }

  onEndpointUpdate({ endpoint }: UpdateOf<'workload-endpoint-update'>): void {
    this.#endpoints.set(endpoint.id, endpoint);
    this.#dirty = true;
  }

  onEndpointRemove({ id }: UpdateOf<'workload-endpoint-remove'>): void {
    this.#endpoints.delete(id);
    this.#dirty = true;
  }

  get problems(): readonly DriverFailure[] {
    return this.#problems;
  }

  completeDeferredWork(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const claims = settleClaims(this.#endpoints.values(), this.#interfacePrefix);
    this.#problems = claims.problems;
    for (const name of [...this.#programmed.keys()]) if (!claims.byInterface.has(name)) this.#retract(name);
    for (const [name, endpoint] of claims.byInterface)
      if (this.#programmed.get(name) !== endpoint) this.#program(endpoint);
    if (this.#isDispatchDue) this.#programDispatch();
    for (const family of this.#desired.families) programPaths(family, claims);
  }

  #program(endpoint: LocalEndpoint): void {
    const { interfaceName, active } = endpoint;
    if (!this.#programmed.has(interfaceName)) this.#isDispatchDue = true;
    this.#programmed.set(interfaceName, endpoint);
    for (const direction of DIRECTIONS) {
      const chain = endpointChain(direction, endpoint, this.#marks);
      for (const { chains } of this.#desired.families) chains.set(chainKey(chain), chain);
    }
    for (const { path, value } of this.#sysctlsOf(interfaceName))
      if (active) this.#desired.sysctls.set(path, value);
      else this.#desired.sysctls.delete(path);
  }

  #retract(interfaceName: string): void {
    this.#isDispatchDue = true;
    this.#programmed.delete(interfaceName);
    for (const direction of DIRECTIONS) {
      const key = chainKey({ table: 'filter', name: endpointChainName(direction, interfaceName) });
      for (const { chains } of this.#desired.families) chains.delete(key);
    }
    for (const { path } of this.#sysctlsOf(interfaceName)) this.#desired.sysctls.delete(path);
  }

  #sysctlsOf(interfaceName: string): readonly SysctlSetting[] {
    return workloadSysctls(
      interfaceName,
      this.#desired.families.map(({ family }) => family),
    );
  }

  #programDispatch(): void {
    this.#isDispatchDue = false;
    const interfaceNames = this.#programmed.keys();
    const tree = dispatchChains({ interfacePrefix: this.#interfacePrefix, interfaceNames });
    const before = this.#dispatch;
    this.#dispatch = new Map(tree.map((chain) => [chainKey(chain), JSON.stringify(chain.rules)]));
    // One endpoint more touches a few of its hundreds of chains, and saying so is not free: chains are rendered.
    const changed = tree.filter(
      (chain) => before.get(chainKey(chain)) !== this.#dispatch.get(chainKey(chain)),
    );
    for (const { chains } of this.#desired.families) {
      for (const key of before.keys()) if (!this.#dispatch.has(key)) chains.delete(key);
      for (const chain of changed) chains.set(chainKey(chain), chain);
    }
  }
}

function programPaths({ family, routes, neighbors }: DesiredFamily, { byAddress }: EndpointClaims): void {
  const wantedRoutes = new Map<Cidr, Route>();
  const wantedNeighbors = new Map<string, Neighbor>();
  for (const [cidr, { interfaceName, mac }] of byAddress) {
    if (familyOf(cidr) !== family) continue;
    const address = addressPart(cidr);
    wantedRoutes.set(cidr, { cidr, interfaceName });
    if (mac) wantedNeighbors.set(`${interfaceName}/${address}`, { address, interfaceName, mac });
  }
  syncView(routes, wantedRoutes, (a, b) => a.interfaceName === b.interfaceName);
  syncView(neighbors, wantedNeighbors, (a, b) => a.mac === b.mac);
}
