/**
 * One table of one family, kept as managers want it.
 *
 * 1. Between a write and the next read-back, what we wrote is believed to be there: an equal value costs nothing.
 *    Which chains those are is kept, so that they can be read back and no others.
 * 2. One write is one transaction: a packet meets the old chains or the new ones (law 7).
 * 3. A write that fails is tried again after a read-back, as someone else may have written in between.
 * 4. If it still fails, each chain is tried by itself: one that the kernel refuses keeps its old rules, or gets a
 *    drop if it is new, and its neighbours go on (laws 3 and 5).
 * 5. Rules of others stay where they are; ours are put back into their place before or behind them.
 */
import type { IpFamily } from '../../../../model/address.js';
import { DeltaTracker, type DesiredView } from '../../../../model/delta-tracker.js';
import type { IpSetId } from '../../../calc/updates.js';
import type { ApplyReport, DriverFailure } from '../../driver.js';
import {
  type Chain,
  type ChainKey,
  type ChainName,
  chainKey,
  type HookKey,
  type HookRules,
  type SetUse,
  type Table,
} from '../../intent.js';
import { isDispatchChain } from '../../rules/chain-names.js';
import { DROP, rule } from '../../rules/chain-rule.js';
import { mergeUses } from '../../rules/set-uses.js';
import { mapView } from '../desired-views.js';
import { RenderError } from './render.js';
import { closedInput, removalInput, restoreInput, type TableEdit } from './restore-input.js';
import type { SavedTable } from './save-parser.js';
import type { ChangingChain } from './set-generations.js';
import {
  type DesiredChain,
  type DesiredHook,
  isSameChain,
  isSameHook,
  type KernelChain,
  type KernelHook,
  kernelTable,
  placedHook,
  renderChain,
  renderHook,
} from './table-state.js';
import { failureOf, type Pause, writeBatch } from './write-batch.js';

export interface IptablesTableOptions {
  readonly table: Table;
  readonly family: IpFamily;
  readonly pause: Pause;
  /** The kernel's present name of a set. */
  readonly setName: (id: IpSetId) => string;
  /** Hands this to iptables-restore. @throws {ToolError} */
  readonly restore: (input: string) => Promise<void>;
  /** Reads the kernel back and hands it to `noteTable`. @throws {ToolError} */
  readonly readBack: () => Promise<void>;
}

/** Chains written since they were last read. */
export interface WrittenChains {
  /** Of ours or with rules of ours. */
  readonly present: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** iptables-nft takes ever longer for each chain of one transaction: for 10,000 endpoints at once half a minute. */
const NEW_CHAINS_PER_COMMIT = 200;

const NO_SETS: ReadonlySet<string> = new Set();
const ANY_USE: SetUse = { joining: true, leaving: true };

export class IptablesTable {
  readonly name: string;
  readonly table: Table;
  readonly #options: IptablesTableOptions;
  readonly #chains = new DeltaTracker<ChainKey, DesiredChain, KernelChain>({ equal: isSameChain });
  readonly #hooks = new DeltaTracker<HookKey, DesiredHook, KernelHook>({ equal: isSameHook });
  /** Chains with a name in them that no kernel may be given. They drop everything. */
  readonly #unfit = new Map<ChainKey, RenderError>();
  readonly #written = { present: new Set<string>(), removed: new Set<string>() };

  readonly chains: DesiredView<ChainKey, Chain> = mapView(
    this.#chains.desired,
    (key, chain) => this.#render(key, chain),
    ({ chain }) => chain,
  );

  readonly hooks: DesiredView<HookKey, HookRules> = mapView(
    this.#hooks.desired,
    (_, intent) => renderHook(intent, this.#options),
    ({ intent }) => intent,
  );

  constructor(options: IptablesTableOptions) {
    this.#options = options;
    this.table = options.table;
    this.name = `iptables-${options.family}-${options.table}`;
  }

  /** A complete read-back. */
  noteTable(saved: SavedTable): void {
    const { table } = this;
    const { chains, hooks } = kernelTable(saved);
    this.#chains.replaceActual([...chains].map(([name, chain]) => [chainKey({ table, name }), chain]));
    this.#hooks.replaceActual([...hooks].map(([name, hook]) => [this.#hookKey(name), hook]));
    this.#written.present.clear();
    this.#written.removed.clear();
  }

  /** What a read-back found of the chains written. */
  noteWritten(saved: SavedTable): void {
    const { table } = this;
    const { chains, hooks } = kernelTable(saved);
    for (const [name, chain] of chains) this.#chains.setActual(chainKey({ table, name }), chain);
    for (const name of saved.keys())
      if (!chains.has(name as ChainName)) this.#hooks.setActual(this.#hookKey(name), hooks.get(name));
    this.#written.present.clear();
    this.#written.removed.clear();
  }

  get written(): WrittenChains {
    return this.#written;
  }

  /** Whether our jumps are where they should be, as far as we know. */
  get isHooked(): boolean {
    return this.#hooks.inSync;
  }

  /** Chains of ours in the kernel, and rules of ours in whatever chain. */
  counts(): { readonly chains: number; readonly rules: number } {
    let rules = 0;
    for (const { hashes } of this.#chains.actual.values()) rules += hashes.length;
    for (const hook of this.#hooks.actual.values()) rules += hook.rules.filter(({ ours }) => ours).length;
    return { chains: this.#chains.actual.size, rules };
  }

  /** The kernel's names of the sets that its rules look into. */
  setsInUse(): ReadonlySet<string> {
    return new Set([...this.#chains.actual.values()].flatMap(({ setNames }) => [...setNames]));
  }

  *pendingChains(): IterableIterator<ChangingChain> {
    this.#followSets();
    for (const [key, { chain, setNames }] of this.#chains.pendingUpdates()) {
      const actual = this.#chains.actual.get(key);
      const kind = !actual ? 'new' : isDispatchChain(chain.name) ? 'dispatch' : 'rules';
      yield { kind, before: actual?.setNames ?? NO_SETS, after: setNames };
    }
    for (const [, actual] of this.#chains.pendingDeletions())
      yield { kind: 'gone', before: actual.setNames, after: NO_SETS };
  }

  /** Adds how rules that are desired look into these sets. */
  addUses(uses: Map<IpSetId, SetUse>): void {
    for (const [, { chain, setIds }] of this.#chains.desired.entries())
      for (const id of setIds) {
        const known = uses.get(id);
        if (known) uses.set(id, mergeUses(known, chain.setUses?.get(id) ?? ANY_USE));
      }
  }

  async applyUpdates(): Promise<ApplyReport> {
    this.#followSets();
    const { changed, failures } = await writeBatch<TableEdit>(
      {
        name: this.name,
        pending: () => this.#pendingEdits(),
        write: async (edits) => {
          await this.#options.restore(restoreInput(this.table, edits, NEW_CHAINS_PER_COMMIT));
          for (const edit of edits) this.#noteEdit(edit);
        },
        readBack: this.#options.readBack,
        prepareEach: () => this.#closeMissing(),
        describe: (edit) => this.#describe(edit.type === 'chain' ? edit.desired.chain.name : edit.name),
      },
      this.#options.pause,
    );
    return { changed, failures: [...failures, ...this.#unfitFailures()] };
  }

  async applyDeletions(): Promise<ApplyReport> {
    const { restore, pause, readBack } = this.#options;
    return writeBatch<ChainKey>(
      {
        name: this.name,
        pending: () => [...this.#chains.pendingDeletions()].map(([key]) => key),
        write: async (keys) => {
          await restore(removalInput(this.table, keys.map(chainNameOf)));
          for (const key of keys) {
            this.#chains.setActual(key, undefined);
            this.#written.present.delete(afterSlash(key));
            this.#written.removed.add(afterSlash(key));
          }
        },
        readBack,
        describe: (key) => this.#describe(chainNameOf(key)),
      },
      pause,
    );
  }

  /** What is not as desired, as far as we know. */
  differences(): readonly DriverFailure[] {
    this.#followSets();
    const differs = (name: string): DriverFailure => ({
      object: this.#describe(name),
      message: 'not as desired',
    });
    return [
      ...this.#pendingEdits().map((edit) =>
        differs(edit.type === 'chain' ? edit.desired.chain.name : edit.name),
      ),
      ...[...this.#chains.pendingDeletions()].map(([key]) => ({
        object: this.#describe(chainNameOf(key)),
        message: 'left over',
      })),
      ...this.#unfitFailures(),
    ];
  }

  takeDrift(): readonly string[] {
    const names = [...this.#chains.takeDrift().keys(), ...this.#hooks.takeDrift().keys()].map(afterSlash);
    return names.map((name) => this.#describe(name));
  }

  #render(key: ChainKey, chain: Chain): DesiredChain {
    this.#unfit.delete(key);
    try {
      return renderChain(chain, this.#options);
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      this.#unfit.set(key, error);
      const closed = this.table === 'nat' ? [] : [rule([], DROP, 'Cannot be rendered')];
      return renderChain({ ...chain, rules: closed }, this.#options);
    }
  }

  /** Renders anew what looks into a set whose name has changed. */
  #followSets(): void {
    // Most chains look into no set, and there are thousands of them.
    for (const [key, { chain, setIds, setNames }] of this.#chains.desired.entries())
      if (setIds.size > 0 && [...setIds].some((id) => !setNames.has(this.#options.setName(id))))
        this.chains.set(key, chain);
  }

  /** Rules of ours in chains where we want none are removed here: before the chains that they jump to. */
  #pendingEdits(): readonly TableEdit[] {
    return [
      ...[...this.#chains.pendingUpdates()].map(
        ([key, desired]): TableEdit => ({ type: 'chain', desired, actual: this.#chains.actual.get(key) }),
      ),
      ...[...this.#hooks.pendingUpdates()].map(
        ([key, desired]): TableEdit => ({
          type: 'hook',
          name: desired.intent.hook,
          desired,
          actual: this.#hooks.actual.get(key),
        }),
      ),
      ...[...this.#hooks.pendingDeletions()].map(
        ([key, actual]): TableEdit => ({ type: 'hook', name: afterSlash(key), desired: undefined, actual }),
      ),
    ];
  }

  #noteEdit(edit: TableEdit): void {
    const name = edit.type === 'chain' ? edit.desired.chain.name : edit.name;
    this.#written.present.add(name);
    this.#written.removed.delete(name);
    if (edit.type === 'chain') {
      const { hashes, setNames, chain } = edit.desired;
      this.#chains.setActual(chainKey(chain), { hashes, setNames });
    } else {
      const hook = edit.desired && placedHook(edit.desired, edit.actual);
      this.#hooks.setActual(this.#hookKey(edit.name), hook);
    }
  }

  /**
   * Chains may refer to each other, so all must be there before one can be tried. Not those that the kernel jumps
   * to, which nothing else refers to: closed, they would close the host.
   */
  async #closeMissing(): Promise<void> {
    const entrances = this.#entrances();
    const missing = [...this.#chains.pendingUpdates()].filter(([key, { rules, chain }]) => {
      const actual = this.#chains.actual.get(key);
      const isMissing = !actual || (actual.hashes.length === 0 && rules.length > 0);
      return isMissing && !entrances.has(chain.name);
    });
    if (missing.length === 0) return;
    const names = missing.map(([, { chain }]) => chain.name);
    await this.#options.restore(closedInput(this.table, names));
    // The nat table takes no drop, so there they are empty.
    const hashes = this.table === 'nat' ? [] : [undefined];
    for (const [key, { chain }] of missing) {
      this.#chains.setActual(key, { hashes, setNames: NO_SETS });
      this.#written.present.add(chain.name);
    }
  }

  #entrances(): ReadonlySet<ChainName> {
    const verdicts = [...this.#hooks.desired.entries()].flatMap(([, { intent }]) =>
      intent.rules.map(({ verdict }) => verdict),
    );
    return new Set(
      verdicts.flatMap((verdict) =>
        verdict.type === 'jump' || verdict.type === 'goto' ? [verdict.chain] : [],
      ),
    );
  }

  #unfitFailures(): readonly DriverFailure[] {
    return [...this.#unfit]
      .filter(([key]) => this.#chains.desired.has(key))
      .map(([key, error]) => failureOf(this.#describe(chainNameOf(key)), error));
  }

  #hookKey(name: string): HookKey {
    return `${this.table}/${name}` as HookKey;
  }

  #describe(chain: string): string {
    return `chain ${chain} of ${this.name}`;
  }
}

function chainNameOf(key: ChainKey): ChainName {
  return afterSlash(key) as ChainName;
}

function afterSlash(key: ChainKey | HookKey): string {
  return key.slice(key.indexOf('/') + 1);
}
