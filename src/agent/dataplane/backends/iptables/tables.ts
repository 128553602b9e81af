/**
 * The tables of one family: written one by one, read back together.
 *
 * iptables-save takes as long for one small table as for all of them, because its nft variant fetches every rule
 * of the family first. So a whole read-back is one call, and it is rare. After a write only the chains that were
 * written are listed; should that fail, or not show them all, everything is read.
 */

import type { IpSetId } from '../../../calc/updates.js';
import type { ApplyReport, Driver, DriverFailure, KernelCounts, VerifyScope } from '../../driver.js';
import { type SetUse, TABLES } from '../../intent.js';
import { NO_USE } from '../../rules/set-uses.js';
import { parseList, parseSave } from './save-parser.js';
import { IptablesTable, type IptablesTableOptions, type WrittenChains } from './table.js';
import { ToolError, type Tools } from './tools.js';
import { failureOf } from './write-batch.js';

export interface IptablesTablesOptions extends Omit<IptablesTableOptions, 'table' | 'restore' | 'readBack'> {
  readonly tools: Tools;
}

/** With more chains than this, listing each takes longer than saving all. */
const MAX_LISTED = 200;
/** Each is a process of its own. */
const MAX_REMOVED = 10;

export class IptablesTables implements Driver {
  readonly name: string;
  readonly tables: readonly IptablesTable[];
  readonly #options: IptablesTablesOptions;
  #resyncQueued = true;
  #isWritten = false;

  constructor(options: IptablesTablesOptions) {
    this.#options = options;
    this.name = `iptables-${options.family}`;
    const restore = (input: string) => this.#restore(input);
    const readBack = () => this.#readBack();
    this.tables = TABLES.map((table) => new IptablesTable({ ...options, table, restore, readBack }));
  }

  queueResync(): void {
    this.#resyncQueued = true;
  }

  /** Reads everything back if that is queued; returns what went wrong. */
  async refresh(): Promise<DriverFailure | undefined> {
    try {
      if (this.#resyncQueued) await this.#readBack();
      return undefined;
    } catch (error) {
      return failureOf(this.name, error);
    }
  }

  /** Whether our jumps are where they should be, as far as we know. */
  get isHooked(): boolean {
    return this.tables.every(({ isHooked }) => isHooked);
  }

  counts(): KernelCounts {
    const tables = this.tables.map((table) => table.counts());
    return {
      iptablesChains: tables.reduce((total, { chains }) => total + chains, 0),
      iptablesRules: tables.reduce((total, { rules }) => total + rules, 0),
    };
  }

  /** Whether the last `applyUpdates` could write every table, single chains aside that the kernel refuses. */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  /** How the rules that are desired look into each of these sets. */
  usesOf(ids: Iterable<IpSetId>): (id: IpSetId) => SetUse {
    const uses = new Map<IpSetId, SetUse>([...ids].map((id) => [id, NO_USE]));
    if (uses.size > 0) for (const table of this.tables) table.addUses(uses);
    return (id) => uses.get(id) ?? NO_USE;
  }

  async applyUpdates(): Promise<ApplyReport> {
    this.#isWritten = false;
    const report = await this.#inEach((table) => table.applyUpdates());
    const wholes = new Set([this.name, ...this.tables.map(({ name }) => name)]);
    this.#isWritten = !report.failures.some(({ object }) => wholes.has(object));
    return report;
  }

  applyDeletions(): Promise<ApplyReport> {
    return this.#inEach((table) => table.applyDeletions());
  }

  async verify(scope: VerifyScope = 'everything'): Promise<readonly DriverFailure[]> {
    if (scope === 'everything' || !(await this.#readWritten())) this.queueResync();
    const unreadable = await this.refresh();
    return unreadable ? [unreadable] : this.tables.flatMap((table) => table.differences());
  }

  takeDrift(): readonly string[] {
    return this.tables.flatMap((table) => table.takeDrift());
  }

  async #inEach(apply: (table: IptablesTable) => Promise<ApplyReport>): Promise<ApplyReport> {
    const unreadable = await this.refresh();
    if (unreadable) return { changed: 0, failures: [unreadable] };
    let changed = 0;
    const failures: DriverFailure[] = [];
    for (const table of this.tables) {
      const report = await apply(table);
      changed += report.changed;
      failures.push(...report.failures);
    }
    return { changed, failures };
  }

  /** What nobody heard the end of may be written: written again, rules would be there twice. */
  async #restore(input: string): Promise<void> {
    try {
      await this.#options.tools.restoreTables(input);
    } catch (error) {
      this.queueResync();
      throw error;
    }
  }

  async #readBack(): Promise<void> {
    this.#resyncQueued = true;
    const saved = parseSave(await this.#options.tools.saveTables());
    for (const table of this.tables) table.noteTable(saved.get(table.table) ?? new Map());
    this.#resyncQueued = false;
  }

  /** False when everything has to be read instead. */
  async #readWritten(): Promise<boolean> {
    if (this.#resyncQueued || this.tables.some(({ written }) => isMuch(written))) return false;
    try {
      for (const table of this.tables) if (!(await this.#readWrittenOf(table))) return false;
      return true;
    } catch (error) {
      if (error instanceof ToolError) return false;
      throw error;
    }
  }

  async #readWrittenOf(table: IptablesTable): Promise<boolean> {
    const { tools } = this.#options;
    const { present, removed } = table.written;
    for (const chain of removed) if (await tools.hasChain(table.table, chain)) return false;
    if (present.size + removed.size === 0) return true;
    const saved = parseList(present.size === 0 ? '' : await tools.listChains(table.table, [...present]));
    if ([...present].some((chain) => !saved.has(chain))) return false;
    table.noteWritten(saved);
    return true;
  }
}

function isMuch({ present, removed }: WrittenChains): boolean {
  return present.size > MAX_LISTED || removed.size > MAX_REMOVED;
}
