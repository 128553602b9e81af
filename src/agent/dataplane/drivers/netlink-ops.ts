/**
 * What the drivers over rtnetlink share: links by name, groups of operations, and refusals that are none.
 */
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { Link, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';

export async function linksByName(rtnetlink: RtNetlink): Promise<ReadonlyMap<string, Link>> {
  return new Map((await rtnetlink.links()).map((link) => [link.name, link]));
}

export async function namesByIndex(rtnetlink: RtNetlink): Promise<ReadonlyMap<number, string>> {
  return new Map((await rtnetlink.links()).map(({ index, name }) => [index, name]));
}

/** Applies groups of operations in one go; the answers come in the same groups. */
export async function applyGroups(
  rtnetlink: RtNetlink,
  groups: readonly (readonly RouteOp[])[],
): Promise<readonly (readonly (NetlinkError | undefined)[])[]> {
  const answers = await rtnetlink.apply(groups.flat());
  let start = 0;
  return groups.map(({ length }) => {
    start += length;
    return answers.slice(start - length, start);
  });
}

/** Why nothing can be bound to an interface; undefined when something can. */
export function interfaceNotReady(links: ReadonlyMap<string, Link>, name: string): string | undefined {
  const link = links.get(name);
  if (link === undefined) return `there is no interface ${name}`;
  return link.up ? undefined : `interface ${name} is down`;
}

/** The kernel answers so when the interface went between our look at it and our write. */
export function interfaceLeft(error: NetlinkError): boolean {
  return error.code === 'ENODEV' || error.code === 'ENETDOWN';
}

/** The error of a removal, unless it says that there is nothing left to remove. */
export function removalError(error: NetlinkError | undefined): NetlinkError | undefined {
  const gone = error && (error.code === 'ESRCH' || error.code === 'ENOENT' || interfaceLeft(error));
  return gone ? undefined : error;
}
