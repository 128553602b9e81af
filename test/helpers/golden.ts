/** Compares text with a file in test/golden; UPDATE_GOLDEN=1 writes it instead. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';

export async function matchesGolden(t: ExecutionContext, path: string, text: string): Promise<void> {
  const file = `test/golden/${path}`;
  if (process.env.UPDATE_GOLDEN === '1') {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  t.is(text, await readFile(file, 'utf8'));
}
