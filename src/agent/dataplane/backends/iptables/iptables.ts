/**
 * The backend iptables: a driver for the sets of a family and one for its tables, which must agree on names.
 *
 * A rule holds the name of a set, and the name changes when the set may not change in place (set-generations.ts).
 * That is decided here, before anything is written, because only here both sides are seen.
 */
import type { ApplyReport, Driver } from '../../driver.js';
import type { ChainKey, HookKey } from '../../intent.js';
import type { Backend, PacketFilter } from '../backend.js';
import { joinViews } from '../desired-views.js';
import { IpSets } from './ip-sets.js';
import { OtherVariant } from './other-variant.js';
import { planSets } from './set-generations.js';
import type { IptablesTable } from './table.js';
import { IptablesTables } from './tables.js';
import { createTools, type IptablesVariant } from './tools.js';

export function iptables(variant: IptablesVariant): Backend {
  return {
    // nf_tables has announcements (nft monitor); the legacy tables are no part of it, and say nothing.
    announcesChanges: variant === 'nft',
    open({ family, exec, pause, lockFile }) {
      const toolOptions = { family, exec, ...(lockFile !== undefined && { lockFile }) };
      const tools = createTools({ variant, ...toolOptions });
      const rules: IptablesTables = new IptablesTables({
        family,
        tools,
        pause,
        setName: (id) => ipSets.nameOf(id),
      });
      const ipSets = new IpSets({
        family,
        tools,
        pause,
        namesInUse: () => new Set(rules.tables.flatMap((table) => [...table.setsInUse()])),
      });
      const strays = new OtherVariant({
        family,
        tools: createTools({ variant: variant === 'nft' ? 'legacy' : 'nft', ...toolOptions }),
        isInForce: () => rules.isHooked,
      });
      return join(family, ipSets, rules, strays);
    },
  };
}

function join(
  family: PacketFilter['family'],
  ipSets: IpSets,
  rules: IptablesTables,
  strays: OtherVariant,
): PacketFilter {
  const { tables } = rules;
  const tableOf = (key: ChainKey | HookKey): IptablesTable => {
    const found = tables.find(({ table }) => key.startsWith(`${table}/`));
    if (!found) throw new RangeError(`No such table: ${key}`);
    return found;
  };
  return {
    family,
    chains: joinViews(
      tables.map(({ chains }) => chains),
      (key) => tableOf(key).chains,
    ),
    hooks: joinViews(
      tables.map(({ hooks }) => hooks),
      (key) => tableOf(key).hooks,
    ),
    ipSets: ipSets.desired,
    drivers: [ipSets, rules, openings(ipSets, rules), strays],
    get inForce() {
      return rules.isHooked;
    },
    async prepare() {
      const refreshed = [await ipSets.refresh(), await rules.refresh()];
      // What could not be read is reported by its driver, which tries again.
      if (refreshed.some((failure) => failure !== undefined)) return;
      ipSets.adopt();
      const changing = [...ipSets.changing()];
      const chains = tables.flatMap((table) => [...table.pendingChains()]);
      ipSets.follow(planSets(changing, chains, rules.usesOf(changing.map(({ id }) => id))));
    },
  };
}

/** Where the tables could not be written the old rules are in force, and nothing is opened for the new ones. */
function openings(ipSets: IpSets, rules: IptablesTables): Driver {
  const nothing: ApplyReport = { changed: 0, failures: [] };
  return {
    name: `${ipSets.name}-openings`,
    queueResync: () => {},
    applyUpdates: async () => (rules.isWritten ? ipSets.applyOpenings() : nothing),
    applyDeletions: async () => nothing,
    // The sets verify themselves.
    verify: async () => [],
  };
}
