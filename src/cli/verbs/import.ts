/**
 * `heddle import`: what Calico exports, as manifests of a folder. All of it or nothing; no file is overwritten.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ImportedManifest, importCalico, type LeftOut } from '../../loader/calico-export.js';
import { formatHuman } from '../../loader/format-diagnostics.js';
import { type CommonOptions, type Verb, verb } from '../command.js';
import { pickColors } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';
import { diagnosticStyle } from '../load-folder.js';
import { readInput } from '../read-input.js';

export const importVerb: Verb = (context) =>
  verb(context, 'import', 'what Calico exports, as manifests of a folder')
    .argument('<export>', 'what calicoctl get -o yaml printed; - is standard input')
    .argument('[dir]', 'where the manifests go; what stands there is not overwritten', '.')
    .action(async (file: string, dir: string, options: CommonOptions) => {
      const bytes = await readInput(file, context.signal, 'name what calicoctl get -o yaml printed');
      const path = file === '-' ? 'standard input' : file;
      const { manifests, leftOut, errors } = importCalico({ path, blobId: path, bytes });
      if (errors.length > 0) {
        context.err(formatHuman(errors, diagnosticStyle(pickColors(options.color, context))));
        throw new CliError(EXIT.invalidInput, `nothing is written: ${path} cannot be taken over as it is`);
      }
      await refuseToOverwrite(dir, manifests);
      for (const manifest of manifests) {
        const target = join(dir, manifest.path);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, manifest.text, { flag: 'wx' });
      }
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ dir, manifests: manifests.map(({ id, path }) => ({ id, path })), leftOut })}\n`
          : format(dir, manifests, leftOut),
      );
    });

async function refuseToOverwrite(dir: string, manifests: readonly ImportedManifest[]): Promise<void> {
  const taken = new Set<string>();
  const twice = new Set<string>();
  for (const { path } of manifests) {
    if (taken.has(path)) twice.add(path);
    taken.add(path);
    if (await stat(join(dir, path)).catch(() => undefined)) twice.add(path);
  }
  if (twice.size === 0) return;
  throw new CliError(
    EXIT.invalidInput,
    `nothing is written, because these would be overwritten: ${[...twice].join(', ')}`,
    'name another folder',
  );
}

function format(dir: string, manifests: readonly ImportedManifest[], leftOut: readonly LeftOut[]): string {
  const written = manifests.map(({ path }) => `  ${join(dir, path)}\n`);
  const left = leftOut.map(({ id, reason }) => `  ${id}: ${reason}\n`);
  return [
    `${manifests.length} written\n`,
    ...written,
    ...(left.length > 0 ? [`${left.length} left out\n`, ...left] : []),
    `Next: heddle validate ${dir}\n`,
  ].join('');
}
