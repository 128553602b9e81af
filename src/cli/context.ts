/**
 * What a verb is given of the outside: where to print, whether in colour, the environment, and when to stop.
 */
import { createColors } from 'picocolors';

export type Colors = ReturnType<typeof createColors>;
export type Environment = Readonly<Record<string, string | undefined>>;

export interface CliContext {
  /** Results, for people or for the next program of a pipe. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  readonly environment: Environment;
  readonly isTerminal: boolean;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The command line that starts this very program again, for child processes. */
  readonly self: readonly [string, ...string[]];
  /** Ends the program with this code once the verb has returned. */
  exitWith(code: number): void;
}

export type ColorMode = 'auto' | 'always' | 'never';

/** NO_COLOR and FORCE_COLOR hold in auto mode (no-color.org, force-color.org). */
export function pickColors(mode: ColorMode, context: Pick<CliContext, 'environment' | 'isTerminal'>): Colors {
  return createColors(mode === 'always' || (mode === 'auto' && autoColor(context)));
}

function autoColor({ environment, isTerminal }: Pick<CliContext, 'environment' | 'isTerminal'>): boolean {
  const force = environment.FORCE_COLOR;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== '') return false;
  return isTerminal && environment.TERM !== 'dumb';
}
