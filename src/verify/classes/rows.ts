/**
 * Rows: what a chain says of every peer.
 *
 * All peers start alike, and each rule sets apart those that it is about. Most rules are about few peers, so a row is
 * what holds in general and the exceptions to it. The state of a peer while the chain runs is a number too, and what
 * a rule makes of a state is worked out once.
 */
import { type Bitset, countBits, hasBit, membersOf } from '../../model/bitset.js';
import type { Chain, Step } from './chains.js';
import { type ConnectionSet, type ConnectionSets, NO_CONNECTIONS } from './connection-sets.js';

export interface Row {
  /** What passes to or from a peer that is no exception. */
  readonly general: ConnectionSet;
  /** The exceptions, ascending, and what passes there. */
  readonly peers: Int32Array;
  readonly connections: Int32Array;
}

export function rowAt({ general, peers, connections }: Row, peer: number): ConnectionSet {
  let low = 0;
  let high = peers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((peers[middle] ?? 0) < peer) low = middle + 1;
    else high = middle;
  }
  return peers[low] === peer ? (connections[low] ?? general) : general;
}

/** A set of peers, told by its smaller side. */
interface PeerSet {
  readonly bits: Bitset;
  /** True: the listed peers are those that are not in the set. */
  readonly negated: boolean;
  readonly listed: readonly number[];
}

export class RowBuilder {
  readonly #size: number;
  readonly #peerSetBits: (number: number) => Bitset;
  readonly #peerSets = new Map<number, PeerSet>();
  readonly #states: States;
  /** By peer, of the exceptions so far; -1: none. */
  readonly #exceptions: Int32Array;

  /** @param peerSetBits - the members of a set of peers that chains name by a number. */
  constructor(size: number, sets: ConnectionSets, peerSetBits: (number: number) => Bitset) {
    this.#size = size;
    this.#peerSetBits = peerSetBits;
    this.#states = new States(sets);
    this.#exceptions = new Int32Array(size).fill(-1);
  }

  build(chain: Chain): Row {
    const touched: number[] = [];
    let general = this.#states.start(chain.asked);
    for (const step of chain.steps) {
      const apply = (state: number): number => this.#states.after(state, step);
      const set = step.type === 'rule' ? this.#peerSet(step.peers) : undefined;
      if (set && !set.negated) {
        for (const peer of set.listed) this.#except(peer, apply(this.#stateOf(peer, general)), touched);
        continue;
      }
      for (const peer of set?.listed ?? []) this.#except(peer, this.#stateOf(peer, general), touched);
      general = apply(general);
      for (const peer of touched)
        if (!set || hasBit(set.bits, peer)) this.#exceptions[peer] = apply(this.#exceptions[peer] ?? -1);
    }
    return this.#finish(chain, general, touched);
  }

  #stateOf(peer: number, general: number): number {
    const state = this.#exceptions[peer] ?? -1;
    return state < 0 ? general : state;
  }

  #except(peer: number, state: number, touched: number[]): void {
    if ((this.#exceptions[peer] ?? -1) < 0) touched.push(peer);
    this.#exceptions[peer] = state;
  }

  #finish({ default: otherwise }: Chain, generalState: number, touched: number[]): Row {
    const general = this.#states.result(generalState, otherwise);
    const peers: number[] = [];
    const connections: ConnectionSet[] = [];
    for (const peer of touched.sort((a, b) => a - b)) {
      const allowed = this.#states.result(this.#exceptions[peer] ?? -1, otherwise);
      this.#exceptions[peer] = -1;
      if (allowed === general) continue;
      peers.push(peer);
      connections.push(allowed);
    }
    return { general, peers: Int32Array.from(peers), connections: Int32Array.from(connections) };
  }

  #peerSet(number: number): PeerSet {
    const known = this.#peerSets.get(number);
    if (known) return known;
    const bits = this.#peerSetBits(number);
    const negated = countBits(bits) * 2 > this.#size;
    const listed = membersOf(negated ? bits.map((word) => ~word) : bits).filter((peer) => peer < this.#size);
    const set = { bits, negated, listed };
    this.#peerSets.set(number, set);
    return set;
  }
}

/** What has become of the packets of one peer so far. */
interface State {
  readonly allowed: ConnectionSet;
  /** Not decided yet. */
  readonly open: ConnectionSet;
  /** Not decided in this tier, and not asked any more. */
  readonly passed: ConnectionSet;
}

/** Gives equal states one number. */
class States {
  readonly #sets: ConnectionSets;
  readonly #states: State[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #after = new Map<string, number>();

  constructor(sets: ConnectionSets) {
    this.#sets = sets;
  }

  start(asked: ConnectionSet): number {
    return this.#add({ allowed: NO_CONNECTIONS, open: asked, passed: NO_CONNECTIONS });
  }

  after(number: number, step: Step): number {
    const key =
      step.type === 'rule' ? `${number} ${step.connections} ${step.action}` : `${number} ${step.endOfTier}`;
    const known = this.#after.get(key) ?? this.#add(this.#step(this.#get(number), step));
    this.#after.set(key, known);
    return known;
  }

  result(number: number, otherwise: 'Allow' | 'Deny'): ConnectionSet {
    const { allowed, open } = this.#get(number);
    return otherwise === 'Allow' ? this.#sets.union(allowed, open) : allowed;
  }

  #step(state: State, step: Step): State {
    const sets = this.#sets;
    if (step.type === 'end-of-tier') {
      const open = step.endOfTier === 'Pass' ? sets.union(state.open, state.passed) : state.passed;
      return { ...state, open, passed: NO_CONNECTIONS };
    }
    const hit = sets.common(state.open, step.connections);
    const open = sets.difference(state.open, step.connections);
    switch (step.action) {
      case 'Allow':
        return { ...state, open, allowed: sets.union(state.allowed, hit) };
      case 'Deny':
        return { ...state, open };
      case 'Pass':
        return { ...state, open, passed: sets.union(state.passed, hit) };
    }
  }

  #get(number: number): State {
    const state = this.#states[number];
    if (!state) throw new RangeError(`There is no state ${number}`);
    return state;
  }

  #add(state: State): number {
    const key = `${state.allowed} ${state.open} ${state.passed}`;
    const known = this.#byKey.get(key) ?? this.#states.push(state) - 1;
    this.#byKey.set(key, known);
    return known;
  }
}
