/**
 * `heddle get`: what the store holds of a kind, and who wrote it.
 */
import { shortCommit } from '../../diff/summary.js';
import { formatManifest } from '../../loader/format-manifest.js';
import { findKind, KIND_NAMES, KINDS } from '../../model/kinds.js';
import { printable } from '../../model/printable.js';
import { suggest } from '../../model/suggest.js';
import { type StoredObject, storedObjects } from '../../reconciler/stored-objects.js';
import { type CommonOptions, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';
import { formatTable } from '../table.js';

export const get: Verb = (context) =>
  addEtcdOptions(verb(context, 'get', 'what the store holds of a kind, and who wrote it'), context)
    .argument('<kind>', 'such as Profile, ippool or nodes')
    .argument('[name]', 'one object of it')
    .action(async (kindText: string, name: string | undefined, options: CommonOptions & EtcdOptions) => {
      const kind = findKind(kindText);
      if (!kind) {
        const stored = KIND_NAMES.filter((one) => KINDS[one].stored);
        const near = suggest(kindText, [...stored, ...stored.map((one) => KINDS[one].plural)]);
        const hint = `${near === undefined ? '' : `did you mean ${near}? `}kinds: ${stored.join(', ')}`;
        throw new CliError(EXIT.invalidInput, `"${kindText}" is not a kind`, hint);
      }
      if (!KINDS[kind].stored)
        throw new CliError(
          EXIT.invalidInput,
          `a ${kind} is never stored: the store holds none, whatever the manifests say`,
          'heddle test puts those of a folder to the live store, with --etcd',
        );
      await using opened = await openStore(options, createLog(options.logLevel));
      const snapshot = await opened.store.snapshot(opened.layout.prefix);
      const all = storedObjects(snapshot, opened.layout, kind);
      const found = name === undefined ? all : all.filter((object) => object.name === name);
      if (name !== undefined && found.length === 0) {
        throw new CliError(EXIT.invalidInput, `there is no ${kind} "${name}" in the store`, namesOf(all));
      }
      context.out(format(found, name !== undefined, options.output));
    });

function format(objects: readonly StoredObject[], whole: boolean, output: string): string {
  if (output === 'json') return `${JSON.stringify({ objects: objects.map(toJson) })}\n`;
  if (whole) return objects.map(formatWhole).join('---\n');
  const rows = objects.map(({ name, source, written, problem }) => [
    name,
    source ?? 'unmanaged',
    written ? shortCommit(written.commit) : '-',
    written ? `${written.file}:${written.line}` : '-',
    problem ?? '',
  ]);
  return `${formatTable(['NAME', 'SOURCE', 'COMMIT', 'WRITTEN AT', ''], rows).join('\n')}\n`;
}

function formatWhole({ resource, problem, keys }: StoredObject): string {
  const comment = keys.map((key) => `# ${printable(key)}\n`).join('');
  const reason = problem === undefined ? '' : `# ${printable(problem)}\n`;
  return `${comment}${reason}${resource ? formatManifest(resource) : ''}`;
}

function toJson({ resource, ...object }: StoredObject): object {
  return resource ? { ...object, metadata: resource.metadata, spec: resource.spec } : object;
}

function namesOf(objects: readonly StoredObject[]): string {
  const names = objects.slice(0, 10).map(({ name }) => name);
  return names.length === 0 ? 'there is none of this kind' : `there are: ${names.join(', ')}`;
}
