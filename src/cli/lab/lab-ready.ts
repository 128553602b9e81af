/**
 * Waits for what `live` does not say: that the hosts of a lab have learned each other's routes.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '../../datastore/deadline.js';
import { follow } from '../../datastore/follow.js';
import { exec } from '../../kernel/exec.js';
import { inNamespace, runOrThrow } from '../../kernel/namespaces.js';
import type { LabPlan } from '../../lab/lab-plan.js';
import type { Address } from '../../model/address.js';
import { readClusterStatus } from '../../reconciler/status/cluster-status.js';
import type { OpenStore } from '../etcd-options.js';

const SESSIONS_TIMEOUT_MS = 20_000;
const ROUTES_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** `live` is about the kernel of each host; that its neighbours are there is BGP's to say. Returns how many are up. */
export async function untilSessionsAreUp(
  { store, layout }: OpenStore,
  signal: AbortSignal,
): Promise<{ readonly established: number; readonly configured: number }> {
  const deadline = withDeadline(signal, SESSIONS_TIMEOUT_MS);
  let sum = { established: 0, configured: 0 };
  for await (const message of follow(store, layout.keys.hostStatusPrefix, { signal: deadline })) {
    if (message.type === 'interrupted') continue;
    const { hosts } = await readClusterStatus(store, layout);
    const total = (of: 'established' | 'configured') => hosts.reduce((all, { bgp }) => all + bgp[of], 0);
    sum = { established: total('established'), configured: total('configured') };
    if (hosts.every(({ bgp }) => bgp.established === bgp.configured)) break;
  }
  signal.throwIfAborted();
  return sum;
}

/** Waits until each host has a route to all of these addresses, or to none. False when the time is up. */
export async function untilRouted(
  { hosts }: LabPlan,
  addresses: readonly Address[],
  wanted: 'to all' | 'to none',
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + ROUTES_TIMEOUT_MS;
  const nodes = hosts.filter(({ kind }) => kind === 'Node');
  for (;;) {
    signal.throwIfAborted();
    const known = await Promise.all(nodes.map(({ namespace }) => destinationsIn(namespace)));
    const isRight = (destinations: ReadonlySet<string>) =>
      addresses.every((address) => destinations.has(address) === (wanted === 'to all'));
    if (known.every(isRight)) return true;
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
}

async function destinationsIn(namespace: string): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    ['-4', '-6'].map((family) => runOrThrow(exec, inNamespace(namespace, ['ip', family, 'route']))),
  );
  return new Set(tables.flatMap(({ stdout }) => stdout.split('\n').map((line) => line.split(' ')[0] ?? '')));
}
