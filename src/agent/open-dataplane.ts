/**
 * Builds the dataplane of a host from its settings: a packet filter and the path drivers for each family, and the
 * watches that have them read the kernel back: over interfaces, and over the hands of others.
 */
import type { Exec } from '../kernel/exec.js';
import type { Nftables } from '../kernel/open-nftables.js';
import { IP_FAMILIES } from '../model/address.js';
import type { Log } from '../model/log.js';
import type { AgentSettings } from './calc/agent-settings.js';
import type { Backend } from './dataplane/backends/backend.js';
import { type ApplySummary, createDataplane, type Dataplane } from './dataplane/dataplane.js';
import type { Driver } from './dataplane/driver.js';
import { watchInterfaces } from './dataplane/drivers/interface-watch.js';
import { type KernelDriversOptions, kernelDrivers } from './dataplane/drivers/kernel-drivers.js';
import { watchTampering } from './dataplane/drivers/tamper-watch.js';
import { type DesiredPaths, isTampering } from './dataplane/drivers/tampering.js';
import { kernelDriversOf } from './dataplane/kernel-kinds.js';
import type { Inbox } from './inbox.js';
import type { Clock } from './status/clock.js';

export interface OpenDataplaneOptions {
  readonly settings: AgentSettings;
  readonly backend: Backend;
  readonly kernel: Pick<KernelDriversOptions, 'rtnetlink' | 'procSys' | 'conntrack' | 'hostAddresses'> & {
    readonly exec: Exec;
    /** Where a packet filter that announces changes says who made them. */
    readonly nftables?: Pick<Nftables, 'events'>;
  };
  /** A lock file of its own for hosts that share one file system. */
  readonly lockFile?: string;
  /** Told when there is something to compare or to read back. */
  readonly inbox: Pick<Inbox, 'requestRepair' | 'requestResync'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every apply: how long it took, in seconds, how many objects failed, how many had drifted. */
  readonly onApply: (seconds: number, failures: number, drift: number) => void;
  readonly signal: AbortSignal;
}

const INTERFACE_POLL_MS = 1_000;
/** Objects that have drifted, in one line of the log. */
const MOST_TOLD = 20;

export function openDataplane(options: OpenDataplaneOptions): Dataplane {
  const { settings, backend, kernel, lockFile, inbox, clock, log, onApply, signal } = options;
  const families = IP_FAMILIES.filter((family) => family === 4 || settings.ipv6Support);
  const pause = (ms: number) => clock.pause(ms, signal);
  const programs = ownPrograms(kernel.exec);
  const shared = { exec: programs.exec, pause, ...(lockFile !== undefined && { lockFile }) };
  const packetFilters = families.map((family) => backend.open({ family, ...shared }));
  const wired = kernelDrivers({ families, settings, ...kernel });
  const drivers = kernelDriversOf(wired.drivers);
  const plain = createDataplane({ packetFilters, kernel: wired, now: () => clock.monotonic() });
  const watch = watchInterfaces({
    rtnetlink: kernel.rtnetlink,
    interfacePrefix: settings.interfacePrefix,
    drivers,
    onChange: () => inbox.requestRepair(),
    onBroken: (error) => log.error('interfaces are not watched', { error: String(error) }),
    resyncMs: settings.routeRefreshMs,
    pollMs: INTERFACE_POLL_MS,
    now: () => clock.monotonic(),
    pause,
    signal,
  });
  watchOthers(options, { pause, drivers, families: wired.families, isOwn: programs.isOwn });
  const refresh = setInterval(
    () => inbox.requestResync(),
    Math.min(settings.iptablesRefreshMs, settings.ipsetsRefreshMs),
  );
  signal.addEventListener('abort', () => clearInterval(refresh), { once: true });
  return {
    async apply(batch) {
      const summary = await plain.apply(batch);
      tell(summary, log);
      const failures = [...summary.failures, ...watch.problems()];
      onApply(summary.durationMs / 1_000, failures.length, summary.drift.length);
      return { ...summary, failures };
    },
    resync: () => plain.resync(),
    verify: (scope) => plain.verify(scope),
    counts: () => plain.counts(),
  };
}

/** Has the kernel read back when it tells of the hands of others. */
function watchOthers(
  { settings, backend, kernel, inbox, log, signal }: OpenDataplaneOptions,
  own: {
    readonly pause: (ms: number) => Promise<void>;
    readonly drivers: readonly Pick<Driver, 'queueResync'>[];
    readonly families: DesiredPaths['families'];
    readonly isOwn: (pid: number) => boolean;
  },
): void {
  const onBroken = (error: unknown) =>
    log.warn('changes by others are found on a timer only', { error: String(error) });
  const paths = { protocol: settings.deviceRouteProtocol, families: own.families };
  void watchTampering({
    events: (stop) => kernel.rtnetlink.pathEvents(stop),
    isTampering: (event) => isTampering(event, paths),
    onTampered() {
      for (const driver of own.drivers) driver.queueResync();
      inbox.requestRepair();
    },
    ...{ onBroken, pause: own.pause, signal },
  });
  void watchTampering({
    events: (stop) => (backend.announcesChanges ? kernel.nftables?.events(stop) : undefined),
    isTampering: (event) => event.type === 'overrun' || !own.isOwn(event.pid),
    // What was let in meanwhile is cut, so it is more than a repair.
    onTampered: () => inbox.requestResync(),
    ...{ onBroken, pause: own.pause, signal },
  });
}

function tell({ waiting, drift }: Pick<ApplySummary, 'waiting' | 'drift'>, log: Log): void {
  if (drift.length > 0)
    log.warn('the kernel was not as it was left', {
      count: drift.length,
      objects: drift.slice(0, MOST_TOLD),
    });
  if (waiting.length > 0) log.debug('objects wait for their interfaces', { waiting });
}

/** More than can be heard of late. */
const PROGRAMS_KNOWN = 256;

/** The programs that we run, by their process ids. */
function ownPrograms(exec: Exec): { readonly exec: Exec; isOwn(pid: number): boolean } {
  const pids = new Set<number>();
  const onStart = (pid: number) => {
    pids.delete(pid);
    pids.add(pid);
    for (const oldest of pids) {
      if (pids.size <= PROGRAMS_KNOWN) break;
      pids.delete(oldest);
    }
  };
  return {
    exec: (command, args, options) => exec(command, args, { ...options, onStart }),
    isOwn: (pid) => pids.has(pid),
  };
}
