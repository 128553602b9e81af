/**
 * What isomorphic-git, node and the network say, as SourceErrors with a remedy.
 *
 * Nothing is decided by the text of a message: isomorphic-git's errors carry a `code` of their own, node's one of
 * errno(3) or of TLS.
 */
import { SourceError, type SourceErrorCode } from './source.js';

/** The same fault as a SourceError of the repository; aborts and SourceErrors pass unchanged. */
export function toSourceError(error: unknown, repository: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof SourceError || (error instanceof Error && error.name === 'AbortError')) return error;
  const { code, data } = describe(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === 'HttpError') return httpError(Number(data?.statusCode), repository, error);
  if (code === 'SmartHttpError' || code === 'EmptyServerResponseError')
    return raise('not-found', `${repository}: there is a server, but no git repository at this address`);
  if (typeof code === 'string' && (code.startsWith('CERT_') || TLS_CODES.has(code)))
    return raise(
      'unreachable',
      `${repository}: the certificate is not trusted (${code}). Give its CA with --git-ca`,
    );
  if (typeof code === 'string' && NETWORK_CODES.has(code))
    return raise('unreachable', `${repository}: cannot be reached: ${text}`);
  if (typeof code === 'string' && LOCAL_CODES.has(code))
    return raise('unreachable', `${repository}: cannot be fetched into the cache folder: ${text}`);
  return raise('corrupt', `${repository}: what it sent cannot be read: ${text}`);

  function raise(sourceCode: SourceErrorCode, message: string): SourceError {
    return new SourceError(sourceCode, message, { cause: error });
  }
}

/** True when objects in the cache are missing or broken, rather than the remote out of reach. */
export function isDamage(error: unknown): boolean {
  const fault = toSourceError(error, '', NEVER);
  return fault instanceof SourceError && fault.code === 'corrupt';
}

const NEVER = new AbortController().signal;

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
  'HPE_INVALID_CONSTANT',
]);

/** What a file system says that is full or may not be written. */
const LOCAL_CODES = new Set(['EACCES', 'EDQUOT', 'EIO', 'EMFILE', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS']);

const TLS_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function describe(error: unknown): { code?: unknown; data?: Readonly<Record<string, unknown>> } {
  return typeof error === 'object' && error !== null ? error : {};
}

function httpError(status: number, repository: string, cause: unknown): SourceError {
  if (status === 401 || status === 403) {
    const remedy = 'Give a user and password, or a token, that may read it';
    return new SourceError('auth', `${repository}: access denied (HTTP ${status}). ${remedy}`, { cause });
  }
  if (status === 404 || status === 410) {
    const remedy = 'Check the address; some servers also say this when credentials are missing';
    return new SourceError('not-found', `${repository}: not found (HTTP ${status}). ${remedy}`, { cause });
  }
  return new SourceError('unreachable', `${repository}: the server answers HTTP ${status}`, { cause });
}
