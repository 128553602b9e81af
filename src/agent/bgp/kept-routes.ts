/**
 * Routes that BGP has brought and that the kernel is to keep while the sessions they came by are exchanged.
 *
 * They are read where packets look, in the kernel's main table, and given to the daemon as static routes that count less
 * than BGP's: as long as a session has something to say they are not used, and when it ends the kernel sees one route
 * follow another with the same way. Of several ways the first is enough for that while. A way through a link-local
 * address is not kept, because a daemon cannot be told it without its interface.
 */
import type { Exec } from '../../kernel/exec.js';
import { runOrThrow } from '../../kernel/namespaces.js';
import {
  type Address,
  type Cidr,
  cidrContains,
  familyOf,
  hostCidr,
  IP_FAMILIES,
  parseAddress,
  parseCidr,
} from '../../model/address.js';

export interface KeptRoute {
  readonly destination: Cidr;
  readonly gateway: Address;
}

/** What BGP has brought to this host. @throws {Error} when ip(8) does not say it */
export async function readBgpRoutes(exec: Exec): Promise<readonly KeptRoute[]> {
  const routes: KeptRoute[] = [];
  for (const family of IP_FAMILIES) {
    const arguments_ = [
      '-json',
      `-${family}`,
      'route',
      'show',
      'table',
      'main',
      'proto',
      RTPROT_BIRD,
    ] as const;
    routes.push(...parseRoutes((await runOrThrow(exec, ['ip', ...arguments_])).stdout));
  }
  return routes;
}

/** rtnetlink(7). */
const RTPROT_BIRD = '12';
const LINK_LOCAL = parseCidr('fe80::/10');

/** Reads the routes with a gateway of what `ip -json route` prints; others are left out. */
export function parseRoutes(json: string): readonly KeptRoute[] {
  const rows: unknown = json.trim() === '' ? [] : JSON.parse(json);
  if (!Array.isArray(rows)) return [];
  const kept = new Map<Cidr, KeptRoute>();
  for (const { dst, gateway: only, nexthops } of rows as readonly IpRoute[]) {
    const destination = destinationOf(dst);
    const gateway = parseAddress(only ?? nexthops?.[0]?.gateway ?? '');
    if (!destination || !gateway || familyOf(gateway) !== familyOf(destination)) continue;
    if (LINK_LOCAL && cidrContains(LINK_LOCAL, gateway)) continue;
    if (!kept.has(destination)) kept.set(destination, { destination, gateway });
  }
  return [...kept.values()];
}

interface IpRoute {
  readonly dst?: string;
  readonly gateway?: string;
  readonly nexthops?: readonly { readonly gateway?: string }[];
}

function destinationOf(text = ''): Cidr | undefined {
  const address = parseAddress(text);
  return address ? hostCidr(address) : parseCidr(text);
}
