/**
 * What the verbs of a lab share: its name, the lab that runs under it, and what a folder would make of it.
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { startLab } from '../../lab/lab.js';
import { LabPlanError, planLab } from '../../lab/lab-plan.js';
import { LabStartError } from '../../lab/lab-processes.js';
import { type LabState, labFolder, readLabState } from '../../lab/lab-state.js';
import type { CommonOptions } from '../command.js';
import type { CliContext } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';
import { labName } from './lab-name.js';

export interface LabOptions extends CommonOptions {
  readonly name: string;
}

export function withName(context: CliContext, command: Command): Command {
  return command.addOption(labName(context, 'lab'));
}

/** What is read of the lab's own repository is kept with the lab, and goes with it. */
export function inLab<O extends LabOptions>(options: O): O & { readonly cacheDir: string } {
  return { ...options, cacheDir: join(labFolder(options.name), 'cache') };
}

/** Says at once that a signal was heard: taking a lab down takes seconds. */
export function tellOfCleaning({ signal, err }: CliContext): void {
  signal.addEventListener('abort', () => err('\nheddle: interrupted, taking the lab down\n'), { once: true });
}

export async function startOrExplain(options: Parameters<typeof startLab>[0]): Promise<LabState> {
  try {
    return await startLab(options);
  } catch (error) {
    if (error instanceof LabStartError) throw new CliError(EXIT.unexpected, error.message);
    throw error;
  }
}

export async function requireLab(name: string): Promise<LabState> {
  const state = await readLabState(name);
  if (!state)
    throw new CliError(
      EXIT.invalidInput,
      `there is no lab "${name}"`,
      `make one: heddle lab up --name ${name}`,
    );
  return state;
}

export function planOrExplain(...wanted: Parameters<typeof planLab>): ReturnType<typeof planLab> {
  try {
    return planLab(...wanted);
  } catch (error) {
    if (error instanceof LabPlanError) throw new CliError(EXIT.invalidInput, error.message);
    throw error;
  }
}
