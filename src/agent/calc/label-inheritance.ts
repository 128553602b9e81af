/**
 * Gives each endpoint and network set the labels and tags by which selectors and rules know it.
 *
 * Endpoints inherit from their profiles, so a profile whose labels or tags change touches every endpoint that names
 * it, on all hosts; a profile whose rules change touches none. The state of an endpoint plays no part, as in Felix:
 * an inactive one is still who it is, and its own host keeps it quiet.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StoredId } from '../../layout/layout.js';
import { type Cidr, hostCidr } from '../../model/address.js';
import type { ResourceOf } from '../../model/resource.js';
import type { Labels } from '../../model/selector/evaluate.js';
import { endpointLabels, endpointTags } from '../../policy/endpoint-labels.js';
import type { Profile } from '../../policy/policy.js';
import { MultiMap } from './multi-map.js';

export type LabelledResource =
  | ResourceOf<'WorkloadEndpoint'>
  | ResourceOf<'HostEndpoint'>
  | ResourceOf<'GlobalNetworkSet'>;

export interface LabelledItem<R extends LabelledResource = LabelledResource> {
  readonly resource: R;
  /** Own and inherited. */
  readonly labels: Labels;
  readonly tags: ReadonlySet<string>;
  /** What it puts into the sets that pick it, each once. */
  readonly members: readonly Cidr[];
}

export type ItemListener = (id: StoredId, item: LabelledItem | undefined) => void;

export class LabelInheritance {
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #listener: ItemListener;
  readonly #resources = new Map<StoredId, LabelledResource>();
  readonly #idsByProfile = new MultiMap<string, StoredId>();

  constructor(profiles: ReadonlyMap<string, Profile>, listener: ItemListener) {
    this.#profiles = profiles;
    this.#listener = listener;
  }

  onResource(id: StoredId, resource: LabelledResource | undefined): void {
    const known = this.#resources.get(id);
    if (known) for (const profile of profilesOf(known)) this.#idsByProfile.delete(profile, id);
    if (!resource) {
      this.#resources.delete(id);
      this.#listener(id, undefined);
      return;
    }
    for (const profile of profilesOf(resource)) this.#idsByProfile.add(profile, id);
    this.#resources.set(id, resource);
    this.#listener(id, this.#itemOf(resource));
  }

  onProfile(name: string, profile: Profile | undefined, previous: Profile | undefined): void {
    if (isDeepStrictEqual(inheritedFrom(profile), inheritedFrom(previous))) return;
    for (const id of this.#idsByProfile.get(name)) {
      const resource = this.#resources.get(id);
      if (resource) this.#listener(id, this.#itemOf(resource));
    }
  }

  #itemOf(resource: LabelledResource): LabelledItem {
    const profiles = profilesOf(resource).flatMap((name) => this.#profiles.get(name) ?? []);
    return {
      resource,
      labels: endpointLabels(resource.metadata.labels, profiles),
      tags: endpointTags(profiles),
      members: membersOf(resource),
    };
  }
}

function profilesOf(resource: LabelledResource): readonly string[] {
  return resource.kind === 'GlobalNetworkSet' ? [] : (resource.spec.profiles ?? []);
}

function inheritedFrom(profile: Profile | undefined) {
  return { labels: profile?.labels ?? {}, tags: profile?.tags ?? [] };
}

function membersOf(resource: LabelledResource): readonly Cidr[] {
  switch (resource.kind) {
    case 'WorkloadEndpoint':
      return eachOnce(resource.spec.ipNetworks);
    case 'HostEndpoint':
      return eachOnce((resource.spec.expectedIPs ?? []).map(hostCidr));
    case 'GlobalNetworkSet':
      return eachOnce(resource.spec.nets ?? []);
  }
}

/** The list itself where it can be: every endpoint has one. */
function eachOnce(members: readonly Cidr[]): readonly Cidr[] {
  const distinct = members.length < 2 ? undefined : new Set(members);
  return distinct && distinct.size < members.length ? [...distinct] : members;
}
