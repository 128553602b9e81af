/**
 * Driver of our routes in the main table of one family: to workloads, one network each, scope link; and, in an overlay, to
 * the networks behind other hosts, through a tunnel or to the host itself, and blackholes.
 *
 * Ours is a route that carries our protocol number (rtnetlink(7), rtm_protocol), wherever it leads: unwanted ones
 * are removed at start, those of other numbers never. What stands in the place of a wanted route decides by its
 * interface: on a workload's interface, whose name has our prefix, it is taken over (a container plugin may have
 * been ahead of us); elsewhere it is reported, and stays.
 *
 * A workload that moves here is announced by its old host a little longer, and BIRD installs that with the metric 32.
 * Ours has the smallest metric there is, so that the workload that is here wins.
 *
 * The kernel drops the routes of an interface that goes down or away. A route therefore waits until its interface
 * is up, and the interface monitor asks for a read-back when it comes. While a route through a tunnel waits, a blackhole
 * stands in its place (law 5): by the default route its packets would leave the host as they are.
 */
import { RT_SCOPE, RT_TABLE_MAIN, RTN } from '../../../kernel/netlink/constants.js';
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { KernelRoute, Link, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { Cidr, IpFamily } from '../../../model/address.js';
import type { Route } from '../intent.js';
import type { KernelObjects, PendingObject, StaleObject, WriteOutcome } from './kernel-table.js';
import { KernelTable } from './kernel-table.js';
import {
  applyGroups,
  interfaceLeft,
  interfaceNotReady,
  linksByName,
  namesByIndex,
  removalError,
} from './netlink-ops.js';
import { isOwnInterface } from './own-interfaces.js';

export interface RouteTableOptions {
  readonly family: IpFamily;
  readonly rtnetlink: RtNetlink;
  /** Protocol number of our routes. */
  readonly protocol: number;
  /** Interfaces whose name begins so belong to workloads. */
  readonly interfacePrefix: string;
  /** A route that led to a network was removed, or leads to another interface now. */
  readonly onPathLost: (cidr: Cidr) => void;
}

interface InstalledRoute extends KernelRoute {
  readonly interfaceName: string | undefined;
}

/** Our routes to one network: more than one when they differ in their metric. */
export type InstalledRoutes = readonly InstalledRoute[];

export function routeTable(options: RouteTableOptions): KernelTable<Cidr, Route, InstalledRoutes> {
  return new KernelTable(new RouteObjects(options));
}

export function blackholeTo(cidr: Cidr): Route {
  return { cidr, interfaceName: undefined };
}

type PendingRoute = PendingObject<Cidr, Route, InstalledRoutes>;

/** What is to be done for one pending route. */
interface PlannedWrite {
  /** The desired one, or what stands in its place. */
  readonly route: InstalledRoute;
  /** Set when the desired one cannot be there yet. */
  readonly waitingFor: string | undefined;
  /** The route itself first, then those of ours that it does not overwrite. */
  readonly ops: readonly RouteOp[];
}

type Answers = readonly (NetlinkError | undefined)[];

class RouteObjects implements KernelObjects<Cidr, Route, InstalledRoutes> {
  readonly name: string;
  readonly countedAs = 'routes';
  readonly #options: RouteTableOptions;

  constructor(options: RouteTableOptions) {
    this.name = `route-table-${options.family}`;
    this.#options = options;
  }

  describe(cidr: Cidr, object: Route | InstalledRoutes): string {
    const { gateway, interfaceName } = ('cidr' in object ? object : object[0]) ?? {};
    const via = gateway === undefined ? '' : ` via ${gateway}`;
    return `route ${cidr}${via}${interfaceName === undefined ? '' : ` dev ${interfaceName}`}`;
  }

  equal(desired: Route, actual: InstalledRoutes): boolean {
    const [route, ...others] = actual;
    if (route === undefined || others.length > 0) return false;
    const wanted = this.#route(desired, route.interfaceIndex);
    return (
      // Where none is asked for, it is whichever leads to the gateway; a blackhole of IPv6 is said to be over lo.
      (desired.interfaceName === undefined || route.interfaceName === desired.interfaceName) &&
      route.scope === wanted.scope &&
      route.type === wanted.type &&
      route.gateway === wanted.gateway &&
      route.onlink === wanted.onlink &&
      metric(route) === metric(wanted)
    );
  }

  async readBack(): Promise<ReadonlyMap<Cidr, InstalledRoutes>> {
    const { family, rtnetlink, protocol } = this.#options;
    const names = await namesByIndex(rtnetlink);
    const installed = new Map<Cidr, InstalledRoute[]>();
    for (const route of await rtnetlink.routes(family, { protocol })) {
      const named = { ...route, interfaceName: names.get(route.interfaceIndex ?? 0) };
      const others = installed.get(route.destination);
      if (others) others.push(named);
      else installed.set(route.destination, [named]);
    }
    return installed;
  }

  async waitingFor(pending: readonly PendingRoute[]): Promise<readonly (string | undefined)[]> {
    const links = await linksByName(this.#options.rtnetlink);
    return pending.map(({ desired }) => notReady(desired, links));
  }

  async write(pending: readonly PendingRoute[]): Promise<readonly WriteOutcome<InstalledRoutes>[]> {
    const links = await linksByName(this.#options.rtnetlink);
    const writes = pending.map((object) => this.#plan(object, links));
    const answers = await applyGroups(
      this.#options.rtnetlink,
      writes.map(({ ops }) => ops),
    );
    const final = await this.#takeOver(writes, answers);
    return pending.map((object, index) => this.#outcome(object, writes[index], final[index] ?? []));
  }

  async remove(stale: readonly StaleObject<Cidr, InstalledRoutes>[]): Promise<readonly unknown[]> {
    const answers = await applyGroups(
      this.#options.rtnetlink,
      stale.map(({ actual }) => actual.map(removal)),
    );
    return stale.map(({ key, actual }, index) => {
      const error = firstRemovalError(answers[index] ?? []);
      if (error === undefined && actual.some(toWorkload)) this.#options.onPathLost(key);
      return error;
    });
  }

  #plan({ desired, actual = [] }: PendingRoute, links: ReadonlyMap<string, Link>): PlannedWrite {
    const waitingFor = notReady(desired, links);
    const isHeld = waitingFor !== undefined && desired.gateway !== undefined;
    const wanted = isHeld ? blackholeTo(desired.cidr) : desired;
    const route = this.#route(wanted, links.get(wanted.interfaceName ?? '')?.index);
    if (waitingFor !== undefined && (!isHeld || this.equal(wanted, actual)))
      return { route, waitingFor, ops: [] };
    const overwritten = actual.some((other) => metric(other) === metric(route));
    const others = actual.filter((other) => metric(other) !== metric(route));
    const write: RouteOp = { op: overwritten ? 'replace' : 'create', object: 'route', route };
    return { route, waitingFor, ops: [write, ...others.map(removal)] };
  }

  /** A second try for the routes whose place is taken, where it is ours to take. */
  async #takeOver(writes: readonly PlannedWrite[], answers: readonly Answers[]): Promise<readonly Answers[]> {
    if (!answers.some(([first]) => first?.code === 'EEXIST')) return answers;
    const { rtnetlink, family, protocol, interfacePrefix } = this.#options;
    const own = new Set(
      (await rtnetlink.links())
        .filter(({ name }) => isOwnInterface(name, interfacePrefix))
        .map(({ index }) => index),
    );
    const ours = new Set(
      (await rtnetlink.routes(family))
        .filter((route) => route.protocol === protocol || own.has(route.interfaceIndex ?? 0))
        .map(place),
    );
    const retries = writes.map(({ route }, index): readonly RouteOp[] => {
      const takable = answers[index]?.[0]?.code === 'EEXIST' && ours.has(place(route));
      return takable ? [{ op: 'replace', object: 'route', route }] : [];
    });
    const retried = await applyGroups(rtnetlink, retries);
    return answers.map((before, index) =>
      retries[index]?.length ? [retried[index]?.[0], ...before.slice(1)] : before,
    );
  }

  #outcome(
    { key, actual = [] }: PendingRoute,
    write: PlannedWrite | undefined,
    [answer, ...removed]: Answers,
  ): WriteOutcome<InstalledRoutes> {
    if (write === undefined) return { type: 'failed', error: 'not tried' };
    const { route, waitingFor, ops } = write;
    if (waitingFor !== undefined && ops.length === 0) return { type: 'waiting', reason: waitingFor };
    if (answer && interfaceLeft(answer)) return { type: 'waiting', reason: answer.message };
    const error = answer ?? firstRemovalError(removed);
    if (error?.code === 'EEXIST') return { type: 'failed', error: placeTaken(route) };
    if (error) return { type: 'failed', error };
    if (actual.some((before) => toWorkload(before) && before.interfaceName !== route.interfaceName))
      this.#options.onPathLost(key);
    return waitingFor === undefined
      ? { type: 'written', actual: [route] }
      : { type: 'waiting', reason: waitingFor, actual: [route] };
  }

  #route(wanted: Route, interfaceIndex: number | undefined): InstalledRoute {
    const { cidr, interfaceName, gateway } = wanted;
    const { family, protocol } = this.#options;
    return {
      family,
      destination: cidr,
      interfaceIndex,
      interfaceName,
      gateway,
      table: RT_TABLE_MAIN,
      protocol,
      // IPv6 knows no scopes and reports this one.
      scope: family === 4 && isOnLink(wanted) ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
      type: interfaceName === undefined && gateway === undefined ? RTN.BLACKHOLE : RTN.UNICAST,
      priority: SMALLEST_METRIC[family],
      ...(interfaceName !== undefined && gateway !== undefined && { onlink: true }),
    };
  }
}

function notReady({ interfaceName }: Route, links: ReadonlyMap<string, Link>): string | undefined {
  return interfaceName === undefined ? undefined : interfaceNotReady(links, interfaceName);
}

/** The network is on an interface itself: a workload's. */
function isOnLink({ interfaceName, gateway }: Route): boolean {
  return interfaceName !== undefined && gateway === undefined;
}

function toWorkload({ type, gateway }: InstalledRoute): boolean {
  return type === RTN.UNICAST && gateway === undefined;
}

/** IPv6 takes 0 for a route that asks for no metric, and gives it 1024. IPv4 reports 0 as none. */
export const SMALLEST_METRIC = { 4: undefined, 6: 1 } as const;

function metric({ family, priority }: KernelRoute): number {
  return priority ?? (family === 6 ? 1024 : 0);
}

/** The kernel holds one route in each place. */
function place(route: KernelRoute): string {
  return `${route.destination} ${metric(route)}`;
}

function removal(route: KernelRoute): RouteOp {
  return { op: 'delete', object: 'route', route };
}

function firstRemovalError(answers: Answers): NetlinkError | undefined {
  return answers.map(removalError).find((error) => error !== undefined);
}

function placeTaken({ destination }: KernelRoute): Error {
  return new Error(
    `another program's route to ${destination} is in the way: remove it, or give the workload another address ` +
      `(ip route show ${destination})`,
  );
}
