/**
 * Folds changed pairs into rectangles: everybody of one group may now say the same to everybody of another.
 *
 * Pairs with the same change and the same partners are put together, once by who sends and once by who receives;
 * the way that gives fewer rectangles is the one that people want to read.
 */
import { addBit, BitsetInterner, emptyBitset, membersOf } from '../model/bitset.js';
import type { ConnectionSet } from './classes/connection-sets.js';
import { NO_CONNECTIONS } from './classes/connection-sets.js';

export interface Rectangle {
  /** Positions of classes, ascending. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly connections: ConnectionSet;
}

/** Collects the changes of one kind, gained or lost. */
export class RectangleFolder {
  readonly #classes: number;
  readonly #bySource = new Map<number, Map<ConnectionSet, number[]>>();
  readonly #byDestination = new Map<number, Map<ConnectionSet, number[]>>();

  /** @param classes - how many there are. */
  constructor(classes: number) {
    this.#classes = classes;
  }

  /** Each pair once. */
  add(from: number, to: number, connections: ConnectionSet): void {
    if (connections === NO_CONNECTIONS) return;
    push(this.#bySource, from, connections, to);
    push(this.#byDestination, to, connections, from);
  }

  fold(): readonly Rectangle[] {
    const bySource = foldRows(this.#bySource, this.#classes);
    const byDestination = foldRows(this.#byDestination, this.#classes);
    if (byDestination.length >= bySource.length) return bySource;
    return byDestination.map(({ from, to, connections }) => ({ from: to, to: from, connections }));
  }
}

type Rows = Map<number, Map<ConnectionSet, number[]>>;

function push(rows: Rows, row: number, connections: ConnectionSet, partner: number): void {
  let partners = rows.get(row);
  if (!partners) {
    partners = new Map();
    rows.set(row, partners);
  }
  const list = partners.get(connections);
  if (list) list.push(partner);
  else partners.set(connections, [partner]);
}

/** Puts rows with equal partners together. */
function foldRows(rows: Rows, classes: number): readonly Rectangle[] {
  const interner = new BitsetInterner();
  const byPartners = new Map<string, { from: number[]; to: number; connections: ConnectionSet }>();
  for (const [row, partners] of rows) {
    for (const [connections, list] of partners) {
      const bits = emptyBitset(classes);
      for (const partner of list) addBit(bits, partner);
      const to = interner.intern(bits);
      const key = `${connections} ${to}`;
      const known = byPartners.get(key);
      if (known) known.from.push(row);
      else byPartners.set(key, { from: [row], to, connections });
    }
  }
  return [...byPartners.values()].map(({ from, to, connections }) => ({
    from: from.sort((a, b) => a - b),
    to: membersOf(interner.get(to)),
    connections,
  }));
}
