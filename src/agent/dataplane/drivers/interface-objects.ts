/**
 * What drivers of small objects that live on one interface share: each is one operation, and waits while its interface
 * is not up.
 */
import type { RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { WriteOutcome } from './kernel-table.js';
import { applyGroups, interfaceLeft, interfaceNotReady, linksByName } from './netlink-ops.js';

interface OnInterface {
  readonly desired: { readonly interfaceName: string };
}

/** As in KernelObjects. */
export async function waitForInterfaces(
  rtnetlink: RtNetlink,
  pending: readonly OnInterface[],
): Promise<readonly (string | undefined)[]> {
  const links = await linksByName(rtnetlink);
  return pending.map(({ desired }) => interfaceNotReady(links, desired.interfaceName));
}

/**
 * As in KernelObjects.
 * @param place - the operation for an object on the interface with this index, and what is there after it
 */
export async function writeOnInterfaces<P extends OnInterface, A>(
  rtnetlink: RtNetlink,
  pending: readonly P[],
  place: (desired: P['desired'], interfaceIndex: number) => { readonly op: RouteOp; readonly actual: A },
): Promise<readonly WriteOutcome<A>[]> {
  const links = await linksByName(rtnetlink);
  const plans = pending.map(({ desired }) => ({
    waitingFor: interfaceNotReady(links, desired.interfaceName),
    ...place(desired, links.get(desired.interfaceName)?.index ?? 0),
  }));
  const answers = await applyGroups(
    rtnetlink,
    plans.map(({ waitingFor, op }) => (waitingFor === undefined ? [op] : [])),
  );
  return plans.map(({ waitingFor, actual }, index) => {
    const error = answers[index]?.[0];
    if (waitingFor !== undefined) return { type: 'waiting', reason: waitingFor };
    if (error && interfaceLeft(error)) return { type: 'waiting', reason: error.message };
    return error ? { type: 'failed', error } : { type: 'written', actual };
  });
}
