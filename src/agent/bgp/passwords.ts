/**
 * Passwords of sessions (RFC 2385), from files below the secrets directory.
 *
 * A password goes from its file into the daemon's configuration and nowhere else; messages name the file. One that
 * cannot be had concerns its own session only: that session is left out, and the others go on.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BgpSession } from '../../topology/bgp-model.js';
import { type PasswordOf, passwordFile, passwordFrom, passwordProblem } from './password-file.js';

export interface ReadPasswords {
  /** Sessions that need no password, or have theirs. */
  readonly usable: readonly BgpSession[];
  /** The others, and why. */
  readonly problems: ReadonlyMap<BgpSession, string>;
  /** Of the usable sessions. */
  readonly passwordOf: PasswordOf;
}

/** @param secretsDir undefined: the agent was given none */
export async function readPasswords(
  sessions: readonly BgpSession[],
  secretsDir: string | undefined,
): Promise<ReadPasswords> {
  const references = sessions.flatMap(({ password }) => password ?? []);
  const read = new Map<string, ReadPassword>();
  for (const file of new Set(references.map(passwordFile))) read.set(file, await readOne(file, secretsDir));
  const problems = new Map<BgpSession, string>();
  for (const session of sessions) {
    const found = session.password && read.get(passwordFile(session.password));
    if (found?.problem !== undefined) problems.set(session, found.problem);
  }
  return {
    usable: sessions.filter((session) => !problems.has(session)),
    problems,
    passwordOf: (reference) => read.get(passwordFile(reference))?.password ?? '',
  };
}

type ReadPassword =
  | { readonly password: string; readonly problem?: undefined }
  | { readonly password?: undefined; readonly problem: string };

async function readOne(file: string, secretsDir: string | undefined): Promise<ReadPassword> {
  if (secretsDir === undefined)
    return { problem: `the password file ${file} cannot be found: the agent has no --secrets-dir` };
  let content: string;
  try {
    content = await readFile(join(secretsDir, file), 'utf8');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return { problem: `the password file ${join(secretsDir, file)} cannot be read: ${code}` };
  }
  const password = passwordFrom(content);
  const problem = passwordProblem(password);
  return problem === undefined
    ? { password }
    : { problem: `the password in ${join(secretsDir, file)} ${problem}` };
}
