/**
 * What becomes of a resource that the inventory lists and no manifest names any more.
 *
 * Only keys of its record are deleted, and of those only what is still there and nobody else has taken over.
 */
import type { GuardedWrite, StoreKey } from '../model/store.js';
import { diffDeletedObject } from './object-diff.js';
import type { OwnedObject } from './ownership.js';
import { asSeen, entryOf, foreignClaim, type PlanContext } from './plan-context.js';
import type { Change } from './plan-types.js';

export function planDeletion(owned: OwnedObject, context: PlanContext): Change {
  const { record, recordKey, recordEntry, kind, name } = owned;
  if (!record) return unreadable(owned);
  const listed = Object.keys(record.keys) as StoreKey[];
  const moved = listed.filter((key) => context.wanted.has(key) || foreignClaim(context, key));
  const deletions = listed
    .filter((key) => !moved.includes(key))
    .flatMap((key): GuardedWrite[] => {
      const entry = entryOf(context, key);
      return entry ? [{ write: { op: 'delete', key }, compare: asSeen(key, entry) }] : [];
    });
  return {
    action: 'delete',
    kind,
    name,
    origin: { file: record.file, line: record.line },
    keys: deletions.map(({ write }) => ({ key: write.key, op: write.op })),
    diff: diffDeletedObject(listed, context),
    ...(moved.length > 0 && { reason: moved.map((key) => describeMove(key, context)).join('; ') }),
    writes: [
      ...deletions,
      { write: { op: 'delete', key: recordKey }, compare: asSeen(recordKey, recordEntry) },
    ],
  };
}

function describeMove(key: StoreKey, context: PlanContext): string {
  const heir = context.wanted.get(key);
  const claim = foreignClaim(context, key);
  return heir === undefined
    ? `${key} stays: source ${claim?.source} has it as well`
    : `${key} goes over to ${heir}`;
}

function unreadable({ kind, name, recordKey }: OwnedObject): Change {
  return {
    action: 'blocked',
    kind,
    name,
    origin: undefined,
    keys: [],
    diff: [],
    reason: `its inventory record ${recordKey} cannot be read, so its keys are not known: delete them and the record by hand`,
    writes: [],
  };
}
