/**
 * The flags that lead to the manifests.
 */
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Credentials, describeRemote, parseRemote } from '../loader/sources/git-remote.js';
import { openSource } from '../loader/sources/index.js';
import { type Source, SourceError } from '../loader/sources/source.js';
import { flag } from './command.js';
import type { CliContext, Environment } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { readOptional } from './read-optional.js';

export interface SourceOptions {
  readonly repo: string;
  readonly ref?: string;
  readonly path?: string;
  readonly cacheDir: string;
  readonly gitUser?: string;
  readonly gitPasswordFile?: string;
  readonly gitTokenFile?: string;
  readonly gitCa?: string;
  readonly gitSshKey?: string;
  readonly gitKnownHosts?: string;
}

export function addSourceOptions(
  command: Command,
  { environment }: CliContext,
  { repoFrom }: { readonly repoFrom?: string } = {},
): Command {
  const repo = flag(environment, '--repo <url-or-dir>', 'where the manifests are');
  if (repoFrom === undefined) repo.makeOptionMandatory();
  else repo.description += `; default: as in ${repoFrom}`;
  return command
    .addOption(repo)
    .addOption(
      flag(environment, '--ref <ref>', 'branch, tag or commit; of a folder: read git instead of the files'),
    )
    .addOption(
      flag(environment, '--path <subdir>', 'folder of the manifests below the root of the repository'),
    )
    .addOption(
      flag(environment, '--cache-dir <dir>', 'where fetched objects are kept').default(
        defaultCache(environment),
      ),
    )
    .addOption(flag(environment, '--git-user <name>', 'user for https'))
    .addOption(flag(environment, '--git-password-file <file>', 'file that holds the password for https'))
    .addOption(flag(environment, '--git-token-file <file>', 'file that holds a bearer token for https'))
    .addOption(flag(environment, '--git-ca <file>', 'certificate authority of the git server (PEM)'))
    .addOption(flag(environment, '--git-ssh-key <file>', 'private key for ssh; default: as ssh finds them'))
    .addOption(
      flag(
        environment,
        '--git-known-hosts <file>',
        'the only file with keys of ssh hosts; default: ~/.ssh/known_hosts. Other hosts are refused',
      ),
    );
}

/** @throws {CliError} for a wrong address, or a file that cannot be read */
export async function openSourceOf(options: SourceOptions): Promise<Source> {
  const { repo, ref, path, cacheDir, gitUser } = options;
  const [password, token, ca] = await Promise.all(
    [options.gitPasswordFile, options.gitTokenFile, options.gitCa].map(readOptional),
  );
  const credentials = credentialsOf(gitUser, password, token);
  const ssh = { key: absolute(options.gitSshKey), knownHosts: absolute(options.gitKnownHosts) };
  // ssh only mentions in passing that it cannot read a file.
  await Promise.all([ssh.key, ssh.knownHosts].map(readOptional));
  try {
    return openSource({
      ...{ repo, ref, path, cacheDir, ssh },
      ...(credentials && { credentials }),
      ...(ca && { ca }),
    });
  } catch (error) {
    if (error instanceof SourceError) throw new CliError(EXIT.source, error.message);
    throw error;
  }
}

/** `--repo` as it may be written down: absolute, and without what its URL says to log in with. */
export function shareableRepo(address: string): { readonly repo: string; readonly hadCredentials: boolean } {
  const remote = parseRemote(address);
  if (!remote) return { repo: resolve(address), hadCredentials: false };
  const hadCredentials = remote.type === 'http' && remote.credentials !== undefined;
  return { repo: describeRemote(remote), hadCredentials };
}

function absolute(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file);
}

/** Which commit of a folder, and where what is read of its repository is kept. */
export interface FolderOptions {
  /** Of a repository: this commit, instead of its files or its newest one. */
  readonly ref?: string | undefined;
  /** Default: the user's own. */
  readonly cacheDir?: string;
}

/** Opens a folder of manifests that is there, as it is now. */
export function openFolderSource(
  environment: Environment,
  path: string,
  options: FolderOptions = {},
): Source {
  const { ref, cacheDir = defaultCache(environment) } = options;
  return openSource({ repo: path, ref, cacheDir });
}

function credentialsOf(
  username: string | undefined,
  password: string | undefined,
  token: string | undefined,
): Credentials | undefined {
  if (token !== undefined) return { type: 'bearer', token: token.trimEnd() };
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined) {
    throw new CliError(
      EXIT.invalidInput,
      '--git-user and --git-password-file belong together',
      'give both or neither',
    );
  }
  return { type: 'basic', username, password: password.trimEnd() };
}

function defaultCache({ XDG_CACHE_HOME, HOME }: Environment): string {
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'heddle');
  // Nobody else's folder of a name that anybody could take.
  return HOME ? join(HOME, '.cache', 'heddle') : join(tmpdir(), `heddle-${userInfo().uid}`);
}
