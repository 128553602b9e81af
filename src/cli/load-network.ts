/**
 * The network that questions of connectivity are about: a folder of manifests, or with --etcd what the store holds.
 *
 * With it comes who last changed what decides: in a folder that is a git work tree, the commit that last touched the
 * file; in the store, the commit that last changed the object.
 */
import { openFileHistory } from '../loader/sources/file-history.js';
import { type Resource, type ResourceOf, resourceId, resourcesOf } from '../model/resource.js';
import { readAppliedCommits } from '../reconciler/applied-commits.js';
import { networkOfSnapshot } from '../reconciler/stored-network.js';
import { type Considered, deciderOf, type LastChange, type Side } from '../verify/side.js';
import type { Trace } from '../verify/trace.js';
import type { CommonOptions } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { type EtcdOptions, openStore } from './etcd-options.js';
import { type CheckedFolder, loadFolder } from './load-folder.js';
import { createLog } from './log.js';

export interface LoadedNetwork {
  readonly resources: Iterable<Resource>;
  /** Adds to each side who last changed what decided there. */
  withHistory(trace: Trace): Promise<Trace>;
}

/** @throws {CliError} when the manifests have faults, which are printed */
export async function loadNetwork(
  context: CliContext,
  path: string,
  options: CommonOptions & EtcdOptions,
): Promise<LoadedNetwork> {
  if (options.etcd !== undefined) return loadStored(context, options);
  return fromFolder(await loadFolder(context, path, options));
}

/** The tests of a folder, and the network that they are put to. */
export async function loadTests(
  context: CliContext,
  path: string,
  options: CommonOptions & EtcdOptions,
): Promise<LoadedNetwork & { readonly tests: readonly ResourceOf<'ConnectivityTest'>[] }> {
  const folder = await loadFolder(context, path, options);
  const network = options.etcd === undefined ? fromFolder(folder) : await loadStored(context, options);
  return { ...network, tests: resourcesOf(folder.state.values(), 'ConnectivityTest') };
}

function fromFolder({ state, folder }: CheckedFolder): LoadedNetwork {
  const history = openFileHistory(folder);
  return {
    resources: state.values(),
    withHistory: (trace) =>
      annotate(trace, async ({ origin }) => {
        const change = await history?.(origin.file);
        if (!change) return undefined;
        const { commit = null, author = null, time = null, summary = null } = change;
        return { commit, author, time, summary };
      }),
  };
}

/** What the store named by --etcd holds. What agents cannot read, or do not enforce, is named. */
async function loadStored(context: CliContext, options: CommonOptions & EtcdOptions): Promise<LoadedNetwork> {
  await using opened = await openStore(options, createLog(options.logLevel));
  const { store, layout } = opened;
  const { resources, unreadable, commits } = networkOfSnapshot(await store.snapshot(layout.prefix), layout);
  const applied = await readAppliedCommits(store, layout);
  const { yellow } = pickColors(options.color, context);
  for (const { kind, name, problem } of unreadable)
    context.err(`${yellow('as agents take it')} ${kind}/${name}: ${problem}\n`);
  return {
    resources,
    withHistory: (trace) =>
      annotate(trace, async ({ kind, name }) => {
        const commit = commits.get(resourceId(kind, name));
        if (commit === undefined) return undefined;
        const { author = null, time = null, message } = applied.get(commit) ?? {};
        return { commit, author: author || null, time, summary: message?.split('\n')[0] || null };
      }),
  };
}

async function annotate(
  trace: Trace,
  changeOf: (decider: Considered) => Promise<LastChange | undefined>,
): Promise<Trace> {
  const annotated = async (side: Side | null): Promise<Side | null> => {
    const decider = side && deciderOf(side);
    const lastChange = decider && (await changeOf(decider));
    return side && lastChange ? { ...side, lastChange } : side;
  };
  const [egress, ingress] = await Promise.all([annotated(trace.egress), annotated(trace.ingress)]);
  return { ...trace, egress, ingress };
}
