/**
 * The programs of a lab, to be killed, frozen and started again in the middle of their work.
 */
import { readFileSync } from 'node:fs';
import { type CommandLine, inNamespace } from '../../src/kernel/namespaces.js';
import { isRunning, signal, startProcess } from '../../src/lab/lab-processes.js';
import { type LabProcess, type LabState, writeLabState } from '../../src/lab/lab-state.js';
import { until } from './until.js';

interface Program {
  process: LabProcess;
  /** As it was started, inside its namespace. */
  readonly commandLine: CommandLine;
  /** Where it runs: the fabric, a host, or nothing of the lab's. */
  readonly namespace: string | undefined;
}

export class LabPrograms {
  readonly #state: LabState;
  readonly #programs: ReadonlyMap<string, Program>;

  /** Remembers how every program of the lab was started. */
  constructor(state: LabState) {
    this.#state = state;
    this.#programs = new Map(
      state.processes.map((process) => [
        process.role,
        {
          process,
          commandLine: commandLineOf(process),
          namespace: namespaceOf(state, process.role),
        },
      ]),
    );
  }

  /** @param role - `etcd`, `agent host-1`, `reconcile host-1`, ... */
  signal(role: string, name: NodeJS.Signals): void {
    signal(this.#program(role).process, name);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(role: string): Promise<void> {
    const { process } = this.#program(role);
    signal(process, 'SIGKILL');
    await until(() => !isRunning(process), { what: `the end of ${role}` });
  }

  isRunning(role: string): boolean {
    return isRunning(this.#program(role).process);
  }

  /** Starts a program that is gone, as it was started first, or as that is changed. */
  async start(role: string, changed: (first: CommandLine) => CommandLine = (first) => first): Promise<void> {
    const program = this.#program(role);
    if (isRunning(program.process)) throw new Error(`${role} is running already`);
    const { namespace, process } = program;
    const commandLine = changed(program.commandLine);
    const whole = namespace === undefined ? commandLine : inNamespace(namespace, commandLine);
    program.process = await startProcess(whole, process);
    // The lab ends what is in its file, hosts before etcd.
    const processes = [...this.#programs.values()].map((one) => one.process);
    await writeLabState({ ...this.#state, processes });
  }

  /** What the program has written so far. */
  log(role: string): string {
    return readFileSync(this.#program(role).process.logFile, 'utf8');
  }

  #program(role: string): Program {
    const program = this.#programs.get(role);
    if (!program) throw new Error(`The lab has no ${role}, only ${[...this.#programs.keys()].join(', ')}`);
    return program;
  }
}

function commandLineOf({ role, pid }: LabProcess): CommandLine {
  const [command, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  if (command === undefined || command === 'nsenter') throw new Error(`${role} (${pid}) has not started yet`);
  return [command, ...args];
}

function namespaceOf({ plan }: LabState, role: string): string | undefined {
  if (role === 'relay outside') return undefined;
  const [, name] = role.split(' ');
  return plan.hosts.find((host) => host.name === name)?.namespace ?? plan.fabric.namespace;
}
