/**
 * `heddle blame`: which commit, and which line of which file, made an object what it is.
 */
import { findKind } from '../../model/kinds.js';
import { printable } from '../../model/printable.js';
import { readAppliedCommits } from '../../reconciler/applied-commits.js';
import { type StoredObject, storedObjects } from '../../reconciler/stored-objects.js';
import { type CommonOptions, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, type OpenStore, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';

export const blame: Verb = (context) =>
  addEtcdOptions(verb(context, 'blame', 'which commit and line made an object what it is'), context)
    .argument('<kind/name>', 'such as Profile/web')
    .action(async (what: string, options: CommonOptions & EtcdOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const object = await findObject(what, opened);
      if (!object.written) {
        throw new CliError(
          EXIT.invalidInput,
          `${what} is unmanaged: no source has written it`,
          object.keys.join(' '),
        );
      }
      const { file, line, commit } = object.written;
      const applied = (await readAppliedCommits(opened.store, opened.layout)).get(commit);
      const report = {
        kind: object.kind,
        name: object.name,
        source: object.source,
        file,
        line,
        commit,
        applied,
      };
      context.out(
        options.output === 'json'
          ? `${JSON.stringify(report)}\n`
          : [
              printable(`${object.kind}/${object.name}  ${file}:${line}`),
              `commit ${commit}`,
              ...(applied
                ? [
                    printable(applied.author),
                    `applied ${applied.time}, seq ${applied.seq}`,
                    '',
                    ...applied.message.trim().split('\n').map(printable),
                  ]
                : []),
              '',
            ].join('\n'),
      );
    });

async function findObject(what: string, { store, layout }: OpenStore): Promise<StoredObject> {
  const slash = what.indexOf('/');
  const kind = findKind(what.slice(0, slash));
  const name = what.slice(slash + 1);
  if (slash < 0 || !kind)
    throw new CliError(EXIT.invalidInput, `"${what}" is not an object`, 'write Kind/name: Profile/web');
  const snapshot = await store.snapshot(layout.prefix);
  const found = storedObjects(snapshot, layout, kind).find((object) => object.name === name);
  if (!found)
    throw new CliError(EXIT.invalidInput, `there is no ${kind} "${name}" in the store`, `heddle get ${kind}`);
  return found;
}
