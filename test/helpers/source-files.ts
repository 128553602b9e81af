/** Files as a source hands them over, without any source. */
import { createHash } from 'node:crypto';
import type { SourceFile } from '../../src/loader/sources/source.js';

/** Files of a source that exists only in a test: text or bytes by path. */
export function sourceFiles(files: Readonly<Record<string, string | Uint8Array>>): SourceFile[] {
  return Object.entries(files).map(([path, content]) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return { path, bytes, blobId: createHash('sha1').update(bytes).digest('hex') };
  });
}
