/**
 * What becomes of a resource that the inventory lists and no manifest names any more.
 *
 * Only keys of its record are deleted, and of those only what is still there and nobody else has taken over. A Node takes
 * along what its agent has registered for it, which is in no record: left alone, those keys would be a host that is
 * nobody's, and a neighbour that never comes up to all others.
 */
import type { Kind } from '../model/resource.js';
import type { GuardedWrite, StoreKey } from '../model/store.js';
import { diffDeletedObject } from './object-diff.js';
import type { OwnedObject } from './ownership.js';
import { asSeen, entryOf, foreignClaim, isUnclaimed, type PlanContext } from './plan-context.js';
import type { Change } from './plan-types.js';
import { isNodeRegistration } from './runtime-keys.js';

export function planDeletion(owned: OwnedObject, context: PlanContext): Change {
  const { record, recordKey, recordEntry, kind, name } = owned;
  if (!record) return unreadable(owned);
  const recorded = Object.keys(record.keys) as StoreKey[];
  const listed = [...recorded, ...registrationOf(kind, recorded, context)];
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

/** What an agent has written of this Node, as far as no source claims it. */
function registrationOf(
  kind: Kind,
  recorded: readonly StoreKey[],
  context: PlanContext,
): readonly StoreKey[] {
  if (kind !== 'Node') return [];
  const owners = recorded.flatMap((key) => {
    const owner = context.layout.identify(key);
    return owner?.type === 'resource' && owner.kind === 'Node' ? [owner.id] : [];
  });
  const keys = [...new Set(owners)].flatMap((id) => [
    ...(context.store.objects.get(id)?.values.keys() ?? []),
  ]);
  return keys.filter((key) => isNodeRegistration(kind, key) && isUnclaimed(context, key));
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
