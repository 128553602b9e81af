/**
 * `heddle schema export`: JSON Schemas that stand alone, for editors and other tools.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleAllSchemas, bundleSchema } from '../../loader/bundle-schema.js';
import { KIND_NAMES } from '../../model/kinds.js';
import { type CommonOptions, type Verb, verb, verbGroup } from '../command.js';

export const schema: Verb = (context) => {
  const group = verbGroup('schema', 'the JSON Schemas of the kinds');
  group.addCommand(
    verb(context, 'export', 'write one self-contained schema for each kind, and one for all of them')
      .argument('[dir]', 'where to', '.schemas')
      .action(async (dir: string, options: CommonOptions) => {
        const files = await writeSchemas(dir);
        context.out(
          options.output === 'json'
            ? `${JSON.stringify({ dir, files })}\n`
            : `${dir}: ${files.length} schemas\n`,
        );
      }),
  );
  return group;
};

/** Returns the names of the files. */
export async function writeSchemas(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const schemas: [string, object][] = [
    ...KIND_NAMES.map((kind): [string, object] => [kind.toLowerCase(), bundleSchema(kind)]),
    ['heddle', bundleAllSchemas()],
  ];
  const files = schemas.map(([name]) => `${name}.schema.json`);
  for (const [name, text] of schemas) {
    await writeFile(join(folder, `${name}.schema.json`), `${JSON.stringify(text, null, 2)}\n`);
  }
  return files;
}
