/**
 * What a password of a session (RFC 2385) may be, and where it lies. PURE: passwords.ts reads it.
 */
import type { SecretReference } from '../../model/specs.generated.js';

export type PasswordOf = (reference: SecretReference) => string;

/** What stands for a password where people look. */
export const REDACTED: PasswordOf = () => '<redacted>';

/** The name of the file, below the secrets directory. */
export function passwordFile(reference: SecretReference): string {
  if ('file' in reference) return reference.file;
  const { name, key } = reference.secretKeyRef;
  return `${name}/${key}`;
}

/** The content of a file as a password: without its last line end. */
export function passwordFrom(content: string): string {
  return content.replace(/\r?\n$/, '');
}

/** Why the daemon cannot take this text; undefined: it can. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'is empty';
  // TCP_MD5SIG_MAXKEYLEN of tcp(7).
  if (Buffer.byteLength(password) > 80) return 'has more than 80 bytes, which TCP has no room for';
  if (/[^ !#-~]/.test(password)) return 'has other characters than printable ASCII without double quotes';
  return undefined;
}
