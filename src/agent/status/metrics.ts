/**
 * Metrics for Prometheus, under Felix's names where Felix has them, so that its dashboards and alerts go on working.
 *
 * One registry per agent; nothing is global. Everything that describes a state is set from the host's facts in one
 * place; only what happens (calculations, applies, programs run) is counted where it happens. Where Felix counts each
 * family by itself, here both are one figure.
 */
import { Counter, Gauge, Registry, Summary } from 'prom-client';
import type { Exec, ExecResult } from '../../kernel/exec.js';
import type { RtNetlink } from '../../kernel/rtnetlink.js';
import type { HostState } from '../../layout/records.js';
import type { BgpStatus } from '../bgp/speaker.js';
import { COUNTS, type CountName } from './counts.js';
import type { HostFacts } from './host-facts.js';
import { hostStatus } from './host-status.js';

export class AgentMetrics {
  readonly #registry = new Registry();
  readonly #counts = new Map<CountName, Gauge>();
  readonly #resyncState = this.#gauge(
    'felix_resync_state',
    '1: waiting for the store, 2: reading it, 3: in sync.',
  );
  readonly #hostState = this.#gauge('heddle_host_state', 'The state of this host is 1, all others 0.', [
    'state',
  ]);
  readonly #commitInfo = this.#gauge(
    'heddle_commit_info',
    'The commit of each source that the kernel was given.',
    ['source', 'commit', 'seq'],
  );
  readonly #bgpSessions = this.#gauge('heddle_bgp_sessions', 'Configured BGP sessions by their state.', [
    'state',
  ]);
  readonly #bgpPeerUp = this.#gauge('heddle_bgp_session_established', '1: the session is up, 0: it is not.', [
    'session',
    'peer',
    'family',
  ]);
  readonly #bgpPeerRoutes = this.#gauge(
    'heddle_bgp_session_routes',
    'Routes that the peer told us and we took (in), and that we told it (out).',
    ['session', 'peer', 'family', 'direction'],
  );
  readonly #calcTime = this.#summary(
    'felix_calc_graph_update_time_seconds',
    'Time that it took to calculate what one batch of changes in the store means for this host.',
  );
  readonly #batchSize = this.#summary(
    'felix_int_dataplane_msg_batch_size',
    'Messages to the dataplane in one batch.',
  );
  readonly #messages = this.#counter('felix_int_dataplane_messages', 'Messages to the dataplane, by type.', [
    'type',
  ]);
  readonly #applyTime = this.#summary(
    'felix_int_dataplane_apply_time_seconds',
    'Time that it took to write one batch of changes to the kernel.',
  );
  readonly #applyFailures = this.#counter(
    'felix_int_dataplane_failures',
    'Objects that could not be written to the kernel; each is tried again.',
  );
  readonly #drift = this.#counter(
    'heddle_dataplane_drift',
    'Objects that were found in the kernel otherwise than they were left; each is put right.',
  );
  readonly #routeListTime = this.#summary(
    'felix_route_table_list_seconds',
    'Time that it took to list the routes of one family.',
  );
  readonly #routeWriteTime = this.#summary(
    'heddle_route_table_write_seconds',
    'Time that it took to write or remove one batch of routes.',
  );
  readonly #execTime = this.#summary('felix_exec_time_micros', 'Time that a program ran, in microseconds.');
  readonly #programs = new Map<string, ProgramCounters>();
  /** In ms, never backwards. */
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  readonly contentType = this.#registry.contentType;

  /** Everything in Prometheus' text format. */
  metrics(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Sets whatever describes the present state. */
  setFacts(facts: HostFacts): void {
    this.#resyncState.set(facts.received ? IN_SYNC : facts.datastoreAway === undefined ? RESYNC : WAITING);
    const { state } = hostStatus(facts);
    for (const name of HOST_STATES) this.#hostState.set({ state: name }, name === state ? 1 : 0);
    this.#commitInfo.reset();
    for (const [source, { commit, seq }] of facts.applied?.heads ?? [])
      this.#commitInfo.set({ source, commit, seq: String(seq) }, 1);
    this.#setSessions(facts.bgp);
    for (const name of Object.keys(COUNTS) as CountName[]) this.#setCount(name, facts.counts[name]);
  }

  /** The calculation graph was flushed: what it put out, by type. */
  observeCalculation(seconds: number, messages: readonly { readonly type: string }[]): void {
    if (messages.length === 0) return;
    this.#calcTime.observe(seconds);
    this.#batchSize.observe(messages.length);
    for (const { type } of messages) this.#messages.inc({ type });
  }

  /** One batch was written to the kernel, or as much of it as could be. */
  observeApply(seconds: number, failures: number, drift: number): void {
    this.#applyTime.observe(seconds);
    this.#applyFailures.inc(failures);
    this.#drift.inc(drift);
  }

  /** An exec that counts what is run through it: iptables-restore, iptables-save and ipset, as Felix counts them. */
  countingExec(exec: Exec): Exec {
    return async (command, args, options) => {
      const counters = this.#countersOf(command);
      counters?.calls.inc();
      counters?.lines?.inc(options?.input?.match(/\n/g)?.length ?? 0);
      const start = this.#now();
      let result: ExecResult | undefined;
      try {
        result = await exec(command, args, options);
        return result;
      } finally {
        this.#execTime.observe((this.#now() - start) * 1_000);
        if (result?.code !== 0) counters?.errors.inc();
      }
    };
  }

  /** The same, with the time that routes take measured. */
  timingRoutes(rtnetlink: RtNetlink): RtNetlink {
    return {
      ...rtnetlink,
      routes: (...what) => this.#timed(this.#routeListTime, () => rtnetlink.routes(...what)),
      apply: (ops) =>
        ops[0]?.object === 'route'
          ? this.#timed(this.#routeWriteTime, () => rtnetlink.apply(ops))
          : rtnetlink.apply(ops),
    };
  }

  async #timed<T>(summary: Summary, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await work();
    } finally {
      summary.observe((this.#now() - start) / 1_000);
    }
  }

  #setSessions({ sessions }: BgpStatus): void {
    this.#bgpSessions.reset();
    this.#bgpSessions.set({ state: 'Established' }, 0);
    this.#bgpPeerUp.reset();
    this.#bgpPeerRoutes.reset();
    for (const { name, peerName, family, state, established, imported, exported } of sessions) {
      const labels = { session: name, peer: peerName, family: String(family) };
      this.#bgpSessions.inc({ state });
      this.#bgpPeerUp.set(labels, established ? 1 : 0);
      this.#bgpPeerRoutes.set({ ...labels, direction: 'in' }, imported);
      this.#bgpPeerRoutes.set({ ...labels, direction: 'out' }, exported);
    }
  }

  #setCount(name: CountName, value: number | undefined): void {
    if (value === undefined) return;
    const { metric, help } = COUNTS[name];
    const gauge = this.#counts.get(name) ?? this.#gauge(metric, help);
    this.#counts.set(name, gauge);
    gauge.set(value);
  }

  #countersOf(command: string): ProgramCounters | undefined {
    const program = PROGRAMS.find(({ matches }) => matches.test(command));
    if (!program) return undefined;
    const { prefix, lines } = program;
    const known = this.#programs.get(prefix);
    if (known) return known;
    const counters: ProgramCounters = {
      calls: this.#counter(`${prefix}_calls`, 'Times the program was run.'),
      errors: this.#counter(`${prefix}_errors`, 'Times it failed, or could not be run.'),
      lines: lines === undefined ? undefined : this.#counter(lines, 'Lines of input given to it.'),
    };
    this.#programs.set(prefix, counters);
    return counters;
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #summary(name: string, help: string): Summary {
    return new Summary({ name, help, percentiles: [0.5, 0.9, 0.99], registers: [this.#registry] });
  }
}

const WAITING = 1;
const RESYNC = 2;
const IN_SYNC = 3;

const HOST_STATES: readonly HostState[] = ['live', 'applying', 'held', 'degraded', 'failed'];

interface ProgramCounters {
  readonly calls: Counter;
  readonly errors: Counter;
  readonly lines: Counter | undefined;
}

/** Programs of either packet filter and either family count as one. */
const PROGRAMS = [
  {
    matches: /^ip6?tables(-nft|-legacy)?-restore$/,
    prefix: 'felix_iptables_restore',
    lines: 'felix_iptables_lines_executed',
  },
  { matches: /^ip6?tables(-nft|-legacy)?-save$/, prefix: 'felix_iptables_save', lines: undefined },
  { matches: /^ipset$/, prefix: 'felix_ipset', lines: 'felix_ipset_lines_executed' },
] as const;
