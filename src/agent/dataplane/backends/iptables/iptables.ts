/**
 * The backend iptables: a driver for the sets of a family and one for each table, which must agree on names.
 *
 * A rule holds the name of a set, and the name changes when the set may not change in place (set-generations.ts).
 * That is decided here, before anything is written, because only here both sides are seen.
 */
import { type ChainKey, type HookKey, TABLES } from '../../intent.js';
import type { Backend, PacketFilter } from '../backend.js';
import { joinViews } from '../desired-views.js';
import { IpSets } from './ip-sets.js';
import { setsToRegenerate } from './set-generations.js';
import { IptablesTable } from './table.js';
import { createTools, type IptablesVariant } from './tools.js';

export function iptables(variant: IptablesVariant): Backend {
  return ({ family, exec, pause, lockFile }) => {
    const tools = createTools({ family, variant, exec, ...(lockFile !== undefined && { lockFile }) });
    const tables: readonly IptablesTable[] = TABLES.map(
      (table) => new IptablesTable({ table, family, tools, pause, setName: (id) => ipSets.nameOf(id) }),
    );
    const ipSets = new IpSets({
      family,
      tools,
      pause,
      namesInUse: () => new Set(tables.flatMap((table) => [...table.setsInUse()])),
    });
    return join(family, ipSets, tables);
  };
}

function join(
  family: PacketFilter['family'],
  ipSets: IpSets,
  tables: readonly IptablesTable[],
): PacketFilter {
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
    drivers: [ipSets, ...tables],
    get inForce() {
      return tables.every(({ isHooked }) => isHooked);
    },
    async prepare() {
      const refreshed = [await ipSets.refresh()];
      for (const table of tables) refreshed.push(await table.refresh());
      // What could not be read is reported by its driver, which tries again.
      if (refreshed.some((failure) => failure !== undefined)) return;
      ipSets.adopt();
      const chains = tables.flatMap((table) => [...table.pendingChains()]);
      ipSets.regenerate(setsToRegenerate(ipSets.changing(), chains));
    },
  };
}
