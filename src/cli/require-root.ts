/** What changes the machine's network says early that it may not. */
import { getuid } from 'node:process';
import { CliError, EXIT } from './exit-codes.js';

/** @throws {CliError} when this process is not root */
export function requireRoot(why: string): void {
  if (getuid?.() !== 0) throw new CliError(EXIT.unexpected, `${why}: this needs root`, 'run it with sudo');
}
