/**
 * A dataplane made of maps, which insists on its contract: what is referred to is there before and stays until
 * after, every message says something new, deltas are exact, and nobody changes a message once it was sent.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AgentSettings } from '../../src/agent/calc/agent-settings.js';
import { ALL_HOSTS_SET } from '../../src/agent/calc/ip-set-definition.js';
import type {
  CompiledRule,
  DataplaneUpdate,
  IpSetId,
  IpSetType,
  LocalEndpoint,
  RuleSet,
} from '../../src/agent/calc/updates.js';
import { type EncapsulationsInUse, isAnyInUse, NO_ENCAPSULATIONS } from '../../src/model/encapsulation.js';
import type { BgpModel } from '../../src/topology/bgp-model.js';
import type { OverlayModel } from '../../src/topology/overlay.js';

/** All that a dataplane knows. Policies are named `tier/name`, everything is sorted. */
export interface DataplaneState {
  readonly settings: AgentSettings | undefined;
  readonly sets: ReadonlyMap<string, { readonly type: IpSetType; readonly members: readonly string[] }>;
  readonly policies: ReadonlyMap<string, RuleSet>;
  readonly profiles: ReadonlyMap<string, { readonly rules: RuleSet; readonly missing: boolean }>;
  readonly endpoints: ReadonlyMap<string, LocalEndpoint>;
  readonly pools: ReadonlyMap<string, boolean>;
  readonly encapsulations: EncapsulationsInUse;
  readonly bgp: { readonly model: BgpModel | undefined } | undefined;
  readonly overlay: OverlayModel | undefined;
}

type MessageAbout<T extends string> = Extract<DataplaneUpdate, { readonly type: `${T}-${string}` }>;

export class DataplaneView {
  #settings: AgentSettings | undefined;
  readonly #sets = new Map<IpSetId, { type: IpSetType; members: Set<string> }>();
  readonly #policies = new Map<string, RuleSet>();
  readonly #profiles = new Map<string, { rules: RuleSet; missing: boolean }>();
  readonly #endpoints = new Map<string, LocalEndpoint>();
  readonly #pools = new Map<string, boolean>();
  #encapsulations = NO_ENCAPSULATIONS;
  #bgp: { readonly model: BgpModel | undefined } | undefined;
  #overlay: OverlayModel | undefined;
  readonly #sent: { readonly message: DataplaneUpdate; readonly copy: DataplaneUpdate }[] = [];

  /** @throws {Error} naming the message that breaks the contract. */
  apply(batch: readonly DataplaneUpdate[]): void {
    const told = new Set<string>();
    for (const message of batch) {
      const object = objectOf(message);
      insist(!told.has(object), message, 'is the second about its object in one batch');
      told.add(object);
      this.#apply(message);
      this.#sent.push({ message, copy: structuredClone(message) });
    }
    for (const { message, copy } of this.#sent)
      insist(isDeepStrictEqual(message, copy), copy, 'was changed after it had been sent');
  }

  get state(): DataplaneState {
    const sets = [...this.#sets].map(
      ([id, { type, members }]) => [id, { type, members: [...members].sort() }] as const,
    );
    return {
      settings: this.#settings,
      sets: sortedByKey(sets),
      policies: sortedByKey(this.#policies),
      profiles: sortedByKey(this.#profiles),
      endpoints: sortedByKey(this.#endpoints),
      pools: sortedByKey(this.#pools),
      encapsulations: this.#encapsulations,
      bgp: this.#bgp,
      overlay: this.#overlay,
    };
  }

  #apply(message: DataplaneUpdate): void {
    switch (message.type) {
      case 'settings-update':
        insist(!isDeepStrictEqual(this.#settings, message.settings), message, 'says nothing new');
        this.#settings = message.settings;
        break;
      case 'ip-set-update':
      case 'ip-set-delta':
      case 'ip-set-remove':
        this.#applySet(message);
        break;
      case 'policy-update':
      case 'policy-remove':
        this.#applyPolicy(message);
        break;
      case 'profile-update':
      case 'profile-remove':
        this.#applyProfile(message);
        break;
      case 'workload-endpoint-update':
      case 'workload-endpoint-remove':
        this.#applyEndpoint(message);
        break;
      case 'pool-update':
        replace(this.#pools, message.cidr, message.masquerade, message);
        break;
      case 'pool-remove':
        remove(this.#pools, message.cidr, message);
        break;
      case 'encapsulation-update':
        insist(!isDeepStrictEqual(this.#encapsulations, message.inUse), message, 'says nothing new');
        insist(!isAnyInUse(message.inUse) || this.#sets.has(ALL_HOSTS_SET.id), message, 'is before its set');
        this.#encapsulations = message.inUse;
        break;
      case 'bgp-update':
        insist(!this.#bgp || !isDeepStrictEqual(this.#bgp.model, message.model), message, 'says nothing new');
        this.#bgp = { model: message.model };
        break;
      case 'overlay-update':
        insist(!isDeepStrictEqual(this.#overlay, message.model), message, 'says nothing new');
        this.#overlay = message.model;
    }
  }

  #applySet(message: MessageAbout<'ip-set'>): void {
    const known = this.#sets.get(message.id);
    if (message.type === 'ip-set-update') {
      const next = { type: message.setType, members: new Set<string>(message.members) };
      replace(this.#sets, message.id, next, message);
    } else if (message.type === 'ip-set-remove') {
      const users = [...this.#policies.values(), ...[...this.#profiles.values()].map(({ rules }) => rules)];
      insist(!users.some((rules) => setsOf(rules).has(message.id)), message, 'is still referred to by rules');
      const isGuard = message.id === ALL_HOSTS_SET.id && isAnyInUse(this.#encapsulations);
      insist(!isGuard, message, 'is still looked into by who may encapsulate');
      remove(this.#sets, message.id, message);
    } else {
      insist(known !== undefined, message, 'changes a set that is not there');
      insist(message.added.length + message.removed.length > 0, message, 'changes nothing');
      for (const member of message.added) {
        insist(!known.members.has(member), message, `adds ${member}, which is there`);
        known.members.add(member);
      }
      for (const member of message.removed)
        insist(known.members.delete(member), message, `removes ${member}, which is not there`);
    }
  }

  #applyPolicy(message: MessageAbout<'policy'>): void {
    const name = `${message.tier}/${message.name}`;
    if (message.type === 'policy-update') {
      this.#needSets(message, message.rules);
      replace(this.#policies, name, message.rules, message);
    } else {
      insist(!this.#endpointsRefer(policiesOf, name), message, 'is still referred to by an endpoint');
      remove(this.#policies, name, message);
    }
  }

  #applyProfile(message: MessageAbout<'profile'>): void {
    if (message.type === 'profile-update') {
      const { name, rules, missing } = message;
      const isEmpty = rules.ingress.length + rules.egress.length === 0;
      insist(!missing || isEmpty, message, 'is missing and has rules');
      this.#needSets(message, rules);
      replace(this.#profiles, name, { rules, missing }, message);
    } else {
      insist(!this.#endpointsRefer(profilesOf, message.name), message, 'is still referred to by an endpoint');
      remove(this.#profiles, message.name, message);
    }
  }

  #applyEndpoint(message: MessageAbout<'workload-endpoint'>): void {
    if (message.type === 'workload-endpoint-update') {
      const { endpoint } = message;
      for (const name of policiesOf(endpoint))
        insist(this.#policies.has(name), message, `refers to the policy ${name}, which is not there`);
      for (const name of profilesOf(endpoint))
        insist(this.#profiles.has(name), message, `refers to the profile ${name}, which is not there`);
      replace(this.#endpoints, endpoint.id, endpoint, message);
    } else remove(this.#endpoints, message.id, message);
  }

  #needSets(message: DataplaneUpdate, rules: RuleSet): void {
    for (const id of setsOf(rules))
      insist(this.#sets.has(id), message, `refers to the set ${id}, which is not there`);
  }

  #endpointsRefer(namesOf: (endpoint: LocalEndpoint) => readonly string[], name: string): boolean {
    return [...this.#endpoints.values()].some((endpoint) => namesOf(endpoint).includes(name));
  }
}

/** Assertions tell maps with another order apart. */
export function sortedByKey<V>(entries: Iterable<readonly [string, V]>): ReadonlyMap<string, V> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function replace<K, V>(map: Map<K, V>, key: K, value: V, message: DataplaneUpdate): void {
  insist(!isDeepStrictEqual(map.get(key), value), message, 'says nothing new');
  map.set(key, value);
}

function remove<K>(map: Map<K, unknown>, key: K, message: DataplaneUpdate): void {
  insist(map.delete(key), message, 'removes what is not there');
}

function policiesOf({ ingress, egress }: LocalEndpoint): readonly string[] {
  return [...ingress.tiers, ...egress.tiers].flatMap(({ name, policies }) =>
    policies.map((policy) => `${name}/${policy}`),
  );
}

function profilesOf({ ingress, egress }: LocalEndpoint): readonly string[] {
  return [...ingress.profiles, ...egress.profiles];
}

function setsOf({ ingress, egress }: RuleSet): ReadonlySet<IpSetId> {
  const ends = (rule: CompiledRule) => [rule.source, rule.destination];
  return new Set([...ingress, ...egress].flatMap(ends).flatMap(({ sets, notSets }) => [...sets, ...notSets]));
}

/** What a message is about. */
function objectOf(message: DataplaneUpdate): string {
  const kind = message.type.replace(/-(update|delta|remove)$/, '');
  switch (message.type) {
    case 'settings-update':
    case 'encapsulation-update':
    case 'bgp-update':
    case 'overlay-update':
      return kind;
    case 'workload-endpoint-update':
      return `${kind} ${message.endpoint.id}`;
    case 'policy-update':
    case 'policy-remove':
      return `${kind} ${message.tier}/${message.name}`;
    case 'profile-update':
    case 'profile-remove':
      return `${kind} ${message.name}`;
    case 'pool-update':
    case 'pool-remove':
      return `${kind} ${message.cidr}`;
    default:
      return `${kind} ${message.id}`;
  }
}

function insist(condition: boolean, message: DataplaneUpdate, complaint: string): asserts condition {
  if (!condition) throw new Error(`${objectOf(message)}: ${message.type} ${complaint}`);
}
