/**
 * Finds endpoints by what is true of them: a label, a selector, an address.
 *
 * Each label that is asked for is indexed then, once for a network and all that share its endpoints.
 */
import {
  type Address,
  type Cidr,
  cidrContains,
  commonPrefix,
  familyOf,
  type IpFamily,
} from '../model/address.js';
import type { SelectorNode } from '../model/selector/ast.js';
import { labelRestrictions, matchesSelector } from '../model/selector/evaluate.js';
import type { Endpoint } from './network.js';

/** So few are looked at one by one. */
const FEW = 32;

export class EndpointIndex {
  readonly all: readonly Endpoint[];
  readonly #byKey = new Map<string, ReadonlyMap<string, readonly Endpoint[]>>();
  readonly #families = new Map<IpFamily, EndpointIndex>();
  #holders: Holders | undefined;

  constructor(endpoints: readonly Endpoint[]) {
    this.all = endpoints;
  }

  /** Those with a label of this value. */
  having(key: string, value: string): readonly Endpoint[] {
    return this.#valuesOf(key).get(value) ?? NOBODY;
  }

  /**
   * How many have a label of this value: without making an index of it, which takes longer.
   *
   * @param enough - where it is more than that, any number beyond will do.
   */
  count(key: string, value: string, enough = Number.POSITIVE_INFINITY): number {
    const known = this.#byKey.get(key);
    if (known) return known.get(value)?.length ?? 0;
    let found = 0;
    for (let position = 0; position < this.all.length && found <= enough; position += 1) {
      const { labels } = this.all[position] ?? NO_LABELS;
      if (Object.hasOwn(labels, key) && labels[key] === value) found += 1;
    }
    return found;
  }

  select(selector: SelectorNode): readonly Endpoint[] {
    let candidates = this.all;
    for (const [key, { must, values }] of labelRestrictions(selector)) {
      if (must === 'both') return NOBODY;
      if (must === 'absent' || !values || candidates.length <= FEW) continue;
      const having = [...values].flatMap((value) => this.having(key, value));
      if (having.length < candidates.length) candidates = having;
    }
    return candidates.filter(({ labels }) => matchesSelector(selector, labels));
  }

  holdersOf(address: Address): readonly Endpoint[] {
    this.#holders ??= holdersAmong(this.all);
    const { first, others } = this.#holders;
    const holder = first.get(address);
    if (!holder) return NOBODY;
    const more = others.get(address);
    return more ? [holder, ...more] : [holder];
  }

  isHeld(address: Address): boolean {
    this.#holders ??= holdersAmong(this.all);
    return this.#holders.first.has(address);
  }

  within(nets: readonly Cidr[]): readonly Endpoint[] {
    if (nets.length === 0) return NOBODY;
    const found = new Set<Endpoint>();
    for (const net of nets) {
      // Text first: a network of an address is seldom asked for, and numbers are dear.
      const prefix = commonPrefix(net);
      for (let position = 0; position < this.all.length; position += 1) {
        const endpoint = this.all[position];
        for (const address of endpoint?.addresses ?? [])
          if (endpoint && address.startsWith(prefix) && cidrContains(net, address)) found.add(endpoint);
      }
    }
    return [...found];
  }

  /** The workloads that have an address of an IP version. */
  workloads(family: IpFamily): EndpointIndex {
    let found = this.#families.get(family);
    if (!found) {
      const isWanted = (address: Address): boolean => familyOf(address) === family;
      const isOf = ({ kind, addresses }: Endpoint): boolean =>
        kind === 'WorkloadEndpoint' && addresses.some(isWanted);
      const own = this.all.filter(isOf);
      found = own.length === this.all.length ? this : new EndpointIndex(own);
      this.#families.set(family, found);
    }
    return found;
  }

  #valuesOf(key: string): ReadonlyMap<string, readonly Endpoint[]> {
    const known = this.#byKey.get(key);
    if (known) return known;
    const values = new Map<string, Endpoint[]>();
    for (let position = 0; position < this.all.length; position += 1) {
      const endpoint = this.all[position];
      const value = endpoint && Object.hasOwn(endpoint.labels, key) ? endpoint.labels[key] : undefined;
      if (!endpoint || value === undefined) continue;
      const having = values.get(value);
      if (having) having.push(endpoint);
      else values.set(value, [endpoint]);
    }
    this.#byKey.set(key, values);
    return values;
  }
}

const NOBODY: readonly Endpoint[] = [];
const NO_LABELS: Pick<Endpoint, 'labels'> = { labels: {} };

/** Nearly every address has one holder, and lists of one would cost more than all else here. */
interface Holders {
  readonly first: ReadonlyMap<Address, Endpoint>;
  readonly others: ReadonlyMap<Address, readonly Endpoint[]>;
}

function holdersAmong(endpoints: readonly Endpoint[]): Holders {
  const first = new Map<Address, Endpoint>();
  const others = new Map<Address, readonly Endpoint[]>();
  for (let position = 0; position < endpoints.length; position += 1) {
    const endpoint = endpoints[position];
    for (const address of endpoint?.addresses ?? []) {
      if (!endpoint) continue;
      if (first.has(address)) others.set(address, [...(others.get(address) ?? []), endpoint]);
      else first.set(address, endpoint);
    }
  }
  return { first, others };
}
