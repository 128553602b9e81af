/**
 * One connection to a repository, in the form isomorphic-git takes: an http plugin and the URL to give it.
 */
import type { HttpClient } from 'isomorphic-git';
import { gitHttpClient } from './git-http-client.js';
import { type Credentials, describeRemote, type GitRemote } from './git-remote.js';
import { explainSshFailure, type SshOptions, sshCommand } from './ssh-command.js';
import { UPLOAD_PACK_URL, type UploadPackCommand, UploadPackHttp } from './upload-pack-http.js';

export interface TransportOptions {
  /** For https; those in the URL when absent. */
  readonly credentials?: Credentials;
  /** Certificates to trust for https instead of the system's, in PEM. */
  readonly ca?: string;
  readonly ssh?: SshOptions;
  /** The ssh program and its options, instead of ssh with ours. */
  readonly sshCommand?: readonly string[];
  /** Without a byte for this long, the other end is taken to be away. In ms. */
  readonly idleTimeoutMs?: number;
}

export interface GitTransport extends AsyncDisposable {
  readonly http: HttpClient;
  readonly url: string;
  /** Version 2 lists only the refs that are asked for; a process on a pipe speaks the first one here. */
  readonly protocolVersion: 1 | 2;
}

/** Servers of large repositories think for a while before they send; a minute is what none needs. */
const IDLE_TIMEOUT_MS = 60_000;

export function connect(remote: GitRemote, options: TransportOptions, signal: AbortSignal): GitTransport {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  if (remote.type === 'http') {
    const credentials = options.credentials ?? remote.credentials;
    return {
      http: gitHttpClient({ credentials, ca: options.ca, idleTimeoutMs, signal }),
      url: remote.url,
      protocolVersion: 2,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const http = new UploadPackHttp({ ...uploadPack(remote, options), idleTimeoutMs }, signal);
  return {
    http,
    url: UPLOAD_PACK_URL,
    protocolVersion: 1,
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function uploadPack(
  remote: Exclude<GitRemote, { type: 'http' }>,
  { ssh, sshCommand: program }: TransportOptions,
): Omit<UploadPackCommand, 'idleTimeoutMs'> {
  const repository = describeRemote(remote);
  if (remote.type === 'ssh')
    return { ...sshCommand(remote, { ...ssh, program }), repository, explain: explainSshFailure };
  // Whoever can read the folder can read every object in it, so any commit may be asked for.
  const args = ['-c', 'uploadpack.allowAnySHA1InWant=true', 'upload-pack', remote.path];
  return { file: 'git', args, repository };
}
