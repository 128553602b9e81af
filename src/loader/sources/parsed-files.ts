/**
 * Parsed manifests below the cache folder, so that a restarted process parses only what has changed.
 *
 * A file is known by its blob id, its path (which is in every message and origin), and a digest of the code that parsed
 * it: any other version of heddle finds nothing. What is torn, damaged or not ours is parsed again. Nobody else may
 * write to the folder, since what lies in it is believed; where that cannot be had, nothing is kept.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import type { ParsedFiles } from '../load.js';
import type { ParsedFile } from '../parse-file.js';
import type { SourceFile } from './source.js';

/**
 * undefined where no folder can be had that is ours alone. `owner` tells those apart that read different repositories
 * and share a cache folder. `code`: what parses.
 */
export function openParsedFiles(
  cacheDir: string,
  owner: string,
  code: string = codeDigest(),
): ParsedFiles | undefined {
  const folder = join(cacheDir, `parsed-${digest(owner).slice(0, 16)}`);
  return isPrivateFolder(folder) ? new ParsedFolder(folder, code) : undefined;
}

class ParsedFolder implements ParsedFiles {
  readonly #folder: string;
  readonly #code: string;

  constructor(folder: string, code: string) {
    this.#folder = folder;
    this.#code = code;
  }

  get(file: SourceFile): ParsedFile | undefined {
    try {
      const content = readFileSync(this.#path(file));
      const payload = content.subarray(CHECKSUM_BYTES);
      const isWhole = checksum(payload).equals(content.subarray(0, CHECKSUM_BYTES));
      return isWhole ? (deserialize(payload) as ParsedFile) : undefined;
    } catch {
      // It is not there, or not readable: both mean that the file is parsed.
      return undefined;
    }
  }

  put(file: SourceFile, parsed: ParsedFile): void {
    const payload = serialize(parsed);
    const path = this.#path(file);
    const aside = `${path}.${process.pid}.tmp`;
    try {
      writeFileSync(aside, Buffer.concat([checksum(payload), payload]), { mode: 0o600 });
      renameSync(aside, path);
    } catch {
      // A full disk costs time at the next start, and nothing else.
      rmSync(aside, { force: true });
    }
  }

  /** Others of the same repository may be a commit ahead or behind: not everything that is old goes at once. */
  keep(files: readonly SourceFile[]): void {
    const wanted = new Set(files.map((file) => this.#name(file)));
    try {
      const names = readdirSync(this.#folder);
      if (names.length <= 2 * wanted.size + SPARE_FILES) return;
      for (const name of names) if (!wanted.has(name)) rmSync(join(this.#folder, name), { force: true });
    } catch {
      // Whoever removed the folder has made room himself.
    }
  }

  #path(file: SourceFile): string {
    return join(this.#folder, this.#name(file));
  }

  #name({ blobId, path }: SourceFile): string {
    return digest(`${this.#code} ${blobId} ${path}`);
  }
}

const CHECKSUM_BYTES = 32;
const SPARE_FILES = 100;

function isPrivateFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Of everything that a parsed file depends on besides its bytes: our code, and the versions of packages. */
function codeDigest(): string {
  const hash = createHash('sha256').update(process.version);
  for (const room of ['..', '../../model', '../../../schemas'])
    for (const file of filesIn(fileURLToPath(new URL(room, import.meta.url))))
      hash.update(readFileSync(file));
  return hash.update(packageVersions()).digest('hex');
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(?:js|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** package.json pins them. */
function packageVersions(): Buffer {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) return readFileSync(file);
    if (folder.pathname === '/') return Buffer.alloc(0);
  }
}

function checksum(payload: Uint8Array): Buffer {
  return createHash('sha256').update(payload).digest();
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
