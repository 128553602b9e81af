/**
 * What the demo shows of the machinery: a routing table, a neighbour entry, BGP sessions, keys in etcd.
 */
import { join } from 'node:path';
import { birdPathsIn } from '../../agent/bgp/bird/bird-paths.js';
import { exec } from '../../kernel/exec.js';
import { type CommandLine, inNamespace, runOrThrow } from '../../kernel/namespaces.js';
import { type LabState, labFolder } from '../../lab/lab-state.js';
import { readRecord } from '../../layout/read-record.js';
import { inventoryCodec } from '../../layout/records.js';
import { familyOf } from '../../model/address.js';
import type { Kind } from '../../model/resource.js';
import type { StoreKey } from '../../model/store.js';
import type { OpenStore } from '../etcd-options.js';
import { formatTable } from '../table.js';

export type Print = (title: string, text: string) => void;

export async function showRoutes(lab: LabState, host: string, print: Print): Promise<void> {
  for (const command of ['ip route', 'ip -6 route']) {
    const routes = await runIn(lab, host, command.split(' ') as [string, ...string[]]);
    // Link-local routes of every veth would bury the ones the story is about.
    const told = routes
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('fe80::') && !line.startsWith('multicast'));
    print(`${host}$ ${command}`, told.join('\n'));
  }
}

/** Where the workload was: whatever a host still knows of its addresses. */
export async function showNoRoutes(lab: LabState, workload: string, print: Print): Promise<void> {
  const addresses = lab.plan.workloads.find(({ name }) => name === workload)?.addresses ?? [];
  const rows: string[][] = [];
  for (const { name } of lab.plan.hosts)
    for (const address of addresses) {
      const args = [...(familyOf(address) === 6 ? ['-6'] : []), 'route', 'show', address];
      const routes = await runIn(lab, name, ['ip', ...args]);
      rows.push([`${name}$ ip ${args.join(' ')}`, routes.trim() || 'nothing']);
    }
  print(`the routes to ${workload}`, formatTable(['', ''], rows).slice(1).join('\n'));
}

/** The gateway of every workload is an address that nobody has: the host answers for it by proxy ARP. */
export async function showNeighbor(lab: LabState, workload: string, print: Print): Promise<void> {
  const neighbors = await runIn(lab, workload, ['ip', 'neigh']);
  print(`${workload}$ ip neigh`, neighbors);
}

export async function showSessions(lab: LabState, host: string, print: Print): Promise<void> {
  const { controlSocket } = birdPathsIn(join(labFolder(lab.plan.name), 'hosts', host, 'bird'));
  const { stdout } = await runOrThrow(exec, ['birdc', '-s', controlSocket, 'show', 'protocols']);
  // As wide as its longest names, which BIRD does not make its columns.
  const [heading = [], ...rows] = stdout
    .split('\n')
    .filter((line) => /^Name|BGP/.test(line))
    .map((line) => line.trim().split(/\s+/));
  print(`${host}$ birdc show protocols`, formatTable(heading, rows).join('\n'));
}

/** Under which name the lab's reconcilers own what they write. */
const SOURCE = 'default';

export async function showKeys(opened: OpenStore, kind: Kind, name: string, print: Print): Promise<void> {
  const { store, layout } = opened;
  const snapshot = await store.snapshot(layout.prefix);
  const record = snapshot.entries.get(layout.keys.inventory(SOURCE, kind, name));
  const written =
    record && readRecord(inventoryCodec, layout.keys.inventory(SOURCE, kind, name), record.value);
  const keys = Object.keys(written?.keys ?? {}) as StoreKey[];
  print(
    `etcd: the keys of ${kind} ${name}`,
    keys
      .map((key) => `${key}\n  ${snapshot.entries.get(key)?.value || '(empty: the key alone says it)'}`)
      .join('\n'),
  );
}

async function runIn(lab: LabState, place: string, command: CommandLine): Promise<string> {
  const found = [...lab.plan.hosts, ...lab.plan.workloads].find(({ name }) => name === place);
  if (!found) throw new Error(`There is no ${place} in lab ${lab.plan.name}`);
  return (await runOrThrow(exec, inNamespace(found.namespace, command))).stdout;
}
