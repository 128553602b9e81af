/** `--name`: several labs may stand beside each other on one machine. */
import { InvalidArgumentError, type Option } from 'commander';
import { LAB_NAME } from '../../lab/lab-state.js';
import { flag } from '../command.js';
import type { CliContext } from '../context.js';

/** The flag that tells labs apart; a name that could not be one ends the program. */
export function labName({ environment }: CliContext, byDefault: string): Option {
  return flag(environment, '--name <name>', 'name of the lab')
    .default(byDefault)
    .argParser((text) => {
      if (LAB_NAME.test(text)) return text;
      throw new InvalidArgumentError('A name has up to 20 of a-z, 0-9 and dashes, and begins with no dash.');
    });
}
