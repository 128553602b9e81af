/**
 * The network that questions of connectivity are about: a folder of manifests, or with --etcd what the store holds.
 */
import type { Resource } from '../model/resource.js';
import { networkOfSnapshot } from '../reconciler/stored-network.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { type EtcdOptions, openStore } from './etcd-options.js';
import { loadFolder } from './load-folder.js';
import { createLog } from './log.js';

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
  const snapshot = await opened.store.snapshot(opened.layout.prefix);
  const { resources, unreadable } = networkOfSnapshot(snapshot, opened.layout);
  const { yellow } = pickColors(options.color, context);
  for (const { kind, name, problem } of unreadable)
    context.err(`${yellow('ignored')} ${kind}/${name}, which agents cannot read either: ${problem}\n`);
  return resources;
}
