/**
 * Named network namespaces (ip-netns(8)): what the lab and the tests put hosts and workloads into.
 *
 * A namespace is a name below /run/netns. Programs are put into one with nsenter(1), not `ip netns exec`: the
 * latter also makes a private mount namespace with a fresh /sys, where mounts of container runtimes vanish.
 */
import { access } from 'node:fs/promises';
import type { Exec, ExecResult } from './exec.js';

/** A program and its arguments. */
export type CommandLine = readonly [command: string, ...args: string[]];

/** The command line that runs another one inside a namespace. */
export function inNamespace(namespace: string, commandLine: CommandLine): CommandLine {
  return ['nsenter', `--net=${namespacePath(namespace)}`, '--', ...commandLine];
}

export function namespacePath(namespace: string): string {
  return `/run/netns/${namespace}`;
}

export async function namespaceExists(namespace: string): Promise<boolean> {
  return access(namespacePath(namespace)).then(
    () => true,
    () => false,
  );
}

export async function addNamespace(exec: Exec, namespace: string): Promise<void> {
  await runOrThrow(exec, ['ip', 'netns', 'add', namespace]);
  await runOrThrow(exec, ['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
}

/** Deletes the name; the namespace itself goes with the last process and veth end in it. */
export async function deleteNamespace(exec: Exec, namespace: string): Promise<void> {
  if (await namespaceExists(namespace)) await runOrThrow(exec, ['ip', 'netns', 'delete', namespace]);
}

/** Runs many `ip` commands at once (`ip -batch`), inside a namespace. @throws on the first that fails. */
export async function ipBatch(exec: Exec, namespace: string, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  await runOrThrow(exec, ['ip', '-n', namespace, '-batch', '-'], `${commands.join('\n')}\n`);
}

/** Sets sysctls inside a namespace, in order. */
export async function setSysctls(exec: Exec, namespace: string, settings: readonly string[]): Promise<void> {
  if (settings.length > 0) await runOrThrow(exec, inNamespace(namespace, ['sysctl', '-qw', ...settings]));
}

/** Runs a program that must succeed. @throws Error with the program's own words. */
export async function runOrThrow(exec: Exec, commandLine: CommandLine, input?: string): Promise<ExecResult> {
  const [command, ...args] = commandLine;
  const result = await exec(command, args, input === undefined ? {} : { input });
  if (result.code !== 0) {
    const said = (result.stderr || result.stdout).trim();
    throw new Error(`${commandLine.join(' ')} exited with ${result.code}: ${said}`);
  }
  return result;
}
