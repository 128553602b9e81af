/** What a verb takes from a file, or from standard input where the file is called `-`. */
import { readFile } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CliError, EXIT } from './exit-codes.js';

/**
 * @param signal - ends the wait for standard input, which a terminal never closes by itself
 * @param hint - what the file should be
 * @throws {CliError} when the file cannot be read
 */
export async function readInput(file: string, signal: AbortSignal, hint: string): Promise<Buffer> {
  if (file === '-') return buffer(addAbortSignal(signal, process.stdin));
  try {
    return await readFile(file);
  } catch (error) {
    throw new CliError(EXIT.invalidInput, `cannot read ${file}`, hint, { cause: error });
  }
}
