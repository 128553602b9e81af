/**
 * The sets of one family, kept as managers want them.
 *
 * A set is known by its id; its name in the kernel also says its generation (set-generations.ts). After a restart
 * the generation that rules look into is taken over, so that an unchanged host is not written to. `ipset restore` is
 * not a transaction: when it fails, some lines have been done, so the kernel is read back before anything else.
 * New sets, and what lets less through, are written before the tables; what lets more through is a driver of its own,
 * behind them. A set that a rule still looks into is left until the rule has gone. See ipset(8).
 */
import type { Cidr, IpFamily } from '../../../../model/address.js';
import { DeltaTracker } from '../../../../model/delta-tracker.js';
import type { IpSetId, IpSetType } from '../../../calc/updates.js';
import type { ApplyReport, Driver, DriverFailure, KernelCounts, VerifyScope } from '../../driver.js';
import type { DesiredIpSets } from '../../intent.js';
import { GENERATIONS, type Generation, ipSetName, isOurSet } from './ip-set-names.js';
import {
  destroyLine,
  ipSetInput,
  MAX_ELEMENTS,
  type SetEdit,
  type SetHeader,
  setLines,
} from './ip-set-restore-input.js';
import { parseIpSetSave, type SavedSet } from './ip-set-save-parser.js';
import {
  adoptGeneration,
  type ChangingSet,
  type Half,
  nextGeneration,
  type SetPlan,
} from './set-generations.js';
import { ToolError, type Tools } from './tools.js';
import { WantedSet } from './wanted-set.js';
import { failureOf, type Pause, writeBatch } from './write-batch.js';

export interface IpSetsOptions {
  readonly family: IpFamily;
  readonly tools: Tools;
  readonly pause: Pause;
  /** The names that rules in the kernel look into. */
  readonly namesInUse: () => ReadonlySet<string>;
}

/** With more sets than this, saving each by itself takes longer than saving all. */
const MAX_SAVED_ALONE = 8;

type KernelHeader = Omit<SavedSet, 'members'>;

export class IpSets implements Driver {
  readonly name: string;
  readonly #options: IpSetsOptions;
  readonly #wanted = new Map<IpSetId, WantedSet>();
  /** By name in the kernel. */
  readonly #headers = new DeltaTracker<string, SetHeader, KernelHeader>({ equal: isSameHeader });
  /** Of the last read-back, until every wanted set has its generation. */
  #saved: ReadonlyMap<string, SavedSet> = new Map();
  /** Names of sets written, or destroyed, since they were last read. */
  readonly #written = new Set<string>();
  /** Sets that change in place; others that are in the kernel wait for the next plan. */
  #opening: ReadonlyMap<IpSetId, Half> = new Map();
  #resyncQueued = true;
  /** Sets of others, of this family, when all were read last. */
  #foreign = 0;

  readonly desired: DesiredIpSets = {
    replace: (id, type, members) => this.#replace(id, type, members),
    addMembers: (id, members) => this.#get(id).add(members),
    removeMembers: (id, members) => this.#get(id).remove(members),
    delete: (id) => {
      this.#headers.desired.delete(this.nameOf(id));
      this.#wanted.delete(id);
    },
  };

  constructor(options: IpSetsOptions) {
    this.#options = options;
    this.name = `ipsets-${options.family}`;
  }

  /** The name that rules must use, now. */
  nameOf(id: IpSetId): string {
    return ipSetName(this.#options.family, this.#wanted.get(id)?.generation ?? 0, id);
  }

  queueResync(): void {
    this.#resyncQueued = true;
  }

  counts(): KernelCounts {
    const ipSets = this.#headers.actual.size;
    return { ipSets, allIpSets: ipSets + this.#foreign };
  }

  /** Reads the sets back if that is queued, or if one is wanted again that had not gone yet. */
  async refresh(): Promise<DriverFailure | undefined> {
    try {
      if (this.#resyncQueued || this.#isAnyUnknown()) await this.#readBack();
      return undefined;
    } catch (error) {
      return failureOf(this.name, error);
    }
  }

  /** Settles the generation of sets that have none: what the kernel has is taken over. */
  adopt(): void {
    const { family } = this.#options;
    const unsettled = this.#unsettled();
    if (unsettled.length === 0) return;
    const inUse = this.#options.namesInUse();
    for (const set of unsettled) {
      const generation = adoptGeneration(family, set.id, {
        exists: (name) => this.#headers.actual.has(name),
        isUsed: (name) => inUse.has(name),
      });
      this.#moveTo(set, generation);
      set.noteKernel(this.#saved.get(this.nameOf(set.id))?.members ?? []);
    }
    this.#saved = new Map();
  }

  /** Sets that are in the kernel, but not as they should be. */
  *changing(): IterableIterator<ChangingSet> {
    for (const set of this.#wanted.values()) {
      const { id, inSync } = set;
      const name = this.nameOf(id);
      if (!this.#headers.actual.has(name)) continue;
      if (this.#headers.isPending(name)) yield { id, name, changes: 'type' };
      else if (!inSync) yield { id, name, changes: set.sizes() };
    }
  }

  /** Those to regenerate get a new name, under which they are built from nothing. */
  follow({ regenerate, opening }: SetPlan): void {
    const inPlace = new Map(opening);
    for (const id of regenerate) {
      const generation = nextGeneration(this.#options.family, id, (name) => this.#headers.actual.has(name));
      if (generation === undefined) {
        inPlace.set(id, 'added');
        continue;
      }
      const set = this.#get(id);
      this.#moveTo(set, generation);
      set.startOver();
    }
    this.#opening = inPlace;
  }

  async applyUpdates(): Promise<ApplyReport> {
    const unreadable = await this.refresh();
    if (unreadable) return { changed: 0, failures: [unreadable] };
    this.adopt();
    return this.#write(() => this.#pendingEdits());
  }

  /** What lets more through: when the rules that it is meant for are in force. */
  async applyOpenings(): Promise<ApplyReport> {
    if (this.#opening.size === 0) return { changed: 0, failures: [] };
    const unreadable = await this.refresh();
    return unreadable ? { changed: 0, failures: [unreadable] } : this.#write(() => this.#pendingOpenings());
  }

  async applyDeletions(): Promise<ApplyReport> {
    const unreadable = await this.refresh();
    if (unreadable) return { changed: 0, failures: [unreadable] };
    return writeBatch<string>(
      {
        name: this.name,
        pending: () => this.#pendingDeletions(),
        write: async (names) => {
          await this.#restore(names.map(destroyLine));
          for (const name of names) {
            this.#headers.setActual(name, undefined);
            this.#written.add(name);
          }
        },
        readBack: () => this.#readBack(),
        describe,
      },
      this.#options.pause,
    );
  }

  async verify(scope: VerifyScope = 'everything'): Promise<readonly DriverFailure[]> {
    if (scope === 'everything' || !(await this.#readWritten())) this.queueResync();
    const unreadable = await this.refresh();
    if (unreadable) return [unreadable];
    const missing = [...this.#wanted.keys()].filter((id) => !this.#headers.actual.has(this.nameOf(id)));
    const changing = [...this.changing()].map(({ id }) => id);
    return [
      ...[...missing, ...changing].map((id) => ({
        object: describe(this.nameOf(id)),
        message: 'not as desired',
      })),
      ...[...this.#headers.pendingDeletions()].map(([name]) => ({
        object: describe(name),
        message: 'left over',
      })),
    ];
  }

  takeDrift(): readonly string[] {
    const changed = [...this.#wanted.values()].filter((set) => set.takeDrift());
    const names = new Set([...this.#headers.takeDrift().keys(), ...changed.map(({ id }) => this.nameOf(id))]);
    return [...names].map(describe);
  }

  #write(pending: () => readonly PendingSet[]): Promise<ApplyReport> {
    return writeBatch<PendingSet>(
      {
        name: this.name,
        pending,
        write: async (edits) => {
          await this.#restore(edits.flatMap(setLines));
          for (const edit of edits) this.#noteEdit(edit);
        },
        readBack: () => this.#readBack(),
        describe: ({ name }) => describe(name),
      },
      this.#options.pause,
    );
  }

  #get(id: IpSetId): WantedSet {
    const set = this.#wanted.get(id);
    if (!set) throw new RangeError(`No such IP set: ${id}`);
    return set;
  }

  #replace(id: IpSetId, type: IpSetType, members: Iterable<Cidr>): void {
    const set = this.#wanted.get(id) ?? new WantedSet(id, type);
    set.replace(type, members);
    this.#wanted.set(id, set);
    this.#headers.desired.set(this.nameOf(id), this.#header(set));
  }

  #moveTo(set: WantedSet, generation: Generation): void {
    this.#headers.desired.delete(this.nameOf(set.id));
    set.generation = generation;
    this.#headers.desired.set(this.nameOf(set.id), this.#header(set));
  }

  #header({ type }: WantedSet): SetHeader {
    return { type, family: this.#options.family };
  }

  #isAnyUnknown(): boolean {
    const { family } = this.#options;
    return this.#unsettled().some(({ id }) =>
      GENERATIONS.some((generation) => this.#headers.actual.has(ipSetName(family, generation, id))),
    );
  }

  #unsettled(): readonly WantedSet[] {
    return [...this.#wanted.values()].filter(({ generation }) => generation === undefined);
  }

  async #readBack(): Promise<void> {
    this.#foreign = 0;
    const saved = await this.#save();
    this.#headers.replaceActual([...saved].map(([name, { members: _, ...header }]) => [name, header]));
    for (const set of this.#wanted.values())
      if (set.generation !== undefined) set.noteKernel(saved.get(this.nameOf(set.id))?.members ?? []);
    this.#saved = this.#unsettled().length > 0 ? saved : new Map();
    this.#written.clear();
    this.#resyncQueued = false;
  }

  /** Reads what was written; false when everything has to be read instead. */
  async #readWritten(): Promise<boolean> {
    if (this.#resyncQueued || this.#written.size > MAX_SAVED_ALONE) return false;
    if (this.#written.size === 0) return true;
    try {
      const names = await this.#options.tools.setNames();
      for (const name of this.#written) {
        if (names.has(name) !== this.#headers.actual.has(name)) return false;
        if (names.has(name)) await this.#readSet(name);
      }
      this.#written.clear();
      return true;
    } catch (error) {
      if (error instanceof ToolError) return false;
      throw error;
    }
  }

  async #readSet(name: string): Promise<void> {
    const found = (await this.#save(name)).get(name);
    if (!found) return;
    const { members, ...header } = found;
    this.#headers.setActual(name, header);
    for (const set of this.#wanted.values()) if (this.nameOf(set.id) === name) set.noteKernel(members);
  }

  async #save(name?: string): Promise<ReadonlyMap<string, SavedSet>> {
    const { family, tools } = this.#options;
    return parseIpSetSave(await tools.saveSets(name), (found, setFamily) => {
      const isOurs = isOurSet(found, family, setFamily);
      if (!isOurs && setFamily === family) this.#foreign += 1;
      return isOurs;
    });
  }

  async #restore(lines: readonly string[]): Promise<void> {
    try {
      await this.#options.tools.restoreSets(ipSetInput(lines));
    } catch (error) {
      this.queueResync();
      throw error;
    }
  }

  /** Sets that are to be built, and what closes. */
  #pendingEdits(): readonly PendingSet[] {
    return [...this.#wanted.values()].flatMap((set) => {
      const name = this.nameOf(set.id);
      if (this.#headers.actual.has(name)) return this.#editsInPlace(set, 'closing');
      return [
        { set, name, exists: false, header: this.#header(set), members: set.members(), ...set.changes() },
      ];
    });
  }

  #pendingOpenings(): readonly PendingSet[] {
    return [...this.#opening.keys()].flatMap((id) => {
      const set = this.#wanted.get(id);
      return set && this.#headers.actual.has(this.nameOf(id)) ? this.#editsInPlace(set, 'opening') : [];
    });
  }

  #editsInPlace(set: WantedSet, part: 'opening' | 'closing'): readonly PendingSet[] {
    const opening = this.#opening.get(set.id);
    if (opening === undefined || set.inSync) return [];
    const halves = set.changes();
    const isDue = (half: Half): boolean => (half === opening) === (part === 'opening');
    const added = isDue('added') ? halves.added : [];
    const removed = isDue('removed') ? halves.removed : [];
    if (added.length + removed.length === 0) return [];
    const name = this.nameOf(set.id);
    return [{ set, name, exists: true, header: this.#header(set), members: [], added, removed }];
  }

  #noteEdit(edit: PendingSet): void {
    this.#headers.setActual(edit.name, { ...edit.header, maxElements: MAX_ELEMENTS });
    edit.set.noteWritten(edit);
    this.#written.add(edit.name);
  }

  /** Not those that a rule still looks into: they go when the rule has gone. */
  #pendingDeletions(): readonly string[] {
    const inUse = this.#options.namesInUse();
    return [...this.#headers.pendingDeletions()].map(([name]) => name).filter((name) => !inUse.has(name));
  }
}

interface PendingSet extends SetEdit {
  readonly set: WantedSet;
}

function isSameHeader(desired: SetHeader, actual: KernelHeader): boolean {
  return (
    desired.type === actual.type && desired.family === actual.family && actual.maxElements === MAX_ELEMENTS
  );
}

function describe(name: string): string {
  return `ipset ${name}`;
}
