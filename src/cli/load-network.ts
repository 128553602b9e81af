/**
 * The network that questions of connectivity are about: a folder of manifests, or with --etcd what the store holds.
 */
import type { Layout } from '../layout/layout.js';
import type { Kind, Resource } from '../model/resource.js';
import type { Snapshot } from '../model/store.js';
import { type StoredObject, storedObjects } from '../reconciler/stored-objects.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { type EtcdOptions, openStore } from './etcd-options.js';
import { loadFolder } from './load-folder.js';
import { createLog } from './log.js';

/** What decides who may talk to whom. */
const NETWORK_KINDS: readonly Kind[] = [
  'IPPool',
  'Profile',
  'Tier',
  'GlobalNetworkPolicy',
  'GlobalNetworkSet',
  'WorkloadEndpoint',
  'HostEndpoint',
  'Node',
  'RouteReflector',
  'AgentConfiguration',
];

/** @throws {CliError} when the manifests have faults, which are printed */
export async function loadNetwork(
  context: CliContext,
  path: string,
  options: CommonOptions & EtcdOptions,
): Promise<Iterable<Resource>> {
  if (options.etcd !== undefined) return loadStored(context, options);
  return (await loadFolder(context, path, options)).state.values();
}

/** What the store named by --etcd holds. What cannot be read is named, and left out, as agents do. */
export async function loadStored(
  context: CliContext,
  options: CommonOptions & EtcdOptions,
): Promise<readonly Resource[]> {
  await using opened = await openStore(options, createLog(options.logLevel));
  const objects = readObjects(await opened.store.snapshot(opened.layout.prefix), opened.layout);
  const { yellow } = pickColors(options.color, context);
  for (const { kind, name, problem } of objects)
    if (problem !== undefined)
      context.err(`${yellow('ignored')} ${kind}/${name}, which agents cannot read either: ${problem}\n`);
  return objects.flatMap(toResource);
}

function readObjects(snapshot: Snapshot, layout: Layout): readonly StoredObject[] {
  return NETWORK_KINDS.flatMap((kind) => storedObjects(snapshot, layout, kind));
}

/** Under the name in its manifest, and at its place there. */
function toResource({ resource, name, written }: StoredObject): Resource[] {
  if (!resource) return [];
  const metadata = { ...resource.metadata, name };
  const origin = written ? { file: written.file, line: written.line, col: 1 } : resource.origin;
  return [{ ...resource, metadata, origin } as Resource];
}
