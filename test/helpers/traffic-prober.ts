/**
 * Traffic that never stops while a test does its worst: what passed, what did not, and when.
 *
 * A probe is known by its stream and number. It passed at some time between `sentAt` and `passedAt`; a claim about
 * rules that were in force for a while is therefore a claim about that whole span.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inNamespace } from '../../src/kernel/namespaces.js';
import type { LabPlan } from '../../src/lab/lab-plan.js';
import { type Address, familyOf, IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import type { TrafficReport, TrafficRequest } from './traffic-agent.js';
import { until } from './until.js';

/** Two workloads of a lab, by name. */
export type Pair = readonly [from: string, to: string];

export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'udp' | 'tcp' | 'icmp';
  readonly family: IpFamily;
  /** 0 for icmp. */
  readonly port: number;
}

export interface Probe {
  readonly flow: Flow;
  readonly number: number;
  readonly sentAt: number;
  /** Absent: it has not passed, or not yet. */
  readonly passedAt?: number;
}

export interface ProberOptions {
  readonly plan: Pick<LabPlan, 'hosts' | 'workloads'>;
  readonly flows: readonly Flow[];
  /** Between two packets of a flow. */
  readonly everyMs?: number;
}

/** What one flow sent from one namespace; probes by number. */
interface Stream {
  readonly flow: Flow;
  readonly probes: (Probe | undefined)[];
  /** The first number that is not forgotten. */
  first: number;
}

export const PROBE_PORT = 7777;
const AGENT = fileURLToPath(new URL('./traffic-agent.js', import.meta.url));
const EVERY_MS = 20;
/** A claim about no packets at all would be empty. */
const FEWEST = 3;

/** These protocols in both families between these pairs. */
export function flowsBetween(pairs: readonly Pair[], protocols: readonly Flow['protocol'][]): Flow[] {
  return pairs.flatMap(([from, to]) =>
    protocols.flatMap((protocol) =>
      IP_FAMILIES.map((family) => {
        const port = protocol === 'icmp' ? 0 : PROBE_PORT;
        return { from, to, protocol, family, port };
      }),
    ),
  );
}

export class TrafficProber implements AsyncDisposable {
  readonly #options: ProberOptions;
  readonly #agents = new Map<string, TrafficAgent>();
  readonly #streams: Stream[] = [];
  readonly #errors: string[] = [];

  private constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Resolves when every flow has sent something. */
  static async start(options: ProberOptions): Promise<TrafficProber> {
    const prober = new TrafficProber(options);
    const names = [...new Set(options.flows.flatMap(({ from, to }) => [from, to]))];
    await Promise.all(names.map((name) => prober.#listen(name)));
    for (const name of names) prober.#send(name);
    await until(() => prober.#streams.every(({ probes }) => probes.length > 0), { what: 'traffic' });
    return prober;
  }

  /** The clock of the probes, in ms. */
  now(): number {
    return Number(process.hrtime.bigint()) / 1e6;
  }

  /** For a workload whose namespace was made anew: it listens and sends again. */
  async restart(name: string): Promise<void> {
    await this.#agents.get(name)?.close();
    await this.#listen(name);
    this.#send(name);
  }

  /** Probes that were sent at `since` or later; of all pairs, or of one. @throws when traffic could not be made */
  probes(since = 0, pair?: Pair): readonly Probe[] {
    if (this.#errors.length > 0) throw new Error(`The prober failed: ${this.#errors.join('; ')}`);
    return this.#streams
      .filter(({ flow }) => pair === undefined || isOf(flow, pair))
      .flatMap((stream) => sentSince(stream, since));
  }

  /** Drops what was sent before, to keep a long test small. */
  forget(before: number): void {
    for (const stream of this.#streams) {
      const end = firstSince(stream, before);
      stream.probes.fill(undefined, stream.first, end);
      stream.first = end;
    }
  }

  /** Waits until each flow of the pair has had a packet through that was sent from now on. */
  async untilAllowed(pair: Pair, timeoutMs = 10_000): Promise<void> {
    const since = this.now();
    const closed = () => {
      const open = new Set(
        this.probes(since, pair)
          .filter(hasPassed)
          .map(({ flow }) => flow),
      );
      return this.#flowsOf(pair).filter((flow) => !open.has(flow));
    };
    const what = `${pair.join(' to reach ')}`;
    await until(() => closed().length === 0, { what, timeoutMs }).catch((error: Error) => {
      throw new Error(`${error.message}; not open: ${closed().map(describe).join(', ')}`);
    });
  }

  /** Waits until a few packets of each flow of the pair, sent one after the other, have not passed. */
  async untilDenied(pair: Pair, timeoutMs = 10_000): Promise<void> {
    const flows = this.#flowsOf(pair);
    // The last one may be on its way still.
    const isClosed = (flow: Flow) => {
      const latest = this.probes(since, pair).filter((probe) => probe.flow === flow);
      return latest.length > FEWEST && !latest.slice(-FEWEST - 1, -1).some(hasPassed);
    };
    const since = this.now();
    await until(() => flows.every(isClosed), { what: `${pair.join(' not to reach ')}`, timeoutMs });
  }

  /**
   * Claims that no packet of the pair that was sent at `since` or later has passed, and that there were some.
   * @throws {Error} naming those that have
   */
  async assertNeverAllowed(pair: Pair, since = 0): Promise<void> {
    await this.#untilMoreSent(pair);
    const leaks = this.probes(since, pair).filter(hasPassed);
    if (leaks.length > 0) throw new Error(`${leaks.length} packets passed that must not: ${sample(leaks)}`);
  }

  /**
   * Claims that every packet of the pair that was sent at `since` or later has passed, and that there were some.
   * @throws {Error} naming those that have not
   */
  async assertAlwaysAllowed(pair: Pair, since = 0): Promise<void> {
    const before = this.now();
    await this.#untilMoreSent(pair);
    const lost = () =>
      this.probes(since, pair).filter((probe) => probe.sentAt <= before && !hasPassed(probe));
    await until(() => lost().length === 0, { timeoutMs: 2_000 }).catch(() => {
      throw new Error(`${lost().length} packets were lost: ${sample(lost())}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
  }

  #flowsOf(pair: Pair): readonly Flow[] {
    return this.#options.flows.filter((flow) => isOf(flow, pair));
  }

  async #untilMoreSent(pair: Pair): Promise<void> {
    const since = this.now();
    const flows = this.#flowsOf(pair);
    if (flows.length === 0) throw new Error(`Nothing is sent from ${pair.join(' to ')}`);
    const countOf = (flow: Flow) => this.probes(since, pair).filter((probe) => probe.flow === flow).length;
    await until(() => flows.every((flow) => countOf(flow) >= FEWEST), { what: `packets of ${pair}` });
  }

  async #listen(name: string): Promise<void> {
    const agent = new TrafficAgent(this.#namespaceOf(name), (report) => this.#note(report));
    this.#agents.set(name, agent);
    const ports = (protocol: Flow['protocol']) => {
      const flows = this.#options.flows.filter((flow) => flow.to === name && flow.protocol === protocol);
      return [...new Set(flows.map(({ port }) => port))];
    };
    await agent.listen(ports('udp'), ports('tcp'));
  }

  #send(name: string): void {
    const { flows, everyMs = EVERY_MS } = this.#options;
    for (const flow of flows.filter(({ from }) => from === name)) {
      const { to, protocol, family, port } = flow;
      const stream = this.#streams.push({ flow, probes: [], first: 0 }) - 1;
      const address = this.#addressOf(to, family);
      this.#agents.get(name)?.ask({ op: 'send', stream, protocol, address, port, everyMs });
    }
  }

  #note(report: TrafficReport): void {
    if (report.type === 'error') this.#errors.push(report.message);
    if (report.type !== 'sent' && report.type !== 'passed') return;
    const stream = this.#streams[report.stream];
    if (!stream) return;
    const { number, at } = report;
    const known = stream.probes[number];
    // Who received it may be heard before the one who sent it.
    const times = report.type === 'sent' ? { sentAt: Math.min(at, known?.sentAt ?? at) } : { passedAt: at };
    stream.probes[number] = { flow: stream.flow, number, sentAt: at, ...known, ...times };
  }

  #namespaceOf(name: string): string {
    const { workloads, hosts } = this.#options.plan;
    const found = [...workloads, ...hosts].find((place) => place.name === name);
    if (!found) throw new Error(`There is no ${name} in the lab`);
    return found.namespace;
  }

  #addressOf(name: string, family: IpFamily): Address {
    const found = this.#options.plan.workloads.find((workload) => workload.name === name);
    const address = found?.addresses.find((candidate) => familyOf(candidate) === family);
    if (address === undefined) throw new Error(`There is no workload ${name} with IPv${family}`);
    return address;
  }
}

class TrafficAgent {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #onListening: () => void = () => {};

  constructor(namespace: string, onReport: (report: TrafficReport) => void) {
    const [command, ...args] = inNamespace(namespace, [execPath, AGENT]);
    this.#child = spawn(command, args);
    this.#child.stderr.on('data', (chunk: Buffer) => onReport({ type: 'error', message: chunk.toString() }));
    this.#child.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => this.#child.on('close', () => resolve()));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const report = JSON.parse(line) as TrafficReport;
      if (report.type === 'listening') this.#onListening();
      onReport(report);
    });
  }

  listen(udp: readonly number[], tcp: readonly number[]): Promise<void> {
    this.ask({ op: 'listen', udp, tcp });
    return new Promise((resolve) => {
      this.#onListening = resolve;
    });
  }

  ask(request: TrafficRequest): void {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
  }

  close(): Promise<void> {
    this.#child.stdin.end();
    return this.#ended;
  }
}

function isOf(flow: Flow, [from, to]: Pair): boolean {
  return flow.from === from && flow.to === to;
}

export function hasPassed({ passedAt }: Probe): boolean {
  return passedAt !== undefined;
}

function sentSince(stream: Stream, since: number): readonly Probe[] {
  return stream.probes.slice(firstSince(stream, since)).filter((probe) => probe !== undefined);
}

/** Numbers grow with time: what is asked for is mostly at the end. */
function firstSince({ probes, first }: Stream, since: number): number {
  for (let number = probes.length - 1; number >= first; number -= 1) {
    const sentAt = probes[number]?.sentAt;
    if (sentAt !== undefined && sentAt < since) return number + 1;
  }
  return first;
}

function describe({ from, to, protocol, family }: Flow): string {
  return `${from} > ${to} ${protocol} IPv${family}`;
}

function sample(probes: readonly Probe[]): string {
  const shown = probes.slice(0, 5).map(({ flow, number, sentAt, passedAt }) => {
    const arrived = passedAt === undefined ? '' : `, passed ${(passedAt - sentAt).toFixed(1)} ms later`;
    return `${describe(flow)} #${number} at ${sentAt.toFixed(1)}${arrived}`;
  });
  return shown.join('; ') + (probes.length > shown.length ? '; ...' : '');
}
