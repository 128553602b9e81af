/**
 * Desired state that is written down instead of acted upon: what `heddle render` shows, offline.
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

export interface RecordedSet {
  readonly type: IpSetType;
  readonly members: ReadonlySet<Cidr>;
}

export interface RecordedFamily extends DesiredFamily {
  readonly chains: Map<ChainKey, Chain>;
  readonly hooks: Map<HookKey, HookRules>;
  readonly sets: ReadonlyMap<IpSetId, RecordedSet>;
  readonly routes: Map<Cidr, Route>;
  readonly neighbors: Map<string, Neighbor>;
}

export interface RecordedDataplane extends DesiredDataplane {
  readonly families: readonly RecordedFamily[];
  readonly sysctls: Map<SysctlPath, string>;
  readonly tunnels: Map<string, Tunnel>;
  readonly forwarding: Map<string, ForwardingEntry>;
}

/** Empty, to be given to managers. */
export function recordDesired(families: readonly IpFamily[]): RecordedDataplane {
  return {
    families: families.map(recordedFamily),
    sysctls: new Map(),
    tunnels: new Map(),
    forwarding: new Map(),
  };
}

function recordedFamily(family: IpFamily): RecordedFamily {
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
