/**
 * The routes that hosts would learn, and those that never reach them, told in rows: what came the same way is one row.
 */
import { type Cidr, compareCidrs, IP_FAMILIES, type IpFamily } from '../../model/address.js';
import type { Arrival, Propagation } from './propagate.js';

export interface LearnedRoutes {
  readonly node: string;
  readonly network: Cidr;
  /** The block itself; otherwise addresses in the network, one route each. */
  readonly whole: boolean;
  /** Whose workloads. */
  readonly from: readonly string[];
  /** The hosts that pass the routes on, the nearest to `from` first; none: they come directly. */
  readonly over: readonly string[];
}

export interface MissingRoutes {
  readonly node: string;
  readonly network: Cidr;
  readonly whole: boolean;
  readonly from: readonly string[];
}

export interface Session {
  readonly hosts: readonly [string, string];
  readonly family: IpFamily;
  readonly type: 'iBGP' | 'eBGP';
}

/** @param node - of this host only; undefined: of all */
export function learnedRoutes(
  propagation: Propagation,
  node?: string,
): { readonly learned: readonly LearnedRoutes[]; readonly missing: readonly MissingRoutes[] } {
  const { speakers } = propagation.network;
  const nameOf = (place: number) => speakers[place]?.name ?? '';
  const asked = [...speakers.entries()].filter(
    ([, { kind, name }]) => kind === 'Node' && (node === undefined || name === node),
  );
  const learned = new Map<string, LearnedRoutes>();
  const missing = new Map<string, MissingRoutes>();
  for (const origin of speakers.keys()) {
    for (const destination of propagation.destinations(origin)) {
      const { network } = destination;
      const whole = destination.route === network;
      const arrivals = propagation.arrivals(origin, destination);
      for (const [place, { name }] of asked) {
        if (place === origin) continue;
        const over = wayOf(arrivals.get(place), nameOf);
        const key = `${name} ${network} ${whole} ${over?.join() ?? ''}`;
        const from = [...((over ? learned : missing).get(key)?.from ?? []), nameOf(origin)];
        if (over) learned.set(key, { node: name, network, whole, from, over });
        else missing.set(key, { node: name, network, whole, from });
      }
    }
  }
  return { learned: sorted(learned.values()), missing: sorted(missing.values()) };
}

function wayOf(
  arrival: Arrival | undefined,
  nameOf: (place: number) => string,
): readonly string[] | undefined {
  if (!arrival) return undefined;
  const over: string[] = [];
  for (let here = arrival.before; here?.link; here = here.before) over.unshift(nameOf(here.at));
  return over;
}

function sorted<T extends MissingRoutes>(rows: Iterable<T>): readonly T[] {
  return [...rows].sort((a, b) =>
    a.node === b.node ? compareCidrs(a.network, b.network) : a.node < b.node ? -1 : 1,
  );
}

/** Every session that would come up, once. */
export function sessionsOf({ network }: Propagation, node?: string): readonly Session[] {
  const sessions: Session[] = [];
  for (const [from, { name }] of network.speakers.entries()) {
    for (const family of IP_FAMILIES) {
      const explicit = (network.explicit[from] ?? []).filter(({ sender }) => sender.family === family);
      for (const { to, sender } of [...explicit, ...network.meshLinks(from, family)]) {
        const other = network.speakers[to]?.name ?? '';
        if (to < from || (node !== undefined && name !== node && other !== node)) continue;
        const type = sender.localAs === sender.peerAs ? 'iBGP' : 'eBGP';
        sessions.push({ hosts: [name, other], family, type });
      }
    }
  }
  return sessions;
}
