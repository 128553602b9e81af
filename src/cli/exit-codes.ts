/**
 * How a verb ends: exit codes are a contract with scripts, and a plan knows its own (diff/exit-code.ts).
 */
import { EXIT_CODES, type ExitCode } from '../diff/exit-code.js';

export { EXIT_CODES as EXIT };

/** An end of the program that the user can do something about: message and remedy, no stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** What to do. */
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
