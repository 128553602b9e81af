/**
 * What an agent of ours left in the tables of the other variant, when a host has changed from one to the other.
 *
 * The rules of both variants judge every packet, so what stays behind there goes on denying long after its policy
 * has gone. It is removed once our own rules are in force: until then it is all that guards the workloads. Ours is
 * known as everywhere (ownership.ts); rules and chains of others are not touched. A host without the tools of the
 * other variant, or a kernel without its tables, has nothing to sweep. See xtables-nft(8), xtables-legacy(8).
 */
import type { IpFamily } from '../../../../model/address.js';
import type { ApplyReport, Driver, DriverFailure, VerifyScope } from '../../driver.js';
import { TABLES, type Table } from '../../intent.js';
import { sweepInput } from './restore-input.js';
import { parseSave } from './save-parser.js';
import { type KernelTable, kernelTable } from './table-state.js';
import { ToolError, type Tools } from './tools.js';
import { failureOf } from './write-batch.js';

export interface OtherVariantOptions {
  readonly family: IpFamily;
  /** Of the other variant. */
  readonly tools: Tools;
  /** Whether packets meet the rules of our own variant. */
  readonly isInForce: () => boolean;
}

export class OtherVariant implements Driver {
  readonly name: string;
  readonly #options: OtherVariantOptions;
  /** What a look found; undefined: not looked, or it has been swept since. */
  #found: ReadonlyMap<Table, KernelTable> | undefined;

  constructor(options: OtherVariantOptions) {
    this.#options = options;
    this.name = `iptables-${options.family}-other-variant`;
  }

  queueResync(): void {
    this.#found = undefined;
  }

  async applyUpdates(): Promise<ApplyReport> {
    return { changed: 0, failures: [] };
  }

  async applyDeletions(): Promise<ApplyReport> {
    if (!this.#options.isInForce()) return { changed: 0, failures: [] };
    try {
      return { changed: await this.#sweep(), failures: [] };
    } catch (error) {
      this.queueResync();
      return { changed: 0, failures: [failureOf(this.name, error)] };
    }
  }

  async verify(scope: VerifyScope = 'everything'): Promise<readonly DriverFailure[]> {
    if (scope === 'everything') this.queueResync();
    try {
      const found = await this.#look();
      return [...found.values()]
        .flatMap(({ chains, hooks }) => [...chains.keys(), ...hooks.keys()])
        .map((chain) => ({ object: `chain ${chain} of ${this.name}`, message: 'left over' }));
    } catch (error) {
      return [failureOf(this.name, error)];
    }
  }

  /** The number of chains and of chains with rules of ours that were swept. */
  async #sweep(): Promise<number> {
    const found = await this.#look();
    let changed = 0;
    for (const [table, stray] of found) {
      await this.#options.tools.restoreTables(sweepInput(table, stray));
      changed += stray.chains.size + stray.hooks.size;
    }
    this.#found = new Map();
    return changed;
  }

  /** Tables that hold something of ours. @throws {ToolError} */
  async #look(): Promise<ReadonlyMap<Table, KernelTable>> {
    if (!this.#found) {
      const saved = parseSave(await this.#save());
      const tables = TABLES.map((table) => [table, kernelTable(saved.get(table) ?? new Map())] as const);
      this.#found = new Map(tables.filter(([, { chains, hooks }]) => chains.size + hooks.size > 0));
    }
    return this.#found;
  }

  async #save(): Promise<string> {
    try {
      return await this.#options.tools.saveTables();
    } catch (error) {
      // No tool, or a kernel without what it needs: nothing can be there.
      if (error instanceof ToolError && (error.reason === 'missing' || error.reason === 'refused')) return '';
      throw error;
    }
  }
}
