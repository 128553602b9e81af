import { readFile } from 'node:fs/promises';
import { until } from './until.js';

/**
 * The process that a daemon wrote into a file. It does so after it has forked: the file may be empty or not be there
 * yet, and an empty one must not be read as 0, which is to kill(2) whoever asks, and all that it has started.
 */
export function pidIn(file: string): Promise<number> {
  const read = async () => Number(await readFile(file, 'utf8').catch(absent)) || false;
  return until(read, { what: `a process id in ${file}` });
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
