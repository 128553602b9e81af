/**
 * Workload endpoints: their chains and the dispatch to them, routes, neighbour entries and sysctls.
 *
 * Chains are rendered only for endpoints that changed. Routes belong to whom endpoint-claims.ts says, which any
 * endpoint can change for any other, so they are compared as a whole.
 */

import type { StoredId } from '../../../layout/layout.js';
import { addressPart, type Cidr, familyOf } from '../../../model/address.js';
import { DIRECTIONS } from '../../../model/rule.js';
import type { SysctlPath } from '../../../model/sysctl.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { LocalEndpoint, UpdateOf } from '../../calc/updates.js';
import type { DriverFailure } from '../driver.js';
import { hostSysctls, workloadSysctls } from '../drivers/workload-sysctls.js';
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
import { type EndpointClaims, settleClaims } from './endpoint-claims.js';
import { syncView } from './sync-view.js';

export class EndpointManager {
  readonly #desired: DesiredDataplane;
  readonly #endpoints = new Map<StoredId, LocalEndpoint>();
  /** By interface: those whose chains are rendered. */
  readonly #rendered = new Map<string, LocalEndpoint>();
  #dispatch: ReadonlySet<ChainKey> = new Set();
  #problems: readonly DriverFailure[] = [];
  #marks: MarkBits;
  #interfacePrefix: string;
  #dirty = true;

  constructor(desired: DesiredDataplane, settings: AgentSettings, marks: MarkBits) {
    this.#desired = desired;
    this.#interfacePrefix = settings.interfacePrefix;
    this.#marks = marks;
  }

  onSettings({ interfacePrefix }: AgentSettings, marks: MarkBits): void {
    this.#interfacePrefix = interfacePrefix;
    this.#marks = marks;
    for (const name of [...this.#rendered.keys()]) this.#removeChains(name);
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
    this.#programChains(claims);
    this.#programDispatch([...claims.byInterface.keys()]);
    for (const family of this.#desired.families) programPaths(family, claims);
    this.#programSysctls(claims);
  }

  #programChains({ byInterface }: EndpointClaims): void {
    for (const name of [...this.#rendered.keys()]) if (!byInterface.has(name)) this.#removeChains(name);
    for (const [name, endpoint] of byInterface) {
      if (this.#rendered.get(name) === endpoint) continue;
      this.#rendered.set(name, endpoint);
      for (const direction of DIRECTIONS) {
        const chain = endpointChain(direction, endpoint, this.#marks);
        for (const { chains } of this.#desired.families) chains.set(chainKey(chain), chain);
      }
    }
  }

  #removeChains(interfaceName: string): void {
    this.#rendered.delete(interfaceName);
    for (const direction of DIRECTIONS) {
      const key = chainKey({ table: 'filter', name: endpointChainName(direction, interfaceName) });
      for (const { chains } of this.#desired.families) chains.delete(key);
    }
  }

  #programDispatch(interfaceNames: readonly string[]): void {
    const tree = dispatchChains({ interfacePrefix: this.#interfacePrefix, interfaceNames });
    const keys = new Set(tree.map(chainKey));
    for (const { chains } of this.#desired.families) {
      for (const key of this.#dispatch) if (!keys.has(key)) chains.delete(key);
      for (const chain of tree) chains.set(chainKey(chain), chain);
    }
    this.#dispatch = keys;
  }

  #programSysctls({ byInterface }: EndpointClaims): void {
    const families = this.#desired.families.map(({ family }) => family);
    const active = [...byInterface.values()].filter((endpoint) => endpoint.active);
    const settings = [
      ...hostSysctls(families),
      ...active.flatMap(({ interfaceName }) => workloadSysctls(interfaceName, families)),
    ];
    const wanted = new Map<SysctlPath, string>(settings.map(({ path, value }) => [path, value]));
    syncView(this.#desired.sysctls, wanted, (a, b) => a === b);
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
