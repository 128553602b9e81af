/**
 * The agent of one host: what the store says, calculated for this host, put into its kernel and its BIRD.
 *
 * One loop. A turn takes everything that has arrived since the last one, flushes the calculation graph, applies
 * the result, reads it back, and reports. Nothing is written before the first whole snapshot (law 3), nothing is
 * removed when the loop ends (law 5), and a turn that failed in part is repeated soon. BGP has a lane of its own
 * (bgp-lane.ts): policy does not wait for a daemon that hangs, while `live` does.
 *
 * Settings that drivers are built with (interface prefix, route protocol, families, intervals) end a run when they
 * change. The next one begins as after a restart: a snapshot, a read-back, a sweep of what is stale.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { Layout, StoredId } from '../layout/layout.js';
import type { Head } from '../layout/records.js';
import { familyOf } from '../model/address.js';
import type { Log } from '../model/log.js';
import type { ResourceOf } from '../model/resource.js';
import { bgpModelFor } from '../topology/bgp.js';
import type { BgpSpeaker } from './bgp/speaker.js';
import { BgpLane } from './bgp-lane.js';
import type { AgentSettings } from './calc/agent-settings.js';
import { type CalcGraph, createCalcGraph } from './calc/calc-graph.js';
import type { DataplaneUpdate } from './calc/updates.js';
import { countObjects, type ObjectCounts } from './count-objects.js';
import type { Dataplane } from './dataplane/dataplane.js';
import type { DriverFailure } from './dataplane/driver.js';
import { Inbox, type Work } from './inbox.js';
import type { Clock } from './status/clock.js';
import type { HostFacts } from './status/host-facts.js';
import { createSyncer } from './syncer/create-syncer.js';
import type { Update } from './syncer/update.js';

export interface AgentOptions {
  readonly node: string;
  readonly store: Datastore;
  readonly layout: Layout;
  readonly speaker: BgpSpeaker;
  /** Looks at the Node of this host and registers its addresses where it has none; says what is wrong with them. */
  readonly checkNode: (node: ResourceOf<'Node'>, workloadPrefix: string) => Promise<readonly DriverFailure[]>;
  /** Says what keeps this host from being the gateway of its IPv4 workloads; asked while it has any. */
  readonly checkGateway: () => Promise<readonly DriverFailure[]>;
  /** Builds the drivers; called once in each run. */
  readonly openDataplane: (settings: AgentSettings, inbox: Inbox, signal: AbortSignal) => Dataplane;
  /** Told of each flush of the calculation graph: how long it took, in seconds, and what it put out. */
  readonly onCalculated: (seconds: number, updates: readonly DataplaneUpdate[]) => void;
  /** Told after every turn. */
  readonly report: (facts: HostFacts, settings: AgentSettings | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The longest rest between two turns, in ms. */
const IDLE_MS = 2_000;
const RETRY_MS = 1_000;
/** A turn that takes longer is reported while it runs; so long, too, a report waits for the BGP daemon's word. */
const SLOW_TURN_MS = 1_000;

/** Everything is read again once an hour, spread over the hosts: etcd before 3.4.31 could lose events. */
const relistMs = () => 3_600_000 * (0.9 + 0.2 * Math.random());

/** Runs until the signal is aborted. @throws what no repetition can heal */
export async function runAgent(options: AgentOptions): Promise<void> {
  while (!options.signal.aborted) {
    const run = new AbortController();
    try {
      await new AgentRun(options, AbortSignal.any([options.signal, run.signal])).run();
    } finally {
      run.abort();
    }
  }
}

class AgentRun {
  readonly #options: AgentOptions;
  readonly #signal: AbortSignal;
  readonly #inbox = new Inbox();
  readonly #graph: CalcGraph;
  readonly #counts: ObjectCounts = countObjects();
  readonly #bgp: BgpLane;
  #facts: HostFacts;
  #heads: ReadonlyMap<string, Head> = new Map();
  #settings: AgentSettings | undefined;
  /** This host's own, and whether it has been looked at since it changed. */
  #node: { readonly resource: ResourceOf<'Node'>; readonly checked: boolean } | undefined;
  #nodeProblems: readonly DriverFailure[] = [];
  readonly #ipv4Endpoints = new Set<StoredId>();
  #needsGateway = false;
  #gatewayProblems: readonly DriverFailure[] = [];
  #dataplane: Dataplane | undefined;
  /** When what is at odds is tried again, by the monotonic clock. */
  #retryAt = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: AgentOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#graph = createCalcGraph({ node: options.node, computeBgp: bgpModelFor });
    const { speaker, clock } = options;
    this.#bgp = new BgpLane({ speaker, clock, onChange: () => this.#inbox.requestReport() });
    this.#facts = {
      node: options.node,
      datastoreAway: undefined,
      received: undefined,
      applied: undefined,
      failures: [],
      verified: undefined,
      unenforced: [],
      bgp: this.#bgp.state.status,
      bgpUnconfirmed: false,
      counts: {},
    };
  }

  /** Returns when the settings ask for other drivers, or the signal is aborted. */
  async run(): Promise<void> {
    const reading = this.#readStore().catch((error: unknown) => this.#fail(error));
    // Not waited for at the end: a daemon that hangs would hold up whoever stops the agent.
    void this.#bgp.run(this.#signal).catch((error: unknown) => this.#fail(error));
    try {
      while (!this.#signal.aborted) {
        const work = await this.#inbox.take(this.#restMs(), this.#signal);
        if (this.#failure) throw this.#failure.error;
        if (this.#signal.aborted) break;
        if ((await this.#turn(work)) === 'other-drivers') return;
      }
      await reading;
    } finally {
      this.#inbox.close();
    }
  }

  /** What runs beside the loop ends it, with its own error. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#inbox.requestReport();
  }

  /** How long to wait for something to do. */
  #restMs(): number {
    if (this.#isAtOdds() && this.#facts.received?.ready)
      return Math.max(0, this.#retryAt - this.#options.clock.monotonic());
    return this.#bgp.unconfirmedMs > 0 ? SLOW_TURN_MS : IDLE_MS;
  }

  /** Something could not be written, or was found to be otherwise: the next turn reads back and tries again. */
  #isAtOdds(): boolean {
    const { failures, verified } = this.#facts;
    return failures.length > 0 || (verified?.differences.length ?? 0) > 0;
  }

  async #readStore(): Promise<void> {
    const { store, layout, log } = this.#options;
    for await (const message of createSyncer(store, layout, { signal: this.#signal, relistMs })) {
      if (message.type === 'batch') this.#inbox.addBatch(message);
      else if (message.type === 'interrupted') {
        log.warn('store is away', { reason: message.reason });
        this.#inbox.setStoreAway(message.reason);
      } else {
        log.info('store is back');
        this.#inbox.setStoreAway(undefined);
      }
    }
  }

  async #turn(work: Work): Promise<'other-drivers' | 'done'> {
    const start = this.#options.clock.monotonic();
    this.#learn(work);
    const { received } = this.#facts;
    if (!received?.ready) {
      this.#report();
      return 'done';
    }
    const slow = setTimeout(() => this.#report(), SLOW_TURN_MS);
    try {
      const updates = this.#graph.flush();
      this.#options.onCalculated((this.#options.clock.monotonic() - start) / 1_000, updates);
      for (const update of updates) {
        this.#counts.onDataplaneUpdate(update);
        this.#noteEndpoint(update);
      }
      const dataplane = this.#dataplaneFor(updates);
      if (dataplane === 'other-drivers') return dataplane;
      if (!this.#isIdle(updates, work)) await this.#program(dataplane, updates, work);
    } finally {
      clearTimeout(slow);
    }
    const { unconfirmedMs } = this.#bgp;
    if (unconfirmedMs === 0 || unconfirmedMs >= SLOW_TURN_MS) this.#report();
    return 'done';
  }

  /** Takes in what the store says; nothing is calculated for the kernel yet. */
  #learn({ batches, storeAway }: Work): void {
    for (const { updates } of batches) {
      for (const update of updates) {
        this.#graph.onUpdate(update);
        this.#counts.onUpdate(update);
        this.#noteNode(update);
      }
    }
    const last = batches.at(-1);
    const received = last ? { revision: last.revision, ready: last.ready } : this.#facts.received;
    this.#facts = { ...this.#facts, datastoreAway: storeAway, received };
    if (last) this.#heads = last.heads;
  }

  #isIdle(updates: readonly DataplaneUpdate[], { resync, repair }: Work): boolean {
    const { applied, received } = this.#facts;
    const isUnchanged = updates.length === 0 && applied?.revision === received?.revision;
    const isDue = this.#isAtOdds() && this.#options.clock.monotonic() >= this.#retryAt;
    return isUnchanged && !resync && !repair && !isDue;
  }

  /** Opens the dataplane for the first settings; later ones may ask for other drivers than it has. */
  #dataplaneFor(updates: readonly DataplaneUpdate[]): Dataplane | 'other-drivers' {
    const update = updates.find((one) => one.type === 'settings-update');
    if (update?.type === 'settings-update') {
      const before = this.#settings;
      this.#settings = update.settings;
      if (before && !sameDrivers(before, update.settings)) return 'other-drivers';
      this.#dataplane ??= this.#options.openDataplane(update.settings, this.#inbox, this.#signal);
    }
    if (!this.#dataplane) throw new Error('The calculation graph put out no settings with its first flush');
    return this.#dataplane;
  }

  async #program(dataplane: Dataplane, updates: readonly DataplaneUpdate[], work: Work): Promise<void> {
    const revision = this.#facts.received?.revision;
    const heads = this.#heads;
    const differed = (this.#facts.verified?.differences.length ?? 0) > 0;
    if (work.resync || differed) dataplane.resync();
    const { failures, impossible, waiting } = await dataplane.apply(updates);
    this.#askBgp(updates, work.resync);
    this.#retryAt = this.#options.clock.monotonic() + RETRY_MS;
    // After the dataplane, and never while the store would not answer: policy does not wait for it.
    if (work.storeAway === undefined) await this.#checkNode(work.resync);
    await this.#checkGateway(work.resync);
    const at = this.#options.clock.now();
    const differences = failures.length > 0 ? [] : await dataplane.verify('changed');
    if (revision === undefined) return;
    this.#facts = {
      ...this.#facts,
      applied: { revision, heads },
      failures,
      verified: failures.length > 0 ? this.#facts.verified : { revision, at, differences },
      unenforced: [...impossible, ...this.#unenforced()],
      counts: { ...this.#counts.all(), ...dataplane.counts(), waiting: waiting.length },
    };
  }

  /** What the store holds and this host does not do, or does not know itself by. */
  #unenforced(): readonly DriverFailure[] {
    const { node } = this.#options;
    const objects = [...this.#graph.problems()].map(([object, message]) => ({ object, message }));
    const problems = [...objects, ...this.#nodeProblems, ...this.#gatewayProblems];
    if (this.#counts.hasHost(node)) return problems;
    const message =
      'is not in the store, so this host has nothing to do: add it to the repository, or correct --node';
    return [{ object: `Node ${node}`, message }, ...problems];
  }

  #noteNode({ kind, resource }: Update): void {
    if (kind !== 'Node') return;
    // An object that goes brings no name along.
    const isOurs = resource?.kind === 'Node' && resource.metadata.name === this.#options.node;
    if (isOurs) this.#node = { resource, checked: false };
    else if (!this.#counts.hasHost(this.#options.node)) this.#node = undefined;
  }

  /** At each resync, and with the first endpoint that needs it: it reads all routes of the host. */
  async #checkGateway(again: boolean): Promise<void> {
    const isNeeded = this.#ipv4Endpoints.size > 0;
    if (isNeeded === this.#needsGateway && !again) return;
    this.#needsGateway = isNeeded;
    this.#gatewayProblems = isNeeded ? await this.#options.checkGateway() : [];
  }

  #noteEndpoint(update: DataplaneUpdate): void {
    if (update.type === 'workload-endpoint-remove') this.#ipv4Endpoints.delete(update.id);
    if (update.type !== 'workload-endpoint-update') return;
    const { id, active, addresses } = update.endpoint;
    if (active && addresses.some((address) => familyOf(address) === 4)) this.#ipv4Endpoints.add(id);
    else this.#ipv4Endpoints.delete(id);
  }

  async #checkNode(again: boolean): Promise<void> {
    if (!this.#node) this.#nodeProblems = [];
    if (!this.#node || (this.#node.checked && !again)) return;
    const { resource } = this.#node;
    this.#node = { resource, checked: true };
    const prefix = this.#settings?.interfacePrefix ?? '';
    this.#nodeProblems = await this.#options.checkNode(resource, prefix);
  }

  #askBgp(updates: readonly DataplaneUpdate[], resync: boolean): void {
    const update = updates.findLast((one) => one.type === 'bgp-update');
    if (update?.type === 'bgp-update') this.#bgp.want(update.model, this.#settings);
    else if (resync) this.#bgp.resync();
    else this.#bgp.check();
  }

  #report(): void {
    const { failures, verified } = this.#facts;
    const bgp = this.#bgp.state;
    const facts: HostFacts = {
      ...this.#facts,
      failures: [...failures, ...bgp.failures],
      verified: verified && { ...verified, differences: [...verified.differences, ...bgp.differences] },
      bgp: bgp.status,
      bgpUnconfirmed: this.#bgp.unconfirmedMs > 0,
    };
    this.#options.report(facts, this.#settings);
  }
}

/** The settings that drivers are built with. */
function sameDrivers(a: AgentSettings, b: AgentSettings): boolean {
  return (
    a.interfacePrefix === b.interfacePrefix &&
    a.deviceRouteProtocol === b.deviceRouteProtocol &&
    a.ipv6Support === b.ipv6Support &&
    a.iptablesRefreshMs === b.iptablesRefreshMs &&
    a.ipsetsRefreshMs === b.ipsetsRefreshMs &&
    a.routeRefreshMs === b.routeRefreshMs
  );
}
