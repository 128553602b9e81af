/**
 * Sends planned probes and compares what came back with what was expected.
 */
import type { Exec } from '../kernel/exec.js';
import { ipBatch } from '../kernel/namespaces.js';
import { type Address, addressPart, familyOf, hostCidr, IP_FAMILIES } from '../model/address.js';
import type { PlannedProbe, ProbePlan, SkippedProbes } from './connectivity-probes.js';
import type { LabPlan } from './lab-plan.js';
import { ARRIVAL_TIMEOUT_MS, type Prober } from './prober.js';

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
  readonly skipped: readonly SkippedProbes[];
  readonly mismatches: number;
}

const SILENT_MS = 800;

export async function runProbes(
  exec: Exec,
  prober: Prober,
  { probes, skipped, outside }: ProbePlan,
  { fabric }: LabPlan,
): Promise<ProbeSummary> {
  const own = new Set(fabric.gateways.map(addressPart));
  const lent = outside.filter((address) => !own.has(address));
  await onLoopback(exec, fabric.namespace, 'replace', lent);
  try {
    await openPorts(prober, probes);
    const results = await Promise.all(probes.map((planned) => runProbe(prober, planned)));
    return { probes: results, skipped, mismatches: results.filter(({ ok }) => !ok).length };
  } finally {
    await onLoopback(exec, fabric.namespace, 'delete', lent);
  }
}

async function runProbe(
  prober: Prober,
  { test, src, dst, family, expected, probe }: PlannedProbe,
): Promise<ProbeResult> {
  const got = await prober.probe(probe, expected === 'allow' ? ARRIVAL_TIMEOUT_MS : SILENT_MS);
  const port = probe.port === undefined ? {} : { port: probe.port };
  return { test, src, dst, protocol: probe.protocol, ...port, family, expected, got, ok: got === expected };
}

/** Lets the fabric have addresses of nobody, on the interface that answers for all. */
async function onLoopback(
  exec: Exec,
  namespace: string,
  action: 'replace' | 'delete',
  addresses: readonly Address[],
): Promise<void> {
  for (const family of IP_FAMILIES) {
    const own = addresses.filter((address) => familyOf(address) === family);
    await ipBatch(
      exec,
      namespace,
      own.map((address) => `addr ${action} ${hostCidr(address)} dev lo`),
    );
  }
}

/** Lets each target answer: without a listener a UDP probe could not tell delivered from dropped. */
async function openPorts(prober: Prober, planned: readonly PlannedProbe[]): Promise<void> {
  await Promise.all(
    planned.map(async ({ target, probe }) => {
      if (probe.protocol === 'icmp' || probe.port === undefined) return;
      await prober.listen(target, probe.protocol, probe.port);
    }),
  );
}
