/**
 * The example of three hosts under traffic, with agents that read the kernel back every second: what is done to it
 * from outside should be put right within a few.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthCode } from '../../src/agent/status/health.js';
import { DatastoreError } from '../../src/datastore/datastore.js';
import { exec } from '../../src/kernel/exec.js';
import { type CommandLine, inNamespace } from '../../src/kernel/namespaces.js';
import type { LabOptions } from '../../src/lab/lab.js';
import type { HostReport } from '../../src/reconciler/status/cluster-status.js';
import { exampleFolder, TestLab } from './lab.js';
import { LabPrograms } from './lab-programs.js';
import { flowsBetween, type Pair, TrafficProber } from './traffic-prober.js';
import { until } from './until.js';

/** Members of one profile: across hosts, both ways. */
export const ALLOWED: readonly Pair[] = [
  ['web-1', 'web-2'],
  ['web-2', 'web-1'],
  ['web-3', 'web-1'],
];
/** On one host and across. */
export const DENIED: readonly Pair[] = [
  ['batch-1', 'web-1'],
  ['web-1', 'batch-1'],
  ['batch-2', 'web-1'],
  ['web-2', 'batch-1'],
];

/** How often agents read the kernel back. */
function refreshEvery(interval: string): string {
  const settings = ['iptablesRefreshInterval', 'ipsetsRefreshInterval', 'routeRefreshInterval'];
  return manifest('AgentConfiguration', 'default', {
    spec: Object.fromEntries(settings.map((setting) => [setting, interval])),
  });
}

const AGENTS_FILE = 'agents.yaml';
const VARIANT_ENDPOINTS = 60;

export class FaultLab implements AsyncDisposable {
  private constructor(
    readonly lab: TestLab,
    readonly programs: LabPrograms,
    readonly traffic: TrafficProber,
  ) {}

  /** Resolves when the first commit is live and all that may pass does. */
  static async start(flags?: Pick<LabOptions, 'agentFlags' | 'reconcileFlags'>): Promise<FaultLab> {
    const seed = await mkdtemp(join(tmpdir(), 'heddle-faults-'));
    let lab: TestLab;
    try {
      await cp(exampleFolder('three-hosts'), seed, { recursive: true });
      await writeFile(join(seed, AGENTS_FILE), refreshEvery('1s'));
      lab = await TestLab.start(seed, flags);
    } finally {
      await rm(seed, { recursive: true, force: true });
    }
    try {
      await lab.live(await lab.head());
      await lab.routed();
      const flows = flowsBetween([...ALLOWED, ...DENIED], ['udp', 'tcp', 'icmp']);
      const traffic = await TrafficProber.start({ plan: lab.plan, flows });
      const fault = new FaultLab(lab, new LabPrograms(lab.state), traffic);
      for (const pair of ALLOWED) await traffic.untilAllowed(pair);
      return fault;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Has agents read the kernel back so often; resolves when they do. */
  async refreshEvery(interval: string): Promise<void> {
    await writeFile(join(this.lab.state.workTree, AGENTS_FILE), refreshEvery(interval));
    await this.lab.live(await this.lab.push(`Read back every ${interval}`));
  }

  /** Claims, of all packets since then: none of the denied pairs passed. */
  async nothingDeniedPassed(since = 0): Promise<void> {
    for (const pair of DENIED) await this.traffic.assertNeverAllowed(pair, since);
  }

  /** What was let in while it was open is cut: waits until nothing denied passes any more. */
  async everythingDeniedIsCut(): Promise<void> {
    for (const pair of DENIED) await this.traffic.untilDenied(pair);
  }

  /** Claims, of all packets since then: each of the allowed pairs passed. */
  async nothingAllowedWasLost(since = 0): Promise<void> {
    for (const pair of ALLOWED) await this.traffic.assertAlwaysAllowed(pair, since);
  }

  async everythingAllowedPasses(): Promise<void> {
    for (const pair of ALLOWED) await this.traffic.untilAllowed(pair, 20_000);
  }

  /** Runs a program on a host or in a workload; how it ends is the caller's business. */
  tryOn(place: string, [command, ...args]: CommandLine) {
    const [enter, ...rest] = inNamespace(this.lab.namespaceOf(place), [command, ...args]);
    return exec(enter, rest);
  }

  /** Waits until a host is not ready for this reason, among others. */
  async untilRed(host: string, code: HealthCode): Promise<void> {
    let body = '';
    const isRed = async () => {
      const answer = await this.lab.ask(host, '/readiness');
      body = answer.body;
      return answer.status === 503 && body.includes(JSON.stringify({ code }).slice(1, -1));
    };
    await until(isRed, { timeoutMs: 40_000, what: `${code} of ${host}` }).catch((error: Error) => {
      throw new Error(`${error.message}; it says ${body}`);
    });
  }

  async untilGreen(host: string): Promise<void> {
    await until(async () => (await this.lab.ask(host, '/readiness')).status === 200, {
      timeoutMs: 40_000,
      what: `${host} to be ready`,
    });
  }

  /** Waits until a host says this of itself. */
  async untilHost(
    node: string,
    says: (report: HostReport) => boolean,
    timeoutMs = 40_000,
  ): Promise<HostReport> {
    let last: HostReport | undefined;
    return until(
      async () => {
        // A store that has just come back may refuse a moment longer.
        const status = await this.lab.status().catch((error: unknown) => {
          if (error instanceof DatastoreError && error.retryable) return undefined;
          throw error;
        });
        last = status?.hosts.find((host) => host.node === node);
        return last && says(last) ? last : undefined;
      },
      { timeoutMs, what: `the right status of ${node}` },
    ).catch((error: Error) => {
      throw new Error(`${error.message}; it says ${JSON.stringify(last)}`);
    });
  }

  /** Pushes a change of many endpoints of host-1 and what lets them in: sets, chains and dispatch all change. */
  async pushVariant(variant: number): Promise<string> {
    const documents = Array.from({ length: VARIANT_ENDPOINTS }, (_, index) =>
      manifest('WorkloadEndpoint', `many-${index}`, {
        labels: { half: index % 2 === variant % 2 ? 'a' : 'b' },
        spec: {
          node: 'host-1',
          ipNetworks: [`192.168.100.${index + 1}`, `fd80:24e2:f998:72d6::100:${index + 1}`],
          profiles: variant % 2 === 0 ? ['many'] : ['many', 'web'],
        },
      }),
    );
    const source = { selector: `half == '${variant % 2 === 0 ? 'a' : 'b'}'` };
    const spec = { ingress: [{ action: 'Allow', source }], egress: [{ action: 'Allow' }] };
    const text = [manifest('Profile', 'many', { spec }), ...documents].join('\n---\n');
    await writeFile(join(this.lab.state.workTree, 'many.yaml'), text);
    return this.lab.push(`Variant ${variant}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.traffic[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
  }
}

function manifest(
  kind: string,
  name: string,
  { labels = {}, spec }: { labels?: object; spec: object },
): string {
  return JSON.stringify({ apiVersion: 'heddle/v1', kind, metadata: { name, labels }, spec });
}
