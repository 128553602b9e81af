/**
 * Replacing a configuration file: a reader sees the old text or the new one, whole, whatever fails (rename(2)).
 *
 * The new text is written beside the file and synced before it takes its place, so a full disk or a power cut leaves
 * the old file. Owner and mode of a file that exists are kept. A new one is for the owner of its folder only: sessions
 * may have passwords, and a BIRD that others run has given up root by the time it reads the file (Debian's folder is
 * that user's).
 */
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A new text for a file, on disk and not yet in its place. */
export interface StagedFile extends AsyncDisposable {
  /** Where the new text is meanwhile. */
  readonly path: string;
  /** Puts it into its place, for good. */
  commit(): Promise<void>;
}

/** Writes `text` beside `file`. Disposing removes it again unless it was committed. */
export async function stageFile(file: string, text: string): Promise<StagedFile> {
  const path = `${file}.new`;
  await rm(path, { force: true });
  const before = await ownerAndMode(file);
  const { uid, gid } = before ?? (await stat(dirname(file)));
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.chown(uid, gid);
    if (before) await handle.chmod(before.mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return {
    path,
    async commit() {
      await rename(path, file);
      await syncDirectory(dirname(file));
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
    },
  };
}

/** The text of a file; undefined when there is no such file. */
export async function readText(file: string): Promise<string | undefined> {
  return unlessAbsent(readFile(file, 'utf8'));
}

async function ownerAndMode(file: string): Promise<{ uid: number; gid: number; mode: number } | undefined> {
  const found = await unlessAbsent(stat(file));
  return found && { uid: found.uid, gid: found.gid, mode: found.mode & 0o777 };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle: FileHandle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
