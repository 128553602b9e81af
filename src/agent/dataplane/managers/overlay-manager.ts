/**
 * The overlay: tunnels, who is at their other ends, and the routes to the networks behind other hosts.
 *
 * A route through a tunnel names a gateway that no other route leads to. With VXLAN a neighbour entry says which MAC
 * address it has, and the tunnel's forwarding table on which host that is: all three are told beforehand, and nothing is
 * asked of the network. With IP in IP the gateway is the host itself, and the route is all there is to say.
 */
import { type Cidr, familyOf } from '../../../model/address.js';
import type { UpdateOf } from '../../calc/updates.js';
import {
  type DesiredDataplane,
  type DesiredFamily,
  type ForwardingEntry,
  IPIP_NAME,
  type Neighbor,
  type Route,
  type Tunnel,
  VXLAN_NAMES,
} from '../intent.js';
import { syncView } from './sync-view.js';

type OverlayModel = NonNullable<UpdateOf<'overlay-update'>['model']>;
type OverlayTunnel = OverlayModel['tunnels'][number];
type OverlayRoute = OverlayModel['routes'][number];

export interface DesiredOverlay extends Pick<DesiredDataplane, 'tunnels' | 'forwarding'> {
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
}

/** As in Calico. The port is the one of RFC 7348. */
const VXLAN = { id: 4096, port: 4789 } as const;
const NO_OVERLAY: OverlayModel = { tunnels: [], routes: [] };

export class OverlayManager {
  readonly #desired: DesiredOverlay;
  #model = NO_OVERLAY;
  #dirty = false;

  constructor(desired: DesiredOverlay) {
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

function tunnelOf(tunnel: OverlayTunnel): readonly [string, Tunnel] {
  const { hostAddress: local, tunnelAddress: address } = tunnel;
  const name = nameOf(tunnel);
  if (tunnel.encapsulation === 'ipip')
    return [name, { name, encapsulation: 'ipip', family: tunnel.family, local, address }];
  const { family, mac } = tunnel;
  return [name, { name, encapsulation: 'vxlan', family, ...VXLAN, mac, local, address }];
}

function nameOf({ encapsulation, family }: Pick<OverlayTunnel, 'encapsulation' | 'family'>): string {
  return encapsulation === 'ipip' ? IPIP_NAME : VXLAN_NAMES[family];
}

function forwardingOf(tunnel: OverlayTunnel): (readonly [string, ForwardingEntry])[] {
  if (tunnel.encapsulation === 'ipip') return [];
  const interfaceName = nameOf(tunnel);
  return tunnel.peers.map(({ mac, hostAddress: destination }) => [
    `${interfaceName}/${mac}`,
    { interfaceName, mac, destination },
  ]);
}

function neighborsOf(tunnel: OverlayTunnel): (readonly [string, Neighbor])[] {
  if (tunnel.encapsulation === 'ipip') return [];
  const interfaceName = nameOf(tunnel);
  return tunnel.peers.map(({ mac, gateway: address }) => [
    `${interfaceName}/${address}`,
    { interfaceName, address, mac },
  ]);
}

function routesOf({ routes }: OverlayModel, family: DesiredFamily['family']): ReadonlyMap<Cidr, Route> {
  const wanted = routes.filter(({ cidr }) => familyOf(cidr) === family);
  return new Map(wanted.map((route) => [route.cidr, routeOf(route, family)]));
}

function routeOf(route: OverlayRoute, family: DesiredFamily['family']): Route {
  const { cidr } = route;
  switch (route.type) {
    case 'blackhole':
      return { cidr, interfaceName: undefined };
    case 'direct':
      return { cidr, interfaceName: undefined, gateway: route.gateway };
    case 'tunnel': {
      const interfaceName = nameOf({ encapsulation: route.encapsulation, family });
      return { cidr, interfaceName, gateway: route.gateway };
    }
  }
}

/** They are flat, and made in one place. */
function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
