/**
 * `heddle lab sync`: what a running lab lacks of what was pushed last is made: hosts, workloads, and workloads that moved.
 * `lab up` has it run after each push.
 */
import { exec } from '../../kernel/exec.js';
import { growLab } from '../../lab/lab.js';
import { type LabGrowth, planGrowth } from '../../lab/lab-growth.js';
import { LabPlanError } from '../../lab/lab-plan.js';
import { type Verb, verb } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { loadFolder } from '../load-folder.js';
import { requireRoot } from '../require-root.js';
import { inLab, type LabOptions, planOrExplain, requireLab, withName } from './running-lab.js';

export const labSync: Verb = (context) =>
  withName(
    context,
    verb(context, 'sync', 'make what was pushed and is not there yet; runs after each push'),
  ).action(async (options: LabOptions) => {
    requireRoot('heddle lab makes network namespaces');
    const running = await requireLab(options.name);
    const { state } = await loadFolder(context, running.repository, inLab(options));
    const growth = growthOrExplain(
      running.plan,
      planOrExplain(options.name, state.values(), running.plan.hosts),
    );
    await growLab(exec, { self: context.self }, running, growth);
    context.out(
      options.output === 'json' ? `${JSON.stringify(report(growth))}\n` : describe(options.name, growth),
    );
  });

function growthOrExplain(...plans: Parameters<typeof planGrowth>): LabGrowth {
  try {
    return planGrowth(...plans);
  } catch (error) {
    if (error instanceof LabPlanError) throw new CliError(EXIT.invalidInput, error.message);
    throw error;
  }
}

function report({ hosts, workloads, moved }: LabGrowth): object {
  const names = (those: readonly { readonly name: string }[]) => those.map(({ name }) => name);
  return { hosts: names(hosts), workloads: names(workloads), moved: names(moved) };
}

function describe(lab: string, { hosts, workloads, moved }: LabGrowth): string {
  const what = (name: string) => (moved.some((one) => one.name === name) ? 'made anew' : 'new');
  const lines = [
    ...hosts.map(({ kind, name }) => `${kind} ${name} is new`),
    ...workloads.map(({ name, host }) => `${name} is ${what(name)} on ${host}`),
  ];
  return (lines.length > 0 ? lines : ['every host and workload is there'])
    .map((line) => `lab ${lab}: ${line}\n`)
    .join('');
}
