/**
 * What one resource of the manifests means for the store: a change, or nothing.
 *
 * Three values meet here: what the manifest compiles to, what the store holds, and what the inventory says was
 * written last. The first two decide what is written; the third tells a change of mind (update) from somebody
 * else's hand in the store (drift). Values are compared by meaning, and the store's own, never only their hashes.
 */
import { canonicalValue, valueHash } from '../layout/canonical-value.js';
import type { CompiledObject } from '../layout/compile.js';
import { type InventoryRecord, inventoryCodec } from '../layout/records.js';
import type { GuardedWrite, StoreKey } from '../model/store.js';
import { diffObject } from './object-diff.js';
import { findObstacle, wantsAdoption } from './obstacle.js';
import { asSeen, entryOf, foreignClaim, isUnclaimed, type PlanContext } from './plan-context.js';
import type { Change, ChangeAction } from './plan-types.js';
import { isNodeRegistration } from './runtime-keys.js';

export function planObject(object: CompiledObject, context: PlanContext): Change | undefined {
  const obstacle = findObstacle(object, context);
  if (obstacle !== undefined) return blocked(object, obstacle);
  const steps = findSteps(object, context);
  const action = classify(steps);
  if (!action) return undefined;
  const { metadata, kind, origin } = object.resource;
  const reason = explain(action, steps, context);
  return {
    action,
    kind,
    name: metadata.name,
    origin: { file: origin.file, line: origin.line },
    keys: steps.writes.map(({ write }) => ({ key: write.key, op: write.op })),
    diff: diffObject(object, steps, context),
    ...(reason !== undefined && { reason }),
    writes: steps.recordStale ? [...steps.writes, recordWrite(object, steps.hashes, context)] : steps.writes,
    ...(steps.handover && { handover: steps.handover }),
  };
}

/** What has to be done to the keys of one object, and what was found on the way. */
interface ObjectSteps {
  readonly writes: readonly GuardedWrite[];
  /** The inventory has no record of the object, or one of other keys or values. */
  readonly recordStale: boolean;
  /** Undefined for an object that this source has not written yet. */
  readonly record: InventoryRecord | undefined;
  /** Keys that somebody else wrote and the object takes over. */
  readonly adopted: readonly StoreKey[];
  /** Keys that go back to the agent of the node. */
  readonly released: readonly StoreKey[];
  /** What the inventory is to say of the object's keys. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What it says now of keys that another object takes over. */
  readonly handover: Readonly<Record<string, string>> | undefined;
}

function findSteps(object: CompiledObject, context: PlanContext): ObjectSteps {
  const record = context.ownership.owned.get(object.id)?.record;
  const hashes = hashEntries(object);
  const adopted = object.entries.map(({ key }) => key).filter((key) => isUnclaimed(context, key));
  const dropped = droppedKeys(record, context);
  const released = dropped.filter((key) => isNodeRegistration(object.resource.kind, key));
  const surplus = wantsAdoption(object) ? surplusKeys(object, context) : [];
  const deleted = [...dropped.filter((key) => !released.includes(key)), ...surplus];
  return {
    writes: [
      ...object.entries.flatMap(({ key, value }) => putWrite(key, value, context)),
      ...deleted.flatMap((key) => deleteWrite(key, context)),
    ],
    recordStale: !record || !sameHashes(record.keys, hashes),
    record,
    adopted: [...adopted, ...surplus],
    released,
    hashes,
    handover: record && handedOver(object, record, context),
  };
}

function classify(steps: ObjectSteps): ChangeAction | undefined {
  if (steps.adopted.length > 0) return 'adopt';
  if (!steps.record) return 'create';
  if (!steps.recordStale) return steps.writes.length > 0 ? 'drift' : undefined;
  return steps.released.length > 0 && steps.writes.length === 0 ? 'release' : 'update';
}

function explain(action: ChangeAction, steps: ObjectSteps, context: PlanContext): string | undefined {
  const reasons = [
    steps.adopted.length > 0 && `takes over ${steps.adopted.join(', ')}`,
    steps.released.length > 0 && `leaves ${steps.released.join(', ')} to the agent of the node`,
    (action === 'drift' || action === 'update') && describeDisturbances(steps, context),
    action === 'update' &&
      steps.writes.length === 0 &&
      steps.released.length === 0 &&
      'the store holds this already; only the record of it is written',
  ].filter((reason) => typeof reason === 'string' && reason !== '');
  return reasons.length > 0 ? reasons.join('; ') : undefined;
}

/** Keys that hold another value than heddle wrote last, or none. */
function describeDisturbances({ record }: ObjectSteps, context: PlanContext): string {
  return Object.entries(record?.keys ?? {})
    .filter(([key, hash]) => !holdsHash(context, key as StoreKey, hash))
    .map(([key]) => describeDisturbance(key as StoreKey, context))
    .join(', ');
}

function describeDisturbance(key: StoreKey, context: PlanContext): string {
  const entry = entryOf(context, key);
  return entry
    ? `${key} was changed by somebody else at revision ${entry.modRevision}`
    : `${key} was deleted by somebody else`;
}

/** Keys of the last apply that the manifest no longer compiles to, and that no other manifest took over. */
function droppedKeys(record: InventoryRecord | undefined, context: PlanContext): StoreKey[] {
  const keys = Object.keys(record?.keys ?? {}) as StoreKey[];
  return keys.filter((key) => !context.wanted.has(key) && !foreignClaim(context, key));
}

/** Keys that another object of this source wants, and does not have in its own record yet. */
function handedOver(
  object: CompiledObject,
  record: InventoryRecord,
  { wanted, ownership }: PlanContext,
): Readonly<Record<string, string>> | undefined {
  const keys = Object.entries(record.keys).filter(([key]) => {
    const heir = wanted.get(key as StoreKey);
    if (heir === undefined || heir === object.id) return false;
    return ownership.owned.get(heir)?.record?.keys[key] === undefined;
  });
  return keys.length > 0 ? Object.fromEntries(keys) : undefined;
}

/** Keys that somebody else gave the object and that the manifest does not ask for. */
function surplusKeys(object: CompiledObject, context: PlanContext): StoreKey[] {
  const stored = context.store.objects.get(object.storedId);
  return [...(stored?.values.keys() ?? [])].filter(
    (key) =>
      isUnclaimed(context, key) && !context.wanted.has(key) && !isNodeRegistration(object.resource.kind, key),
  );
}

function putWrite(key: StoreKey, value: string, context: PlanContext): GuardedWrite[] {
  const entry = entryOf(context, key);
  if (entry && sameMeaning(entry.value, value)) return [];
  return [{ write: { op: 'put', key, value }, compare: asSeen(key, entry) }];
}

function sameMeaning(a: string, b: string): boolean {
  return a === b || canonicalValue(a) === canonicalValue(b);
}

function deleteWrite(key: StoreKey, context: PlanContext): GuardedWrite[] {
  const entry = entryOf(context, key);
  return entry ? [{ write: { op: 'delete', key }, compare: asSeen(key, entry) }] : [];
}

function recordWrite(
  object: CompiledObject,
  hashes: Readonly<Record<string, string>>,
  context: PlanContext,
): GuardedWrite {
  const { kind, metadata, origin } = object.resource;
  const key = context.layout.keys.inventory(context.source, kind, metadata.name);
  const record: InventoryRecord = {
    keys: hashes,
    file: origin.file,
    line: origin.line,
    commit: context.commit,
  };
  return {
    write: { op: 'put', key, value: inventoryCodec.encode(record) },
    compare: asSeen(key, entryOf(context, key)),
  };
}

function hashEntries(object: CompiledObject): Record<string, string> {
  return Object.fromEntries(object.entries.map(({ key, value }) => [key, valueHash(value)]));
}

function sameHashes(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function holdsHash(context: PlanContext, key: StoreKey, hash: string): boolean {
  const entry = entryOf(context, key);
  return entry !== undefined && valueHash(entry.value) === hash;
}

function blocked(object: CompiledObject, reason: string): Change {
  const { kind, metadata, origin } = object.resource;
  return {
    action: 'blocked',
    kind,
    name: metadata.name,
    origin: { file: origin.file, line: origin.line },
    keys: [],
    diff: [],
    reason,
    writes: [],
  };
}
