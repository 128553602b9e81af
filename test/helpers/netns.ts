/**
 * Network namespaces for tests on the real kernel.
 *
 * A whole ava process runs inside a private namespace (`unshare --net`, from the npm script), so that code under
 * test, its sockets and its /proc/sys/net see a network of their own: Node cannot enter a namespace by itself.
 * Further namespaces, for containers and other hosts, are named ones below /run/netns, with the process id in
 * their name. All of them go when their scope ends.
 */
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { type ExecOptions, type ExecResult, exec } from '../../src/kernel/exec.js';
import { inNamespace } from '../../src/kernel/namespaces.js';

let counter = 0;

/** A name that no other run and no other call has: at most 15 characters, so that it also fits an interface. */
export function uniqueName(prefix: string): string {
  counter += 1;
  return `${prefix}${process.pid.toString(36)}-${counter.toString(36)}`;
}

/** Call first in every file below test/netns. @throws when this process is in the machine's own namespace. */
export function requirePrivateNetns(): void {
  const own = readlinkSync('/proc/self/ns/net');
  if (ancestorNamespaces().every((namespace) => namespace === own))
    throw new Error(
      `Tests on the real kernel need a network namespace of their own, and this process is in ${own}, the ` +
        'machine\'s. Run them with "npm run netns", or under "unshare --net" as root.',
    );
  takeOwnXtablesLock();
}

/** iptables-legacy gives up when somebody has its lock, which is the machine's and not that of a namespace. */
function takeOwnXtablesLock(): void {
  const file = `/run/heddle-netns-${process.pid}.lock`;
  process.env.XTABLES_LOCKFILE = file;
  process.once('exit', () => rmSync(file, { force: true }));
}

/** Network namespaces of the processes above this one; sandboxes hide that of process 1. */
function ancestorNamespaces(): readonly string[] {
  const namespaces: string[] = [];
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) {
    try {
      namespaces.push(readlinkSync(`/proc/${pid}/ns/net`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    }
  }
  return namespaces;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** Runs a program in this process's namespace and returns what it printed. @throws when it exits non-zero. */
export async function run(command: string, args: readonly string[], options?: ExecOptions): Promise<string> {
  const result = await exec(command, args, options);
  if (result.code !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${result.code}: ${result.stderr.trim()}`);
  return result.stdout;
}

/** `ip` in this process's namespace, from one line of words without quoting: `ip('link set lo up')`. */
export function ip(words: string): Promise<string> {
  return run('ip', words.split(' '));
}

export function bringUpLoopback(): Promise<string> {
  return ip('link set lo up');
}

export interface Namespace extends AsyncDisposable {
  readonly name: string;
  /** Runs a program in it; a non-zero exit is a result. */
  exec(command: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Runs a program in it and returns what it printed. @throws when it exits non-zero. */
  run(command: string, args: readonly string[], options?: ExecOptions): Promise<string>;
  /** `ip` in it, from one line of words. */
  ip(words: string): Promise<string>;
}

/** Makes an empty namespace, its loopback up. */
export async function createNamespace(prefix = 'ht'): Promise<Namespace> {
  const name = uniqueName(prefix);
  await ip(`netns add ${name}`);
  const namespace: Namespace = {
    name,
    exec(command, args, options) {
      const [enter, ...rest] = inNamespace(name, [command, ...args]);
      return exec(enter, rest, options);
    },
    run(command, args, options) {
      const [enter, ...rest] = inNamespace(name, [command, ...args]);
      return run(enter, rest, options);
    },
    ip: (words) => ip(`-n ${name} ${words}`),
    async [Symbol.asyncDispose]() {
      await ip(`netns delete ${name}`);
    },
  };
  await namespace.ip('link set lo up');
  return namespace;
}

export interface Veth extends AsyncDisposable {
  /** The end in this process's namespace. */
  readonly name: string;
  /** The other end: in `peerNamespace` if one was given. */
  readonly peer: string;
}

export interface VethOptions {
  /** Default: a unique name. */
  readonly name?: string;
  readonly peer?: string;
  readonly peerNamespace?: Namespace;
  /** Whether to set both ends up. Default true. */
  readonly up?: boolean;
  readonly mac?: string;
  readonly peerMac?: string;
}

/** Makes a pair of interfaces, one end of it here. */
export async function createVeth(options: VethOptions = {}): Promise<Veth> {
  const {
    name = uniqueName('ve'),
    peer = uniqueName('vp'),
    peerNamespace,
    up = true,
    mac,
    peerMac,
  } = options;
  const address = (value: string | undefined) => (value === undefined ? '' : ` address ${value}`);
  const place = peerNamespace ? ` netns ${peerNamespace.name}` : '';
  await ip(`link add ${name}${address(mac)} type veth peer name ${peer}${address(peerMac)}${place}`);
  if (up) {
    await ip(`link set ${name} up`);
    await (peerNamespace ?? { ip }).ip(`link set ${peer} up`);
  }
  return {
    name,
    peer,
    async [Symbol.asyncDispose]() {
      // A test may have deleted it, or the namespace of its other end.
      await exec('ip', ['link', 'delete', name]);
    },
  };
}

/** Whether the kernel has IP in IP; ip(8) asks it, in a namespace of a test, and that loads the module. */
export async function hasIpip(place: Pick<Namespace, 'exec'> = { exec }): Promise<boolean> {
  const name = uniqueName('ip');
  const ends = ['local', '192.0.2.1', 'remote', '192.0.2.2'];
  const { code } = await place.exec('ip', ['link', 'add', name, 'type', 'ipip', ...ends]);
  if (code === 0) await place.exec('ip', ['link', 'delete', name]);
  return code === 0;
}

/** `ip route show` and its like as parsed JSON: `await ipJson('-6 route show proto 80')`. */
export async function ipJson(words: string): Promise<readonly Record<string, unknown>[]> {
  const text = await run('ip', ['-j', ...words.split(' ')]);
  return text.trim() === '' ? [] : JSON.parse(text);
}
