/** The command line of the program that sends probes (probe-main.ts). */
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { CommandLine } from '../../kernel/namespaces.js';

export const PROBE_PROGRAM: CommandLine = [
  execPath,
  fileURLToPath(new URL('./probe-main.js', import.meta.url)),
];
