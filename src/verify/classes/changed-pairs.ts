/**
 * Which classes may say other things to each other in the second network than in the first.
 *
 * Equal chains have equal numbers in both networks, so only classes whose chain changed are looked at, and of their
 * peers only those for which the two rows differ. A change of one policy touches a few pairs among millions.
 */
import type { Direction } from '../../model/rule.js';
import type { ConnectionSet } from './connection-sets.js';
import type { FamilyConnectivity, PointClass } from './family-connectivity.js';
import { type Row, rowAt } from './rows.js';

export interface ChangedPair {
  /** Positions of classes. */
  readonly from: number;
  readonly to: number;
  readonly gained: ConnectionSet;
  readonly lost: ConnectionSet;
}

const BEFORE = 0;
const AFTER = 1;

/** @param connectivity - of two networks. */
export function* changedPairs(connectivity: FamilyConnectivity): Generator<ChangedPair, void> {
  const { classes, sets } = connectivity;
  for (const [from, to] of candidates(connectivity)) {
    const [source, destination] = [classes[from]?.points[0] ?? 0, classes[to]?.points[0] ?? 0];
    const before = connectivity.betweenRemote(BEFORE, source, destination);
    const after = connectivity.betweenRemote(AFTER, source, destination);
    if (before === after) continue;
    yield { from, to, gained: sets.difference(after, before), lost: sets.difference(before, after) };
  }
}

type Pair = readonly [from: number, to: number];

/** Pairs that may differ, each once. */
function* candidates(connectivity: FamilyConnectivity): Generator<Pair, void> {
  const { classes } = connectivity;
  const byPeer = groupByPeer(classes, connectivity.peers);
  const egress = new RowDifferences(connectivity, 'egress');
  const ingress = new RowDifferences(connectivity, 'ingress');
  for (const [from, source] of classes.entries())
    for (const peer of egress.peersOf(source)) for (const to of byPeer[peer] ?? []) yield [from, to];
  for (const [to, destination] of classes.entries())
    for (const peer of ingress.peersOf(destination))
      for (const from of byPeer[peer] ?? [])
        if (!egress.differsAt(classes[from], destination.peer)) yield [from, to];
  yield* markedPairs(classes, egress, ingress);
}

/** Between these a sender may be taken for another, so that rows do not tell. */
function* markedPairs(
  classes: readonly PointClass[],
  egress: RowDifferences,
  ingress: RowDifferences,
): Generator<Pair, void> {
  const marked = [...classes.entries()].filter(([, { isMarked }]) => isMarked);
  for (const [from, source] of marked)
    for (const [to, destination] of marked)
      if (!egress.differsAt(source, destination.peer) && !ingress.differsAt(destination, source.peer))
        yield [from, to];
}

function groupByPeer(classes: readonly PointClass[], peers: number): readonly (readonly number[])[] {
  const groups: number[][] = Array.from({ length: peers }, () => []);
  for (const [index, { peer }] of classes.entries()) groups[peer]?.push(index);
  return groups;
}

/** Where the rows of a class differ between the two networks. */
class RowDifferences {
  readonly #connectivity: FamilyConnectivity;
  readonly #direction: Direction;
  readonly #known = new Map<number, readonly number[]>();

  constructor(connectivity: FamilyConnectivity, direction: Direction) {
    this.#connectivity = connectivity;
    this.#direction = direction;
  }

  peersOf({ chains }: PointClass): readonly number[] {
    const [before, after] = [chains[BEFORE]?.[this.#direction] ?? 0, chains[AFTER]?.[this.#direction] ?? 0];
    if (before === after) return [];
    const key = before * MAX_CHAINS + after;
    const known = this.#known.get(key) ?? this.#compare(before, after);
    this.#known.set(key, known);
    return known;
  }

  differsAt(one: PointClass | undefined, peer: number): boolean {
    const [before, after] = [one?.chains[BEFORE]?.[this.#direction], one?.chains[AFTER]?.[this.#direction]];
    if (before === undefined || after === undefined || before === after) return false;
    return rowAt(this.#connectivity.row(before), peer) !== rowAt(this.#connectivity.row(after), peer);
  }

  #compare(before: number, after: number): readonly number[] {
    const [left, right] = [this.#connectivity.row(before), this.#connectivity.row(after)];
    const peers =
      left.general === right.general
        ? exceptionsOf(left, right)
        : Array.from({ length: this.#connectivity.peers }, (_, peer) => peer);
    return peers.filter((peer) => rowAt(left, peer) !== rowAt(right, peer));
  }
}

const MAX_CHAINS = 2 ** 26;

function exceptionsOf(left: Row, right: Row): readonly number[] {
  return [...new Set([...left.peers, ...right.peers])];
}
