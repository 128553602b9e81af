/** What `heddle --version` prints. */
import { readFileSync } from 'node:fs';
import { packageFolder } from './package-folder.js';

/** The version in package.json. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', packageFolder()), 'utf8')) as {
    version: string;
  };
  return version;
}
