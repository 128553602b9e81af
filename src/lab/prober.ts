/**
 * Talks to probe agents: one program in each namespace, started on demand, ended with the prober.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inNamespace } from '../kernel/namespaces.js';
import type { Address } from '../model/address.js';
import type { ProbeReply, ProbeRequest } from './probe-agent.js';

export interface Probe {
  /** Namespace from which it is sent. */
  readonly from: string;
  readonly to: Address;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** Absent for icmp. */
  readonly port?: number;
  /** From which address, and port, of the namespace; absent: as the kernel picks. */
  readonly source?: Address;
  readonly sourcePort?: number;
}

/** For what should arrive: more time than a busy machine may need. Silence is believed sooner. */
export const ARRIVAL_TIMEOUT_MS = 8_000;
/** How long silence means that a packet was dropped. */
const DEFAULT_TIMEOUT_MS = 400;

type Unnumbered<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

export class Prober implements AsyncDisposable {
  readonly #agents = new Map<string, Agent>();
  readonly #listening = new Map<string, Promise<string>>();
  readonly #program: readonly [string, ...string[]];

  /** @param program the command line of the probe agent, as run inside a namespace. */
  constructor(program: readonly [string, ...string[]]) {
    this.#program = program;
  }

  /** Makes a namespace answer on a port; asking again changes nothing. */
  async listen(namespace: string, protocol: 'tcp' | 'udp', port: number): Promise<void> {
    const key = `${namespace} ${protocol} ${port}`;
    const listening =
      this.#listening.get(key) ?? this.#agent(namespace).ask({ op: 'listen', protocol, port });
    this.#listening.set(key, listening);
    await listening;
  }

  async probe(probe: Probe, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<'allow' | 'deny'> {
    const { protocol, port = 0, source, sourcePort } = probe;
    const target = { op: 'probe', address: probe.to, timeoutMs, ...(source && { source }) } as const;
    const request =
      protocol === 'icmp'
        ? { ...target, protocol }
        : { ...target, protocol, port, ...(sourcePort !== undefined && { sourcePort }) };
    const result = await this.#agent(probe.from).ask(request);
    return result === 'allow' ? 'allow' : 'deny';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.#agents.clear();
  }

  #agent(namespace: string): Agent {
    let agent = this.#agents.get(namespace);
    if (!agent) {
      agent = new Agent(namespace, this.#program);
      this.#agents.set(namespace, agent);
    }
    return agent;
  }
}

class Agent {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<
    number,
    { resolve: (result: string) => void; reject: (error: Error) => void }
  >();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #failure: Error | undefined;

  constructor(
    readonly namespace: string,
    program: readonly [string, ...string[]],
  ) {
    const [command, ...args] = inNamespace(namespace, program);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const errors: string[] = [];
    this.#child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.#receive(JSON.parse(line) as ProbeReply),
    );
    this.#child.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => errors.push(error.message));
      this.#child.on('close', () => {
        const failure = new Error(`The probe agent in ${namespace} has ended: ${errors.join('').trim()}`);
        this.#failure = failure;
        for (const { reject } of this.#waiting.values()) reject(failure);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  ask(request: Unnumbered<ProbeRequest>): Promise<string> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  #receive(reply: ProbeReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new Error(`${this.namespace}: ${reply.error}`));
    else waiting?.resolve(reply.result);
  }
}
