/**
 * A kernel in memory behind the RtNetlink interface, which can be told to fail.
 *
 * It keeps the rules that drivers depend on: one route in a place, nothing over an interface that is missing or
 * down, everything gone with its interface. `failNext('apply')` throws, as a socket that broke would; the others
 * refuse one operation. Tunnels it has as Linux does: one of a kind to the same ends, and none where the module is missing.
 */
import { errnoName, netlinkError } from '../../src/kernel/netlink/errno.js';
import type { NetlinkError } from '../../src/kernel/netlink/transport.js';
import type {
  KernelAddress,
  KernelForwarding,
  KernelNeighbor,
  KernelRoute,
  Link,
  LinkEvent,
  LinkOp,
  RouteOp,
  RtNetlink,
} from '../../src/kernel/rtnetlink.js';
import { familyOf, type IpFamily } from '../../src/model/address.js';
import type { Encapsulation } from '../../src/model/encapsulation.js';

export const FAILURE_POINTS = [
  'links',
  'routes',
  'neighbors',
  'addresses',
  'forwarding',
  'apply',
  'create route',
  'replace route',
  'delete route',
  'replace neighbor',
  'delete neighbor',
  'replace forwarding',
  'delete forwarding',
  'create vxlan',
  'create ipip',
  'change link',
  'delete link',
  'replace address',
  'delete address',
] as const;
export type FailurePoint = (typeof FAILURE_POINTS)[number];

const [EPERM, ENOENT, ESRCH, EEXIST, ENODEV, EOPNOTSUPP, EADDRNOTAVAIL, ENETDOWN] = [
  1, 2, 3, 17, 19, 95, 99, 100,
];

interface FakeKernel {
  readonly events: boolean;
  /** Kinds of tunnels whose modules it has. Default: none. */
  readonly modules?: Set<Encapsulation>;
}

export class FakeRtNetlink implements RtNetlink {
  #links = new Map<number, Link>();
  #routes = new Map<string, KernelRoute>();
  #neighbors = new Map<string, KernelNeighbor>();
  #forwarding = new Map<string, KernelForwarding>();
  #addresses: KernelAddress[] = [];
  #nextIndex = 1;
  readonly #failures = new Map<FailurePoint, number>();
  readonly #readers = new Set<(event: LinkEvent | Error | undefined) => void>();
  /** Every operation that was asked for, in order. */
  readonly ops: RouteOp[] = [];
  /** How often something failed because it was told to. */
  failed = 0;
  /** How often the links were listed. */
  listed = 0;
  /** So many times events cannot be had. */
  eventsRefused = 0;

  constructor(readonly options: FakeKernel = { events: true }) {}

  /** The next `times` calls or operations of this kind fail. */
  failNext(point: FailurePoint, times = 1): void {
    this.#failures.set(point, times);
  }

  addLink(name: string, { up = true, ...rest }: Partial<Link> = {}): Link {
    const link: Link = { index: this.#nextIndex, name, mac: undefined, mtu: 1500, up, running: up, ...rest };
    this.#nextIndex += 1;
    this.#links.set(link.index, link);
    this.emit({ type: 'link', link, gone: false });
    return link;
  }

  setUp(name: string, up: boolean): void {
    const link = { ...this.linkNamed(name), up, running: up };
    this.#links.set(link.index, link);
    if (!up) this.#flush(link.index);
    this.emit({ type: 'link', link, gone: false });
  }

  removeLink(name: string): void {
    const link = this.linkNamed(name);
    this.#links.delete(link.index);
    this.#flush(link.index);
    this.#addresses = this.#addresses.filter(({ interfaceIndex }) => interfaceIndex !== link.index);
    for (const [key, { interfaceIndex }] of this.#forwarding)
      if (interfaceIndex === link.index) this.#forwarding.delete(key);
    this.emit({ type: 'link', link, gone: true });
  }

  emit(event: LinkEvent): void {
    for (const reader of this.#readers) reader(event);
  }

  /** As when the socket breaks: every reader of events is thrown this. */
  breakEvents(error: Error): void {
    for (const reader of this.#readers) reader(error);
    this.#readers.clear();
  }

  /** As another program would, without failures and records. */
  plant(op: RouteOp): void {
    const error = this.#apply(op);
    if (error) throw error;
  }

  async links(): Promise<readonly Link[]> {
    this.#throwIfTold('links');
    this.listed += 1;
    return [...this.#links.values()];
  }

  async routes(
    family: IpFamily,
    filter: { readonly protocol?: number } = {},
  ): Promise<readonly KernelRoute[]> {
    this.#throwIfTold('routes');
    return [...this.#routes.values()].filter(
      (route) => route.family === family && route.protocol === (filter.protocol ?? route.protocol),
    );
  }

  async neighbors(family: IpFamily): Promise<readonly KernelNeighbor[]> {
    this.#throwIfTold('neighbors');
    return [...this.#neighbors.values()].filter((neighbor) => neighbor.family === family);
  }

  async apply(ops: readonly RouteOp[]): Promise<readonly (NetlinkError | undefined)[]> {
    this.#throwIfTold('apply');
    return ops.map((op) => {
      this.ops.push(op);
      return this.#isTold(`${op.op} ${op.object}` as FailurePoint) ? netlinkError(EPERM) : this.#apply(op);
    });
  }

  linkEvents(signal: AbortSignal): AsyncIterable<LinkEvent> | undefined {
    if (!this.options.events) return undefined;
    if (this.eventsRefused > 0) {
      this.eventsRefused -= 1;
      throw netlinkError(EPERM);
    }
    const unread: (LinkEvent | Error | undefined)[] = [];
    let wake = () => {};
    const reader = (event: LinkEvent | Error | undefined) => {
      unread.push(event);
      wake();
    };
    this.#readers.add(reader);
    signal.addEventListener('abort', () => reader(undefined));
    return (async function* () {
      for (;;) {
        for (const event of unread.splice(0)) {
          if (event === undefined) return;
          if (event instanceof Error) throw event;
          yield event;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (unread.length > 0) resolve();
        });
      }
    })();
  }

  async addresses(): Promise<readonly KernelAddress[]> {
    this.#throwIfTold('addresses');
    return this.#addresses;
  }

  async forwarding(): Promise<readonly KernelForwarding[]> {
    this.#throwIfTold('forwarding');
    return [...this.#forwarding.values()];
  }

  /** Nobody else changes this kernel. */
  pathEvents(): undefined {}

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #apply(op: RouteOp): NetlinkError | undefined {
    if (op.object === 'route') return this.#applyRoute(op.op, op.route);
    if (op.object === 'neighbor') return this.#applyNeighbor(op.op, op.neighbor);
    if (op.object === 'address') return this.#applyAddress(op.op, op.address);
    if (op.object === 'forwarding') return this.#applyForwarding(op.op, op.entry);
    return this.#applyLink(op);
  }

  #applyLink(op: LinkOp): NetlinkError | undefined {
    if (op.op === 'create') {
      if (!this.options.modules?.has(op.object)) return netlinkError(EOPNOTSUPP);
      const { name, ...made } = op.link;
      const rivals = [...this.#links.values()];
      if (rivals.some((link) => link.name === name || hasSameEnds(link, made))) return netlinkError(EEXIST);
      this.addLink(name, made);
      return undefined;
    }
    const link = this.#links.get(op.link.index);
    if (!link) return netlinkError(ENODEV);
    if (op.op === 'delete') {
      this.removeLink(link.name);
      return undefined;
    }
    const changed: Link = { ...link, ...op.link };
    this.#links.set(link.index, changed);
    if (!changed.up) this.#flush(link.index);
    this.emit({ type: 'link', link: changed, gone: false });
    return undefined;
  }

  #applyAddress(
    op: 'replace' | 'delete',
    { address, interfaceIndex }: KernelAddress,
  ): NetlinkError | undefined {
    if (!this.#links.has(interfaceIndex)) return netlinkError(ENODEV);
    const others = this.#addresses.filter(
      (one) => one.address !== address || one.interfaceIndex !== interfaceIndex,
    );
    if (op === 'delete' && others.length === this.#addresses.length) return netlinkError(EADDRNOTAVAIL);
    this.#addresses = op === 'delete' ? others : [...others, { address, interfaceIndex }];
    return undefined;
  }

  #applyRoute(op: 'create' | 'replace' | 'delete', route: KernelRoute): NetlinkError | undefined {
    const metric = route.priority ?? (route.family === 6 ? 1024 : 0);
    const place = `${route.destination} ${metric}`;
    if (op === 'delete') {
      const held = this.#routes.get(place);
      const described = held?.interfaceIndex === route.interfaceIndex && held?.protocol === route.protocol;
      if (!described) return netlinkError(ESRCH);
      this.#routes.delete(place);
      return undefined;
    }
    const error = this.#interfaceError(route.interfaceIndex);
    if (error) return error;
    if (op === 'create' && this.#routes.has(place)) return netlinkError(EEXIST);
    this.#routes.set(place, route.family === 6 ? { ...route, priority: metric } : route);
    return undefined;
  }

  #applyNeighbor(op: 'replace' | 'delete', neighbor: KernelNeighbor): NetlinkError | undefined {
    const key = `${neighbor.interfaceIndex} ${neighbor.address}`;
    if (op === 'delete') return this.#neighbors.delete(key) ? undefined : netlinkError(ENOENT);
    const error = this.#interfaceError(neighbor.interfaceIndex);
    if (!error) this.#neighbors.set(key, neighbor);
    return error;
  }

  #applyForwarding(op: 'replace' | 'delete', entry: KernelForwarding): NetlinkError | undefined {
    const key = `${entry.interfaceIndex} ${entry.mac}`;
    if (op === 'delete') return this.#forwarding.delete(key) ? undefined : netlinkError(ENOENT);
    const error = this.#interfaceError(entry.interfaceIndex);
    if (!error) this.#forwarding.set(key, entry);
    return error;
  }

  #interfaceError(index: number | undefined): NetlinkError | undefined {
    if (index === undefined) return undefined;
    const link = this.#links.get(index);
    if (!link) return netlinkError(ENODEV);
    return link.up ? undefined : netlinkError(ENETDOWN);
  }

  #flush(index: number): void {
    for (const [place, { interfaceIndex }] of this.#routes)
      if (interfaceIndex === index) this.#routes.delete(place);
    for (const [key, { interfaceIndex }] of this.#neighbors)
      if (interfaceIndex === index) this.#neighbors.delete(key);
  }

  linkNamed(name: string): Link {
    const link = [...this.#links.values()].find((candidate) => candidate.name === name);
    if (!link) throw new Error(`The fake kernel has no link ${name}`);
    return link;
  }

  #throwIfTold(point: FailurePoint): void {
    if (this.#isTold(point)) throw netlinkError(EPERM, `${point} was told to fail with ${errnoName(EPERM)}`);
  }

  #isTold(point: FailurePoint): boolean {
    const times = this.#failures.get(point) ?? 0;
    if (times === 0) return false;
    this.#failures.set(point, times - 1);
    this.failed += 1;
    return true;
  }
}

/** One VXLAN device a number, port and family of the local address; one IP in IP device a pair of ends. */
function hasSameEnds({ vxlan, ipip }: Link, made: Partial<Link>): boolean {
  if (vxlan?.local && made.vxlan?.local)
    return (
      vxlan.id === made.vxlan.id &&
      vxlan.port === made.vxlan.port &&
      familyOf(vxlan.local) === familyOf(made.vxlan.local)
    );
  return (
    ipip !== undefined &&
    made.ipip !== undefined &&
    ipip.local === made.ipip.local &&
    ipip.remote === made.ipip.remote
  );
}
