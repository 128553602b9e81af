/** Where `scripts/bootstrap.sh tests` has unpacked BIRD 1.6, which cannot be installed beside BIRD 2. */
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../../src/cli/package-folder.js';

export const BIRD1_PROGRAMS = fileURLToPath(new URL('.build/bird-1.6/usr/sbin', packageFolder()));
