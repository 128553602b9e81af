/** Files that flags may name: certificates, keys, passwords. */
import { readFile } from 'node:fs/promises';
import { CliError, EXIT } from './exit-codes.js';

/** The text of a file that a flag names, if it does. @throws {CliError} when it cannot be read */
export async function readOptional(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new CliError(
      EXIT.invalidInput,
      `${file} cannot be read: ${error.message}`,
      'check the path and its permissions',
    );
  });
}
