/**
 * `heddle render`: exactly what one host would be given, without the host.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { speakers } from '../../agent/bgp/index.js';
import {
  type PasswordOf,
  passwordFile,
  passwordFrom,
  passwordProblem,
  REDACTED,
} from '../../agent/bgp/password-file.js';
import { RENDERED, type RenderedPart, renderHost } from '../../agent/render-host.js';
import { compileState } from '../../layout/compile.js';
import { createLayout } from '../../layout/create-layout.js';
import type { Layout } from '../../layout/layout.js';
import { IP_FAMILIES } from '../../model/address.js';
import { resourcesOf } from '../../model/resource.js';
import type { StoreKey } from '../../model/store.js';
import { storedObjects } from '../../reconciler/stored-objects.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import type { CliContext } from '../context.js';
import { addEtcdOptions, DEFAULT_PATH, type EtcdOptions, openStore, storeOrFolder } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { loadFolder } from '../load-folder.js';
import { createLog } from '../log.js';

interface RenderOptions extends CommonOptions, EtcdOptions {
  readonly node: string;
  readonly family?: '4' | '6';
  readonly speaker: keyof typeof speakers;
  readonly secretsDir?: string;
  readonly showSecrets?: boolean;
}

interface Store {
  readonly layout: Layout;
  readonly entries: ReadonlyMap<StoreKey, { readonly value: string }>;
}

/** Where Debian's bird2 package would have BIRD log to; where an agent's does depends on the flags of the agent. */
const BIRD_LOG = '/var/log/bird.log';

export const render: Verb = (context) =>
  addEtcdOptions(verb(context, 'render', 'exactly what one host would be given'), context)
    .addArgument(new Argument('<part>', 'what to print').choices([...RENDERED]))
    .argument('[path]', `folder of manifests; with --etcd the live store is taken instead ${DEFAULT_PATH}`)
    .addOption(
      flag(context.environment, '--node <name>', 'which Node or RouteReflector').makeOptionMandatory(),
    )
    .addOption(
      flag(context.environment, '--family <4|6>', 'of iptables and routes only this one').choices(['4', '6']),
    )
    .addOption(
      flag(
        context.environment,
        '--speaker <name>',
        `as the agent's; here they log to ${BIRD_LOG}, the agent's below its --state-dir or to syslog`,
      )
        .choices(Object.keys(speakers))
        .default('bird'),
    )
    .addOption(flag(context.environment, '--secrets-dir <dir>', 'where the files of secrets lie'))
    .addOption(flag(context.environment, '--show-secrets', 'print passwords instead of <redacted>'))
    .action(async (part: RenderedPart, path: string | undefined, given: RenderOptions, self: Command) => {
      const options = storeOrFolder(given, self, path);
      const store =
        options.etcd === undefined
          ? await fromFolder(context, path ?? '.', options)
          : await fromEtcd(options);
      const families =
        options.family === undefined ? IP_FAMILIES : ([options.family === '4' ? 4 : 6] as const);
      const passwordOf = passwordsFor(options);
      const { node, speaker } = options;
      const rendered = renderHost({ node, speaker, ...store, families, birdLog: BIRD_LOG, passwordOf });
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ node, part, text: rendered[part] })}\n`
          : rendered[part],
      );
    });

function passwordsFor({ secretsDir, showSecrets }: RenderOptions): PasswordOf {
  if (!showSecrets) return REDACTED;
  if (secretsDir === undefined)
    throw new CliError(EXIT.invalidInput, '--show-secrets needs to know where they are', 'add --secrets-dir');
  return (reference) => {
    const file = join(secretsDir, passwordFile(reference));
    let content: string;
    try {
      content = readFileSync(file, 'utf8');
    } catch (error) {
      throw new CliError(EXIT.invalidInput, `the password file cannot be read: ${String(error)}`);
    }
    const problem = passwordProblem(passwordFrom(content));
    if (problem !== undefined) throw new CliError(EXIT.invalidInput, `the password in ${file} ${problem}`);
    return passwordFrom(content);
  };
}

async function fromFolder(context: CliContext, path: string, options: RenderOptions): Promise<Store> {
  const { state } = await loadFolder(context, path, options);
  refuseStranger(
    options.node,
    HOST_KINDS.flatMap((kind) => resourcesOf(state.values(), kind)).map(({ metadata }) => metadata.name),
    path,
  );
  const layout = createLayout(options.etcdPrefix);
  const { objects } = compileState(state, layout);
  const entries = [...objects.values()].flatMap((object) => object.entries);
  return { layout, entries: new Map(entries.map(({ key, value }) => [key, { value }])) };
}

async function fromEtcd(options: RenderOptions): Promise<Store> {
  await using opened = await openStore(options, createLog(options.logLevel));
  const { store, layout } = opened;
  const snapshot = await store.snapshot(layout.prefix);
  const hosts = HOST_KINDS.flatMap((kind) => storedObjects(snapshot, layout, kind));
  refuseStranger(
    options.node,
    hosts.map(({ name }) => name),
    'the store',
  );
  return { layout, entries: snapshot.entries };
}

const HOST_KINDS = ['Node', 'RouteReflector'] as const;

/** A name that nobody has would be given an empty host, and look right. */
function refuseStranger(node: string, known: readonly string[], where: string): void {
  if (known.includes(node)) return;
  throw new CliError(
    EXIT.invalidInput,
    `there is no Node or RouteReflector "${node}" in ${where}`,
    known.length === 0 ? 'it has neither' : `name one with --node: ${known.toSorted().join(', ')}`,
  );
}
