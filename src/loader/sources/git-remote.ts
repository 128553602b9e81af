/**
 * Where a repository is: what `--repo` says, taken apart.
 *
 * git knows three ways to write it: a URL, the short ssh form `user@host:path`, and a path. Credentials inside a
 * URL are taken out at once, so that no message, file or child process ever sees them.
 */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourceError } from './source.js';

interface HttpRemote {
  readonly type: 'http';
  /** Without credentials. */
  readonly url: string;
  readonly credentials: Credentials | undefined;
}
export interface SshRemote {
  readonly type: 'ssh';
  /** `user@host`, or the host alone. */
  readonly destination: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly url: string;
}
export interface LocalRemote {
  readonly type: 'local';
  /** Absolute. */
  readonly path: string;
}
export type GitRemote = HttpRemote | SshRemote | LocalRemote;

export type Credentials =
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'bearer'; readonly token: string };

/** Reads a URL; undefined for a path. @throws {SourceError} for a URL that heddle does not fetch from. */
export function parseRemote(text: string): GitRemote | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseUrl(text);
  const short = /^([^/@:]+@[^/@:]+):(.+)$/.exec(text);
  return short ? sshRemote(short[1] ?? '', undefined, short[2] ?? '', text) : undefined;
}

export function localRemote(path: string): LocalRemote {
  return { type: 'local', path: isAbsolute(path) ? path : resolve(path) };
}

/** For people. */
export function describeRemote(remote: GitRemote): string {
  return remote.type === 'local' ? remote.path : remote.url;
}

function parseUrl(text: string): GitRemote {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  switch (url?.protocol) {
    case 'http:':
    case 'https:':
      return httpRemote(url);
    case 'ssh:':
      return sshUrl(url);
    case 'file:':
      return localUrl(url);
    default:
      throw new SourceError(
        'not-found',
        `${redact(text)}: no URL that heddle can read. Use https://, ssh://, file://, user@host:path or a folder`,
      );
  }
}

function httpRemote(url: URL): HttpRemote {
  const { username, password } = url;
  url.username = '';
  url.password = '';
  return {
    type: 'http',
    url: url.href.replace(/\/+$/, ''),
    credentials:
      username || password
        ? {
            type: 'basic',
            username: decodeURIComponent(username),
            password: decodeURIComponent(password),
          }
        : undefined,
  };
}

function localUrl(url: URL): LocalRemote {
  if (url.host !== '' && url.host !== 'localhost')
    throw new SourceError('not-found', `${url.href}: a file URL names no host. Write file:///path`);
  url.host = '';
  return { type: 'local', path: fileURLToPath(url) };
}

function sshUrl(url: URL): SshRemote {
  const user = url.username === '' ? '' : `${decodeURIComponent(url.username)}@`;
  // ssh://host/~ada/net is a path relative to a home directory, as with git.
  const path = decodeURIComponent(url.pathname).replace(/^\/~/, '~');
  url.password = '';
  return sshRemote(`${user}${url.hostname}`, url.port === '' ? undefined : Number(url.port), path, url.href);
}

function sshRemote(destination: string, port: number | undefined, path: string, url: string): SshRemote {
  // ssh would take a leading dash for an option, and an option can run a program (CVE-2017-1000117).
  if (destination.startsWith('-') || destination.includes('@-') || path.startsWith('-'))
    throw new SourceError('not-found', `${url}: neither host nor path may start with a dash`);
  return { type: 'ssh', destination, port, path, url };
}

function redact(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//');
}
