/**
 * One connection to a repository, in the form isomorphic-git takes: an http plugin and the URL to give it.
 */
import type { HttpClient } from 'isomorphic-git';
import { gitHttpClient } from './git-http-client.js';
import { type Credentials, describeRemote, type GitRemote, type SshRemote } from './git-remote.js';
import { UPLOAD_PACK_URL, type UploadPackCommand, UploadPackHttp } from './upload-pack-http.js';

export interface TransportOptions {
  /** For https; those in the URL when absent. */
  readonly credentials?: Credentials;
  /** Certificates to trust for https instead of the system's, in PEM. */
  readonly ca?: string;
  /** The ssh program and its options, instead of `ssh -o BatchMode=yes`. */
  readonly sshCommand?: readonly string[];
}

export interface GitTransport extends AsyncDisposable {
  readonly http: HttpClient;
  readonly url: string;
  /** Version 2 lists only the refs that are asked for; a process on a pipe speaks the first one here. */
  readonly protocolVersion: 1 | 2;
}

export function connect(remote: GitRemote, options: TransportOptions, signal: AbortSignal): GitTransport {
  if (remote.type === 'http') {
    const credentials = options.credentials ?? remote.credentials;
    return {
      http: gitHttpClient({ credentials, ca: options.ca, signal }),
      url: remote.url,
      protocolVersion: 2,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const http = new UploadPackHttp(uploadPack(remote, options), signal);
  return {
    http,
    url: UPLOAD_PACK_URL,
    protocolVersion: 1,
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function uploadPack(
  remote: Exclude<GitRemote, { type: 'http' }>,
  options: TransportOptions,
): UploadPackCommand {
  const repository = describeRemote(remote);
  if (remote.type === 'ssh') return { ...sshCommand(remote, options.sshCommand), repository };
  // Whoever can read the folder can read every object in it, so any commit may be asked for.
  const args = ['-c', 'uploadpack.allowAnySHA1InWant=true', 'upload-pack', remote.path];
  return { file: 'git', args, repository };
}

function sshCommand(
  { destination, port, path }: SshRemote,
  [file = 'ssh', ...options]: readonly string[] = ['ssh', '-o', 'BatchMode=yes'],
): Pick<UploadPackCommand, 'file' | 'args'> {
  const portOption = port === undefined ? [] : ['-p', String(port)];
  return { file, args: [...options, ...portOption, '--', destination, `git-upload-pack ${quote(path)}`] };
}

/** For the shell at the far end; sshd gives it the command as one line. A leading ~user stays bare, to be expanded. */
function quote(path: string): string {
  const home = /^~[A-Za-z0-9_.-]*\//.exec(path)?.[0] ?? '';
  return `${home}'${path.slice(home.length).replaceAll("'", "'\\''")}'`;
}
