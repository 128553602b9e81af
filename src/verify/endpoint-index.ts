/**
 * Finds endpoints by what is true of them: a label, a selector, an address.
 *
 * Each label that is asked for is indexed then, once for a network and all that share its endpoints.
 */
import {
  type Address,
  addressBits,
  addressLength,
  addressPart,
  type Cidr,
  familyOf,
  type IpFamily,
  prefixLength,
} from '../model/address.js';
import type { SelectorNode } from '../model/selector/ast.js';
import { labelRestrictions, matchesSelector } from '../model/selector/evaluate.js';
import type { Endpoint } from './network.js';

interface ParsedAddress {
  readonly family: IpFamily;
  readonly bits: bigint;
  readonly endpoint: Endpoint;
}

export class EndpointIndex {
  readonly all: readonly Endpoint[];
  readonly #byKey = new Map<string, ReadonlyMap<string, readonly Endpoint[]>>();
  readonly #families = new Map<IpFamily, EndpointIndex>();
  /** Parsed once: that takes longer than all else. */
  #addresses: readonly ParsedAddress[] | undefined;
  #holders: ReadonlyMap<Address, readonly Endpoint[]> | undefined;

  constructor(endpoints: readonly Endpoint[]) {
    this.all = endpoints;
  }

  /** Those with a label of this value. */
  having(key: string, value: string): readonly Endpoint[] {
    return this.#valuesOf(key).get(value) ?? NOBODY;
  }

  select(selector: SelectorNode): readonly Endpoint[] {
    let candidates = this.all;
    for (const [key, { must, values }] of labelRestrictions(selector)) {
      if (must === 'both') return NOBODY;
      if (must === 'absent' || !values) continue;
      const having = [...values].flatMap((value) => this.having(key, value));
      if (having.length < candidates.length) candidates = having;
    }
    return candidates.filter(({ labels }) => matchesSelector(selector, labels));
  }

  holdersOf(address: Address): readonly Endpoint[] {
    this.#holders ??= groupByAddress(this.all);
    return this.#holders.get(address) ?? NOBODY;
  }

  within(nets: readonly Cidr[]): readonly Endpoint[] {
    if (nets.length === 0) return NOBODY;
    this.#addresses ??= this.all.flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({
        family: familyOf(address),
        bits: addressBits(address),
        endpoint,
      })),
    );
    const found = new Set<Endpoint>();
    for (const net of nets) {
      const family = familyOf(net);
      const shift = BigInt(addressLength(family) - prefixLength(net));
      const wanted = addressBits(addressPart(net)) >> shift;
      for (const { family: own, bits, endpoint } of this.#addresses)
        if (own === family && bits >> shift === wanted) found.add(endpoint);
    }
    return [...found];
  }

  /** The workloads that have an address of an IP version. */
  workloads(family: IpFamily): EndpointIndex {
    let found = this.#families.get(family);
    if (!found) {
      const isOf = ({ kind, addresses }: Endpoint): boolean =>
        kind === 'WorkloadEndpoint' && addresses.some((address) => familyOf(address) === family);
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
    for (const endpoint of this.all) {
      const value = Object.hasOwn(endpoint.labels, key) ? endpoint.labels[key] : undefined;
      if (value === undefined) continue;
      const having = values.get(value);
      if (having) having.push(endpoint);
      else values.set(value, [endpoint]);
    }
    this.#byKey.set(key, values);
    return values;
  }
}

const NOBODY: readonly Endpoint[] = [];

function groupByAddress(endpoints: readonly Endpoint[]): ReadonlyMap<Address, readonly Endpoint[]> {
  const holders = new Map<Address, readonly Endpoint[]>();
  for (const endpoint of endpoints) {
    for (const address of endpoint.addresses) {
      const known = holders.get(address);
      holders.set(address, known ? [...known, endpoint] : [endpoint]);
    }
  }
  return holders;
}
