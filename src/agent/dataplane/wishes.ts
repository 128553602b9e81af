/**
 * Wishes written down instead of acted upon: what `heddle render` shows, offline.
 */
import type { Cidr, IpFamily } from '../../model/address.js';
import type { SysctlPath } from '../../model/sysctl.js';
import type { IpSetId, IpSetType } from '../calc/updates.js';
import type {
  Chain,
  ChainKey,
  DesiredDataplane,
  DesiredFamily,
  DesiredIpSets,
  ForwardingEntry,
  HookKey,
  HookRules,
  Neighbor,
  Route,
  Tunnel,
} from './intent.js';

export interface WishedSet {
  readonly type: IpSetType;
  readonly members: ReadonlySet<Cidr>;
}

export interface WishedFamily extends DesiredFamily {
  readonly chains: Map<ChainKey, Chain>;
  readonly hooks: Map<HookKey, HookRules>;
  readonly sets: ReadonlyMap<IpSetId, WishedSet>;
  readonly routes: Map<Cidr, Route>;
  readonly neighbors: Map<string, Neighbor>;
}

export interface Wishes extends DesiredDataplane {
  readonly families: readonly WishedFamily[];
  readonly sysctls: Map<SysctlPath, string>;
  readonly tunnels: Map<string, Tunnel>;
  readonly forwarding: Map<string, ForwardingEntry>;
}

/** An empty list of wishes, to be given to managers. */
export function recordWishes(families: readonly IpFamily[]): Wishes {
  return {
    families: families.map(wishedFamily),
    sysctls: new Map(),
    tunnels: new Map(),
    forwarding: new Map(),
  };
}

function wishedFamily(family: IpFamily): WishedFamily {
  const sets = new Map<IpSetId, { readonly type: IpSetType; readonly members: Set<Cidr> }>();
  const membersOf = (id: IpSetId): Set<Cidr> => {
    const set = sets.get(id);
    if (!set) throw new RangeError(`No such IP set: ${id}`);
    return set.members;
  };
  const ipSets: DesiredIpSets = {
    replace: (id, type, members) => {
      sets.set(id, { type, members: new Set(members) });
    },
    addMembers: (id, members) => {
      for (const member of members) membersOf(id).add(member);
    },
    removeMembers: (id, members) => {
      for (const member of members) membersOf(id).delete(member);
    },
    delete: (id) => {
      sets.delete(id);
    },
  };
  return {
    family,
    chains: new Map(),
    hooks: new Map(),
    ipSets,
    sets,
    routes: new Map(),
    neighbors: new Map(),
  };
}
