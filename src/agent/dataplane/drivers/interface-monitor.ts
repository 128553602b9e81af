/**
 * Watches the interfaces of workloads, and our tunnels, come, change and go, and has the drivers read back.
 *
 * The kernel drops routes, neighbour entries and sysctls together with their interface and says nothing of it in
 * their own tables' events, so the interface is what to watch. Where the transport has no events (node-netlink)
 * the interfaces are listed on a timer. A read-back on a longer timer catches what these do not show: a route of
 * ours that somebody removed by hand, an interface that was down between two listings.
 */
import { setInterval } from 'node:timers/promises';
import type { Link, LinkEvent, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { Driver } from '../driver.js';
import { isOwnInterface } from './own-interfaces.js';

export interface InterfaceMonitorOptions {
  readonly rtnetlink: RtNetlink;
  /** Interfaces whose name begins so belong to workloads. */
  readonly interfacePrefix: string;
  /** Asked to read back. */
  readonly drivers: readonly Pick<Driver, 'queueResync'>[];
  /** Called after that: there is something to apply. */
  readonly onChange: () => void;
  /** How often the kernel is read back whatever happens, in ms. */
  readonly resyncMs: number;
  /** How often interfaces are listed where there are no events, in ms. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs until the signal. Events are collected from the call on: call it before the first read-back.
 * @throws when the kernel cannot be watched any more
 */
export async function monitorInterfaces(options: InterfaceMonitorOptions): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const events = options.rtnetlink.linkEvents(signal);
  const watch = events ? followEvents(events, options) : pollLinks(options, signal);
  try {
    await Promise.all([watch, onTimer(options.resyncMs, signal, async () => resync(options))]);
  } finally {
    stop.abort();
  }
}

async function followEvents(
  events: AsyncIterable<LinkEvent>,
  options: InterfaceMonitorOptions,
): Promise<void> {
  const known = new Map<number, string>();
  for await (const event of events) {
    if (event.type === 'overrun') {
      known.clear();
      resync(options);
      continue;
    }
    const { link, gone } = event;
    const before = known.get(link.index);
    const isOurs = isOwnInterface(link.name, options.interfacePrefix);
    const now = isOurs && !gone ? stateOf(link) : undefined;
    if (now === undefined) known.delete(link.index);
    else known.set(link.index, now);
    if (now !== before || (gone && isOurs)) resync(options);
  }
}

async function pollLinks(options: InterfaceMonitorOptions, signal: AbortSignal): Promise<void> {
  let before: string | undefined;
  await onTimer(options.pollMs, signal, async () => {
    const links = await options.rtnetlink.links();
    const now = links
      .filter(({ name }) => isOwnInterface(name, options.interfacePrefix))
      .map((link) => `${link.index} ${stateOf(link)}`)
      .join('\n');
    if (before !== undefined && now !== before) resync(options);
    before = now;
  });
}

async function onTimer(everyMs: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  try {
    for await (const _ of setInterval(everyMs, undefined, { signal })) await act();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function resync({ drivers, onChange }: InterfaceMonitorOptions): void {
  for (const driver of drivers) driver.queueResync();
  onChange();
}

/** What the drivers' objects depend on; counters and carrier are not among it. */
function stateOf({ name, up, mac }: Link): string {
  return `${name} ${up ? 'up' : 'down'} ${mac ?? '-'}`;
}
