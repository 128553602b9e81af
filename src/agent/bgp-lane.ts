/**
 * BGP beside the dataplane: the speaker works at its own pace, and what came of it is here to be read.
 *
 * A daemon that hangs takes seconds to say nothing. Policy must not wait for that, so the agent's turn leaves here
 * what it wants and goes on. What is asked for meanwhile is done as one; what failed is tried again soon, and the
 * sessions are looked at even when nobody asks, because they come and go without telling us.
 */
import { eitherSignal } from '../model/either-signal.js';
import type { BgpModel } from '../topology/bgp-model.js';
import type { BgpSpeaker, BgpStatus, SpeakerSettings } from './bgp/speaker.js';
import type { DriverFailure } from './dataplane/driver.js';
import type { Clock } from './status/clock.js';

export interface BgpState {
  /** What the daemon could not be given, and what it has other than it was given. */
  readonly failures: readonly DriverFailure[];
  readonly differences: readonly DriverFailure[];
  readonly status: BgpStatus;
}

export interface BgpLaneOptions {
  readonly speaker: BgpSpeaker;
  readonly clock: Clock;
  /** Told whenever the state was looked at anew. */
  readonly onChange: () => void;
}

const IDLE_MS = 2_000;
const RETRY_MS = 1_000;

export class BgpLane {
  readonly #options: BgpLaneOptions;
  #state: BgpState = {
    failures: [],
    differences: [],
    status: { configured: 0, established: 0, sessions: [] },
  };
  #wanted:
    | { readonly model: BgpModel | undefined; readonly settings: SpeakerSettings | undefined }
    | undefined;
  #resync = false;
  #check = false;
  #unconfirmedSince: number | undefined;
  #wake = new AbortController();

  constructor(options: BgpLaneOptions) {
    this.#options = options;
  }

  get state(): BgpState {
    return this.#state;
  }

  /** For how long the daemon has owed its word on what the store says, in ms; 0: it has given it. */
  get unconfirmedMs(): number {
    const since = this.#unconfirmedSince;
    return since === undefined ? 0 : Math.max(1, this.#options.clock.monotonic() - since);
  }

  /** Bring the daemon to this model. */
  want(model: BgpModel | undefined, settings: SpeakerSettings | undefined): void {
    this.#wanted = { model, settings };
    this.#owe();
  }

  /** Compare the daemon with the model, and repair it: by a timer, so a host is as live as before meanwhile. */
  resync(): void {
    this.#resync = true;
    this.#wake.abort();
  }

  /** Compare the daemon with the model, because the store has news that change nothing in it. */
  check(): void {
    this.#check = true;
    this.#owe();
  }

  /** Works until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#turn();
      const waitMs = this.#isWrong ? RETRY_MS : IDLE_MS;
      if (this.#isAsked) continue;
      using either = eitherSignal(signal, this.#wake.signal);
      await clock.pause(waitMs, either.signal);
    }
  }

  async #turn(): Promise<void> {
    const { speaker } = this.#options;
    const [wanted, resync, check] = [this.#wanted, this.#resync || this.#isWrong, this.#check];
    [this.#wanted, this.#resync, this.#check] = [undefined, false, false];
    let { failures, differences } = this.#state;
    if (wanted) failures = (await speaker.apply(wanted.model, wanted.settings)).failures;
    else if (resync) failures = (await speaker.resync()).failures;
    if (wanted || resync || check) differences = failures.length > 0 ? [] : await speaker.verify();
    // A daemon that gave no answer is asked for its sessions all the same, which takes as long again.
    if (failures.length + differences.length > 0) this.#note({ ...this.#state, failures, differences });
    this.#note({ failures, differences, status: await speaker.status() });
  }

  #note(state: BgpState): void {
    this.#state = state;
    const owes = (this.#wanted !== undefined || this.#check) && !this.#isWrong;
    this.#unconfirmedSince = owes ? (this.#unconfirmedSince ?? this.#options.clock.monotonic()) : undefined;
    this.#options.onChange();
  }

  #owe(): void {
    // What is known to be wrong stays said until it is right.
    if (!this.#isWrong) this.#unconfirmedSince ??= this.#options.clock.monotonic();
    this.#wake.abort();
  }

  get #isAsked(): boolean {
    return this.#wanted !== undefined || this.#resync || this.#check;
  }

  get #isWrong(): boolean {
    return this.#state.failures.length + this.#state.differences.length > 0;
  }
}
