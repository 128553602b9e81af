/**
 * The overlay: tunnels, who is at their other ends, and the routes to the networks behind other hosts.
 *
 * A route through a tunnel names a gateway that no other route leads to; a neighbour entry says which MAC address it has,
 * and the tunnel's forwarding table on which host that is. All three are told beforehand, and nothing is asked of the
 * network.
 */
import { type Cidr, familyOf } from '../../../model/address.js';
import type { UpdateOf } from '../../calc/updates.js';
import {
  type DesiredDataplane,
  type DesiredFamily,
  type ForwardingEntry,
  type Neighbor,
  type Route,
  TUNNEL_NAMES,
  type Tunnel,
} from '../intent.js';
import { syncView } from './sync-view.js';

type OverlayModel = NonNullable<UpdateOf<'overlay-update'>['model']>;
type OverlayTunnel = OverlayModel['tunnels'][number];

export interface OverlayWishes extends Pick<DesiredDataplane, 'tunnels' | 'forwarding'> {
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
}

/** As in Calico. The port is the one of RFC 7348. */
const VXLAN = { id: 4096, port: 4789 } as const;
const NO_OVERLAY: OverlayModel = { tunnels: [], routes: [] };

export class OverlayManager {
  readonly #desired: OverlayWishes;
  #model = NO_OVERLAY;
  #dirty = false;

  constructor(desired: OverlayWishes) {
    this.#desired = desired;
  }

  onUpdate({ model }: UpdateOf<'overlay-update'>): void {
    this.#model = model ?? NO_OVERLAY;
    this.#dirty = true;
  }

  completeDeferredWork(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const families = new Set(this.#desired.families.map(({ family }) => family));
    const tunnels = this.#model.tunnels.filter(({ family }) => families.has(family));
    syncView(this.#desired.tunnels, new Map(tunnels.map(tunnelOf)), isSame);
    syncView(this.#desired.forwarding, new Map(tunnels.flatMap(forwardingOf)), isSame);
    for (const { family, routes, neighbors } of this.#desired.families) {
      const own = tunnels.filter((tunnel) => tunnel.family === family);
      syncView(neighbors, new Map(own.flatMap(neighborsOf)), isSame);
      syncView(routes, routesOf(this.#model, family), isSame);
    }
  }
}

function tunnelOf({ family, mac, hostAddress, tunnelAddress }: OverlayTunnel): readonly [string, Tunnel] {
  const name = TUNNEL_NAMES[family];
  return [name, { name, family, ...VXLAN, mac, local: hostAddress, address: tunnelAddress }];
}

function forwardingOf({ family, peers }: OverlayTunnel): (readonly [string, ForwardingEntry])[] {
  const interfaceName = TUNNEL_NAMES[family];
  return peers.map(({ mac, hostAddress: destination }) => [
    `${interfaceName}/${mac}`,
    { interfaceName, mac, destination },
  ]);
}

function neighborsOf({ family, peers }: OverlayTunnel): (readonly [string, Neighbor])[] {
  const interfaceName = TUNNEL_NAMES[family];
  return peers.map(({ mac, gateway: address }) => [
    `${interfaceName}/${address}`,
    { interfaceName, address, mac },
  ]);
}

function routesOf({ routes }: OverlayModel, family: DesiredFamily['family']): ReadonlyMap<Cidr, Route> {
  const wanted = new Map<Cidr, Route>();
  for (const route of routes) {
    const { cidr } = route;
    if (familyOf(cidr) !== family) continue;
    if (route.type === 'blackhole') wanted.set(cidr, { cidr, interfaceName: undefined });
    else
      wanted.set(cidr, {
        cidr,
        interfaceName: route.type === 'tunnel' ? TUNNEL_NAMES[family] : undefined,
        gateway: route.gateway,
      });
  }
  return wanted;
}

/** They are flat, and made in one place. */
function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
