/**
 * An agent in this process and this network namespace, with everything but BIRD as in `heddle agent`.
 */
import { runAgent } from '../src/agent/agent.js';
import { createBgpSpeaker } from '../src/agent/bgp/index.js';
import { backends } from '../src/agent/dataplane/backends/index.js';
import { openDataplane } from '../src/agent/open-dataplane.js';
import { systemClock } from '../src/agent/status/clock.js';
import type { HostFacts } from '../src/agent/status/host-facts.js';
import type { Datastore } from '../src/datastore/datastore.js';
import { exec } from '../src/kernel/exec.js';
import { hostAddresses } from '../src/kernel/host-addresses.js';
import { keepOpen } from '../src/kernel/kept-programs.js';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../src/kernel/open-conntrack.js';
import { openNftables } from '../src/kernel/open-nftables.js';
import { openRtNetlink } from '../src/kernel/open-rtnetlink.js';
import { procSys } from '../src/kernel/proc-sys.js';
import type { Layout } from '../src/layout/layout.js';
import type { Log } from '../src/model/log.js';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface HostAgentOptions {
  readonly node: string;
  readonly store: Datastore;
  readonly layout: Layout;
  readonly signal: AbortSignal;
  readonly report: (facts: HostFacts) => void;
}

/** Resolves after the signal. */
export async function runHostAgent(options: HostAgentOptions): Promise<void> {
  await using rtnetlink = openRtNetlink(openKoffiTransport({ protocol: NETLINK_ROUTE }));
  await using conntrack = openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
  await using nftables = openNftables(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
  using programs = keepOpen(exec);
  const kernel = { rtnetlink, conntrack, nftables, procSys, hostAddresses, exec: programs.exec };
  await runAgent({
    ...{ ...options, clock: systemClock, log: silent },
    speaker: createBgpSpeaker({ mode: 'none', stateDir: '/nonexistent', exec, log: silent }),
    openDataplane: (settings, inbox, signal) =>
      openDataplane({
        ...{ settings, inbox, kernel, log: silent, signal, clock: systemClock },
        backend: backends.iptables,
        onApply: () => {},
      }),
    onCalculated: () => {},
    checkNode: async () => [],
    checkGateway: async () => [],
  });
}

/** What is wrong with a host. */
export function problemOf(facts: HostFacts | undefined): Error | undefined {
  const [problem] = [...(facts?.failures ?? []), ...(facts?.verified?.differences ?? [])];
  return problem && new Error(`${problem.object}: ${problem.message}`);
}
