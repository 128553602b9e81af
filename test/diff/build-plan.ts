/** Plans by hand, for what only reads them: renderers, exit codes, the order. */
import type { Change, ChangeAction, Guard, Plan } from '../../src/diff/plan-types.js';
import type { Kind } from '../../src/model/resource.js';
import type { Revision, StoreEntry } from '../../src/model/store.js';

export const COMMIT = 'a1b2c3d4e5f60718293a4b5c6d7e8f9011223344';
const LIVE = '9f8e7d6c5b4a39281706f5e4d3c2b1a099887766';

export function change(
  action: ChangeAction,
  kind: Kind,
  name: string,
  rest: Partial<Omit<Change, 'action' | 'kind' | 'name'>> = {},
): Change {
  return { action, kind, name, origin: undefined, keys: [], diff: [], writes: [], ...rest };
}

export function plan(changes: readonly Change[], guards: readonly Guard[] = []): Plan {
  const head = {
    seq: 411,
    commit: LIVE,
    tree: 't1',
    author: 'Ada <ada@example.org>',
    message: 'm',
    time: 'now',
  };
  const headEntry: StoreEntry = {
    value: JSON.stringify(head),
    modRevision: 8000 as Revision,
    createRevision: 5 as Revision,
  };
  const base = { revision: 8812 as Revision, head, headEntry, readyEntry: undefined, series: undefined };
  const version = {
    commit: COMMIT,
    tree: 't2',
    author: 'Ada <ada@example.org>',
    message: 'Open the database',
  };
  return { source: 'default', ...version, base, changes, guards };
}
