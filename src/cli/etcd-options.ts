/**
 * The flags that lead to the store.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { Datastore } from '../datastore/datastore.js';
import { createLayout, rootProblem } from '../layout/create-layout.js';
import type { Layout } from '../layout/layout.js';
import type { Log } from '../model/log.js';
import { flag } from './command.js';
import type { CliContext } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { readOptional } from './read-optional.js';

export interface EtcdOptions {
  readonly etcd?: string;
  readonly etcdPrefix: string;
  readonly etcdCa?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly etcdUser?: string;
  readonly etcdPasswordFile?: string;
}

export function addEtcdOptions(command: Command, { environment }: CliContext): Command {
  return command
    .addOption(flag(environment, '--etcd <urls>', 'etcd endpoints, separated by commas'))
    .addOption(
      flag(environment, '--etcd-prefix <prefix>', 'where the network lies in etcd')
        .default('/calico')
        .argParser(prefixFlag),
    )
    .addOption(flag(environment, '--etcd-ca <file>', 'certificate authority of the etcd servers (PEM)'))
    .addOption(flag(environment, '--etcd-cert <file>', 'client certificate (PEM)'))
    .addOption(flag(environment, '--etcd-key <file>', 'key of the client certificate (PEM)'))
    .addOption(flag(environment, '--etcd-user <name>', 'etcd user'))
    .addOption(flag(environment, '--etcd-password-file <file>', "file that holds the etcd user's password"));
}

function prefixFlag(text: string): string {
  const problem = rootProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return text;
}

export const DEFAULT_PATH = '(default: ".")';

/** For verbs that ask either a folder or the store: a path that is written out wins over HEDDLE_ETCD. */
export function storeOrFolder<O extends EtcdOptions>(
  options: O,
  command: Command,
  path: string | undefined,
): O {
  const isOverruled = path !== undefined && command.getOptionValueSource('etcd') === 'env';
  return isOverruled ? { ...options, etcd: undefined } : options;
}

export interface OpenStore extends AsyncDisposable {
  readonly store: Datastore;
  readonly layout: Layout;
}

/** Opens the store named by the flags. @throws {CliError} when there is no --etcd, or a file cannot be read */
export async function openStore(options: EtcdOptions, log: Log): Promise<OpenStore> {
  if (options.etcd === undefined) {
    throw new CliError(
      EXIT.invalidInput,
      '--etcd is missing',
      'name the etcd endpoints: --etcd http://127.0.0.1:2379',
    );
  }
  // gRPC takes longer to load than most verbs take to run: only those that need it pay for it.
  const { openEtcdDatastore } = await import('../datastore/etcd/etcd-datastore.js');
  const { etcdCa, etcdCert, etcdKey, etcdPasswordFile } = options;
  const [ca, cert, key, password] = await Promise.all(
    [etcdCa, etcdCert, etcdKey, etcdPasswordFile].map(readOptional),
  );
  const store = openEtcdDatastore({
    endpoints: options.etcd.split(',').map((url) => url.trim()),
    log,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(options.etcdUser !== undefined && { user: options.etcdUser }),
    ...(password && { password: password.trimEnd() }),
  });
  return { store, layout: createLayout(options.etcdPrefix), [Symbol.asyncDispose]: () => store.close() };
}
