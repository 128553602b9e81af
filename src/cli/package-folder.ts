/** Where the files are that are shipped beside the code: schemas, examples, package.json. */
import { existsSync } from 'node:fs';

/** The folder of the package, as a file URL: the nearest one above this file that has a package.json. */
export function packageFolder(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const parent = new URL('..', folder);
    if (parent.href === folder.href) throw new Error(`No package.json above ${import.meta.url}`);
    folder = parent;
  }
  return folder;
}
