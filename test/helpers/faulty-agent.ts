/**
 * A real agent whose kernel fails it: `heddle agent` with doors that count what is written, and end the process with
 * SIGKILL at one of the writes, as a crash there would.
 *
 * A write is a program that changes something, a batch of netlink requests, or a value of /proc/sys. Reads count for
 * nothing. Settings come by the environment: DIE_AT, the number of the write; DIE_WHEN, `during` it (it has begun, and
 * nobody hears how it ends) or `after` it (it is done, and nobody knows); RECEIVE_BUFFER, octets.
 */
import { existsSync, writeSync } from 'node:fs';
import { argv, env, execPath, kill, pid, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { agentThrough, KERNEL_DOORS, type KernelDoors } from '../../src/cli/verbs/agent.js';
import type { Exec } from '../../src/kernel/exec.js';
import type { CommandLine } from '../../src/kernel/namespaces.js';
import { NETLINK_ROUTE } from '../../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';

export interface AgentFaults {
  readonly dieAt?: number;
  readonly dieWhen?: 'during' | 'after';
  readonly receiveBufferOctets?: number;
}

/** From the command line of an agent to that of a faulty one. */
export function faultyAgent(faults: AgentFaults): (first: CommandLine) => CommandLine {
  const { dieAt, dieWhen, receiveBufferOctets } = faults;
  const settings = Object.entries({ DIE_AT: dieAt, DIE_WHEN: dieWhen, RECEIVE_BUFFER: receiveBufferOctets })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  return (first) => ['env', ...settings, execPath, SELF, ...first.slice(first.indexOf('agent') + 1)];
}

const SELF = fileURLToPath(import.meta.url);

if (argv[1] === SELF) await serve();

async function serve(): Promise<void> {
  const dieAt = Number(env.DIE_AT ?? Number.POSITIVE_INFINITY);
  const buffer = env.RECEIVE_BUFFER;
  const doors = mortalDoors(
    buffer === undefined ? KERNEL_DOORS : narrowDoors(Number(buffer)),
    dieAt,
    env.DIE_WHEN === 'during' ? 'during' : 'after',
  );
  const context = {
    out: (text: string) => stdout.write(text),
    err: (text: string) => stderr.write(text),
    ...{ environment: env, isTerminal: false, self: [execPath, SELF] as const, exitWith: () => {} },
    signal: new AbortController().signal,
  };
  await agentThrough(doors, context).parseAsync(argv.slice(2), { from: 'user' });
}

function narrowDoors(receiveBufferOctets: number): KernelDoors {
  return {
    ...KERNEL_DOORS,
    openRtNetlink: async () =>
      openRtNetlink(openKoffiTransport({ protocol: NETLINK_ROUTE, receiveBufferOctets })),
  };
}

/** Doors that let `dieAt` writes begin. */
function mortalDoors(doors: KernelDoors, dieAt: number, dieWhen: 'during' | 'after'): KernelDoors {
  let writes = 0;
  const write = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    writes += 1;
    const isLast = writes === dieAt;
    writeSync(2, `write ${writes}: ${what}\n`);
    const done = act();
    if (isLast && dieWhen === 'during') kill(pid, 'SIGKILL');
    const result = await done;
    if (isLast) kill(pid, 'SIGKILL');
    return result;
  };
  const counting =
    (exec: Exec): Exec =>
    (command, args, options) =>
      isWrite(command, options?.input)
        ? write(command, () => exec(command, args, options))
        : exec(command, args, options);
  return {
    ...doors,
    openPrograms() {
      const programs = doors.openPrograms();
      return { ...programs, exec: counting(programs.exec) };
    },
    procSys: {
      read: (path) => doors.procSys.read(path),
      // Where its interface is missing there is nothing to write to.
      write: (path, value) =>
        existsSync(`/proc/sys/${path}`)
          ? write(path, () => doors.procSys.write(path, value))
          : doors.procSys.write(path, value),
    },
    async openRtNetlink(name) {
      const rtnetlink = await doors.openRtNetlink(name);
      const apply: typeof rtnetlink.apply = (ops) =>
        ops.length === 0
          ? rtnetlink.apply(ops)
          : write(`${ops.length} ${ops[0]?.object}`, () => rtnetlink.apply(ops));
      return { ...rtnetlink, apply };
    },
    async openConntrack(name) {
      const conntrack = await doors.openConntrack(name);
      const remove: typeof conntrack.delete = (flows) =>
        flows.length === 0
          ? conntrack.delete(flows)
          : write(`${flows.length} flows`, () => conntrack.delete(flows));
      return { ...conntrack, delete: remove };
    },
  };
}

/** Of the programs that an agent runs; some are given only questions (`-S`). */
function isWrite(command: string, input = ''): boolean {
  if (command === 'bird') return true;
  const isRestore = command === 'ipset' || command.endsWith('-restore');
  return isRestore && input.split('\n').some((line) => !/^(?:$|\*|COMMIT$|-S )/.test(line));
}
