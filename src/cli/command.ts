/**
 * How every verb declares itself: the same common flags, and an environment variable for each flag.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../model/duration.js';
import type { CliContext, ColorMode, Environment } from './context.js';

export interface CommonOptions {
  readonly output: string;
  readonly color: ColorMode;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** A file in verbs/ exports one of these; verbs.ts lists them. */
export type Verb = (context: CliContext) => Command;

/** A flag that can also be set as HEDDLE_<FLAG>; blank leaves it unset, and 0, no, off and false leave a switch off. */
export function flag(environment: Environment, flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = `HEDDLE_${option.long?.slice(2).replaceAll('-', '_').toUpperCase()}`;
  const value = environment[variable]?.toLowerCase();
  const isSwitch = !option.required && !option.optional;
  const isUnset = value === '' || (isSwitch && OFF.includes(value));
  // The library takes any value of a variable for a yes: it must not see a no.
  if (isUnset) option.description += ` (env: ${variable}, now "${value}")`;
  return isUnset ? option : option.env(variable);
}

const OFF: readonly (string | undefined)[] = ['0', 'false', 'no', 'off'];

export interface VerbOptions {
  /** Choices of --output; the first is the default. */
  readonly outputs?: readonly string[];
  /** What is logged unless the user says otherwise. */
  readonly logLevel?: CommonOptions['logLevel'];
}

/** A verb with the flags that all verbs have. */
export function verb(
  { environment }: CliContext,
  name: string,
  summary: string,
  options: VerbOptions = {},
): Command {
  const { outputs = ['human', 'json'], logLevel = 'error' } = options;
  return new Command(name)
    .summary(summary)
    .description(summary)
    .addOption(
      flag(environment, OUTPUT.flags, OUTPUT.description)
        .choices(outputs)
        .default(outputs[0] ?? 'human'),
    )
    .addOption(flag(environment, COLOR.flags, COLOR.description).choices(COLOR.choices).default('auto'))
    .addOption(
      flag(environment, LOG_LEVEL.flags, LOG_LEVEL.description).choices(LOG_LEVEL.choices).default(logLevel),
    );
}

const OUTPUT = { flags: '--output <format>', description: 'how to print the result' };
const COLOR = {
  flags: '--color <when>',
  description: 'use colours',
  choices: ['auto', 'always', 'never'],
};
const LOG_LEVEL = {
  flags: '--log-level <level>',
  description: 'how much to log',
  choices: ['debug', 'info', 'warn', 'error', 'silent'],
};

/** Lets the flags that all verbs have stand before the verb, too. What stands behind it has the last word. */
export function takeCommonFlags(command: Command): Command {
  for (const { flags, description } of [OUTPUT, COLOR, LOG_LEVEL]) command.option(flags, description);
  return command.enablePositionalOptions().hook('preAction', (above, action) => {
    for (const [name, value] of Object.entries<string>(above.opts())) handDown(action, name, value);
  });
}

function handDown(action: Command, name: string, value: string): void {
  const option = action.options.find((one) => one.attributeName() === name);
  if (!option || action.getOptionValueSource(name) === 'cli') return;
  const choices = option.argChoices ?? [];
  if (!choices.includes(value))
    action.error(
      `error: option '${option.flags}' argument '${value}' is invalid. Allowed choices are ${choices.join(', ')}.`,
    );
  action.setOptionValueWithSource(name, value, 'above');
}

/** A verb of verbs: it has no flags of its own. */
export function verbGroup(name: string, summary: string): Command {
  return takeCommonFlags(new Command(name).summary(summary).description(summary));
}

/** `30s`, `1m`, `500ms`, or plain seconds; in ms. */
export function durationFlag(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined)
    throw new InvalidArgumentError(`"${text}" is not a duration: write 30s, 1m or 500ms.`);
  return ms;
}
