/**
 * `heddle init`: a first repository, ready to validate, to try in a lab, and to push.
 */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommonOptions, type Verb, verb } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { packageFolder } from '../package-folder.js';
import { writeSchemas } from './schema.js';

const TEMPLATE = 'examples/manifests/first-repository/';

export const init: Verb = (context) =>
  verb(context, 'init', 'a first repository: pool, hosts, profile, endpoints, a test, CI and editor settings')
    .argument('[dir]', 'an empty or new folder', '.')
    .action(async (dir: string, options: CommonOptions) => {
      const target = resolve(dir);
      await mkdir(target, { recursive: true });
      const existing = (await readdir(target)).filter((name) => name !== '.git');
      if (existing.length > 0) {
        throw new CliError(
          EXIT.invalidInput,
          `${dir} is not empty: it holds ${existing[0]}`,
          'name a new folder',
        );
      }
      await cp(fileURLToPath(new URL(TEMPLATE, packageFolder())), target, { recursive: true });
      await writeSchemas(join(target, '.schemas'));
      const files = (await readdir(target, { recursive: true, withFileTypes: true })).filter((entry) =>
        entry.isFile(),
      );
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ dir: target, files: files.length })}\n`
          : `${dir}: ${files.length} files. Next:\n\n  cd ${dir} && heddle validate && heddle test\n  git init -b main && git add -A && git commit -m "A network"\n  heddle lab up . && heddle lab probe    # as root: the whole network on this machine\n`,
      );
    });
