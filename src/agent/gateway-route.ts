/**
 * Whether this host can answer for the gateway of its workloads.
 *
 * By proxy ARP the kernel answers for 169.254.1.1 only while it has a unicast route to it, in whatever table its rules lead
 * to (arp_process() in net/ipv4/arp.c); a default route will do. Without one everything is programmed, reads back as
 * desired, and no workload reaches anybody over IPv4. So the kernel is asked for the way: ip-route(8), `get`.
 */
import type { Exec } from '../kernel/exec.js';
import type { DriverFailure } from './dataplane/driver.js';

const GATEWAY = '169.254.1.1';

export async function gatewayProblems(exec: Exec): Promise<readonly DriverFailure[]> {
  try {
    const { code, stdout } = await exec('ip', ['-4', 'route', 'get', GATEWAY]);
    // Others than unicast routes are named first: `local 169.254.1.1 dev lo`.
    return code === 0 && stdout.startsWith(GATEWAY) ? [] : [problem(NO_ROUTE)];
  } catch (error) {
    return [problem(`the way to it cannot be asked for: ${String(error)}`)];
  }
}

const NO_ROUTE =
  `this host has no route to ${GATEWAY}, so it does not answer for it (proxy ARP) and its workloads reach nobody ` +
  'over IPv4: give it a default route';

function problem(message: string): DriverFailure {
  return { object: 'workload gateway', message };
}
