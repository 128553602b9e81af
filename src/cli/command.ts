/**
 * How every verb declares itself: the same common flags, and an environment variable for each flag.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext, ColorMode, Environment } from './context.js';

export interface CommonOptions {
  readonly output: string;
  readonly color: ColorMode;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** One file per verb exports one of these; main.ts lists them. */
export type Verb = (context: CliContext) => Command;

/** A flag that can also be set as HEDDLE_<FLAG>; 0, no, off, false and blank leave a switch off. */
export function flag(environment: Environment, flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = `HEDDLE_${option.long?.slice(2).replaceAll('-', '_').toUpperCase()}`;
  const isSwitch = !option.required && !option.optional;
  const isOff =
    isSwitch && ['', '0', 'false', 'no', 'off'].includes((environment[variable] ?? '').toLowerCase());
  return isOff ? option : option.env(variable);
}

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
      flag(environment, '--output <format>', 'how to print the result').choices(outputs).default('human'),
    )
    .addOption(
      flag(environment, '--color <when>', 'use colours').choices(['auto', 'always', 'never']).default('auto'),
    )
    .addOption(
      flag(environment, '--log-level <level>', 'how much to log')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default(logLevel),
    );
}

/** A verb of verbs: it has no flags, so that they stay those of the verbs in it. */
export function verbGroup(name: string, summary: string): Command {
  return new Command(name).summary(summary).description(summary);
}

/** `30s`, `1m`, `500ms`, or plain seconds; in ms. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (!match) throw new InvalidArgumentError(`"${text}" is no duration: write 30s, 1m or 500ms.`);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1_000;
  return Number(match[1]) * unit;
}
