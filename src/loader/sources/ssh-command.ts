/**
 * How a repository is reached over ssh: the argv of ssh(1), and what its failures mean.
 *
 * Nobody is there to answer a question, so every question is answered beforehand: a host whose key is not in a
 * known_hosts file is refused, and so is one whose key has changed. No shell of ours sees the command; the one at the
 * far end does, because sshd hands it one line, and for it the path is quoted.
 */
import type { SshRemote } from './git-remote.js';
import type { SourceErrorCode } from './source.js';

export interface SshOptions {
  /** Private key to log in with, and no other; undefined: the agent's, and those that ssh tries by itself. */
  readonly key?: string | undefined;
  /** The only file to find host keys in; undefined: ssh's own, ~/.ssh/known_hosts first. */
  readonly knownHosts?: string | undefined;
}

/** The argv that runs git-upload-pack at the far end. `program` stands for ssh and all its options. */
export function sshCommand(
  { destination, port, path }: SshRemote,
  { program, ...options }: SshOptions & { readonly program?: readonly string[] | undefined },
): { readonly file: string; readonly args: readonly string[] } {
  const [file = 'ssh', ...settings] = program ?? ['ssh', ...sshSettings(options)];
  const portOption = port === undefined ? [] : ['-p', String(port)];
  return { file, args: [...settings, ...portOption, '--', destination, `git-upload-pack ${quote(path)}`] };
}

function sshSettings({ key, knownHosts }: SshOptions): readonly string[] {
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ClearAllForwardings=yes',
    // A host that does not answer is away; one that stops answering is, too.
    'ConnectTimeout=15',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    ...(knownHosts === undefined
      ? []
      : [`UserKnownHostsFile=${word(knownHosts)}`, 'GlobalKnownHostsFile=/dev/null']),
    ...(key === undefined ? [] : [`IdentityFile=${word(key)}`, 'IdentitiesOnly=yes']),
  ];
  return ['-T', ...settings.flatMap((setting) => ['-o', setting])];
}

/** A file name as ssh_config(5) reads it: in quotes, and with its tokens (%h, ${HOME}) switched off. */
function word(file: string): string {
  return `"${file.replaceAll('%', '%%')}"`;
}

/** For the shell at the far end. A leading ~user stays bare, to be expanded. */
function quote(path: string): string {
  const home = /^~[A-Za-z0-9_.-]*\//.exec(path)?.[0] ?? '';
  return `${home}'${path.slice(home.length).replaceAll("'", "'\\''")}'`;
}

export interface SshFailure {
  readonly code: SourceErrorCode;
  readonly remedy: string;
}

/** What ssh's own failure (exit code 255) was: it has no other way to say it than its words, in English always. */
export function explainSshFailure(said: string): SshFailure {
  if (said.includes('HOST IDENTIFICATION HAS CHANGED'))
    return {
      code: 'host-key-changed',
      remedy:
        'The host shows another key than the one in known_hosts: find out why before you replace that line',
    };
  if (said.includes('Host key verification failed') || said.includes('host key is known for'))
    return {
      code: 'host-key-unknown',
      remedy:
        'The key of the host is in no known_hosts file. Check it, and add it to the file that --git-known-hosts names',
    };
  if (said.includes('Permission denied') || said.includes('Too many authentication failures'))
    return { code: 'auth', remedy: 'Give a key that may read it with --git-ssh-key' };
  return { code: 'unreachable', remedy: 'Check the host, its port, and the way there' };
}
