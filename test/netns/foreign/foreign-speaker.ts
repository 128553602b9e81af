/**
 * BGP daemons that are not ours, each at 10.99.0.9 and fd99::9 in a namespace of its own, all with one task: peer with
 * 10.99.0.1 and fd99::1, announce what they are given, and tell what they were told.
 *
 * None of them may touch a kernel: what they believe is asked of them, by the tool that comes with each.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inNamespace } from '../../../src/kernel/namespaces.js';
import type { Namespace } from '../../helpers/netns.js';

export const FOREIGN_AS = 65_100;
export const FOREIGN = { v4: '10.99.0.9', v6: 'fd99::9' } as const;
export const OURS = { v4: '10.99.0.1', v6: 'fd99::1', as: 64_512 } as const;

export interface ForeignSetup {
  readonly namespace: Namespace;
  /** A new folder, for its configuration and sockets. */
  readonly folder: string;
  /** TCP MD5 (RFC 2385), on both sessions. */
  readonly password: string | undefined;
  readonly announces: { readonly v4: readonly string[]; readonly v6: readonly string[] };
}

export interface ForeignSpeaker {
  readonly supportsPassword: boolean;
  /** Writes the configuration and says how the daemon is run in the foreground. */
  prepare(setup: ForeignSetup): Promise<readonly [program: string, ...args: string[]]>;
  /** What cannot stand in the configuration; called until it does not throw. */
  announce?(setup: ForeignSetup): Promise<void>;
  /** Prefixes that it was told of by us, in both families, sorted. */
  heard(setup: ForeignSetup): Promise<readonly string[]>;
}

export interface RunningSpeaker extends AsyncDisposable {
  heard(): Promise<readonly string[]>;
  announce(): Promise<void>;
}

export async function startForeign(
  speaker: ForeignSpeaker,
  given: Omit<ForeignSetup, 'folder'>,
): Promise<RunningSpeaker> {
  const folder = await mkdtemp(join(tmpdir(), `heddle-foreign-${process.pid}-`));
  const setup = { ...given, folder };
  const [enter, ...args] = inNamespace(given.namespace.name, await speaker.prepare(setup));
  // A group of its own: some of them start children that outlive them.
  const child = spawn(enter, args, { stdio: 'ignore', detached: true });
  return {
    heard: () => speaker.heard(setup),
    announce: async () => speaker.announce?.(setup),
    async [Symbol.asyncDispose]() {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

/** The words of a JSON answer that look like a prefix, in both notations, without repeats. */
export function prefixesIn(keys: Iterable<string>): readonly string[] {
  return [...new Set(keys)].filter((key) => /^[0-9a-f:.]+\/\d+$/.test(key)).sort();
}
