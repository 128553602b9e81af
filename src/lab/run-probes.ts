/**
 * Sends planned probes and compares what came back with what was expected.
 */
import type { PlannedProbe } from './connectivity-probes.js';
import type { LabPlan } from './lab-plan.js';
import type { Prober } from './prober.js';

export interface ProbeResult {
  readonly test: string;
  readonly src: string;
  readonly dst: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly port?: number;
  readonly family: 4 | 6;
  readonly expected: 'allow' | 'deny';
  readonly got: 'allow' | 'deny';
  readonly ok: boolean;
}

export interface ProbeSummary {
  readonly probes: readonly ProbeResult[];
  /** Tests that match nothing here, or ask for a protocol that the lab cannot send: each is a mismatch. */
  readonly unmatched: readonly string[];
  readonly mismatches: number;
}

export async function runProbes(
  prober: Prober,
  planned: readonly PlannedProbe[],
  plan: LabPlan,
): Promise<ProbeResult[]> {
  await openPorts(prober, planned, plan);
  return Promise.all(
    planned.map(async ({ test, src, dst, family, expected, probe }) => {
      const got = await prober.probe(probe);
      const port = probe.port === undefined ? {} : { port: probe.port };
      return {
        test,
        src,
        dst,
        protocol: probe.protocol,
        ...port,
        family,
        expected,
        got,
        ok: got === expected,
      };
    }),
  );
}

/** @param tests - the names of all tests, tried or not */
export function summarizeProbes(probes: readonly ProbeResult[], tests: readonly string[]): ProbeSummary {
  const tried = new Set(probes.map(({ test }) => test));
  const unmatched = tests.filter((test) => !tried.has(test));
  return { probes, unmatched, mismatches: probes.filter(({ ok }) => !ok).length + unmatched.length };
}

/** Lets each target answer: without a listener a UDP probe could not tell delivered from dropped. */
async function openPorts(prober: Prober, planned: readonly PlannedProbe[], plan: LabPlan): Promise<void> {
  await Promise.all(
    planned.map(async ({ dst, probe }) => {
      if (probe.protocol === 'icmp' || probe.port === undefined) return;
      const place = [...plan.workloads, ...plan.hosts].find(({ name }) => name === dst);
      await prober.listen(place?.namespace ?? plan.fabric.namespace, probe.protocol, probe.port);
    }),
  );
}
