/**
 * What differs between an object in the store and its manifest, in the words of the manifest.
 *
 * Both sides are decoded from keys and values by the same codec, so that what the compiled form cannot hold, or
 * spells in another way, is no difference. Where that shows nothing, or a value cannot be read, the keys differ
 * and are shown themselves.
 */
import type { CompiledObject } from '../layout/compile.js';
import type { StoredId } from '../layout/layout.js';
import type { Resource } from '../model/resource.js';
import { shallow } from '../model/shallow.js';
import type { GuardedWrite, StoreKey } from '../model/store.js';
import { diffFields, listFields } from './field-diff.js';
import { entryOf, type PlanContext } from './plan-context.js';
import type { FieldDiff } from './plan-types.js';
import { decodeStored } from './store-index.js';

export interface ObjectDiffInput {
  readonly writes: readonly GuardedWrite[];
  readonly record: { readonly keys: Readonly<Record<string, string>> } | undefined;
}

/** Fields that the steps would change; of a new object all fields. */
export function diffObject(
  object: CompiledObject,
  steps: ObjectDiffInput,
  context: PlanContext,
): FieldDiff[] {
  const after = decodeGroup(
    object.storedId,
    new Map(object.entries.map(({ key, value }) => [key, value])),
    context,
  );
  const keys = [
    ...object.entries.map(({ key }) => key),
    ...(Object.keys(steps.record?.keys ?? {}) as StoreKey[]),
    ...steps.writes.map(({ write }) => write.key),
  ];
  const stored = storedGroup(keys, object.storedId, context);
  const before = stored && decodeGroup(stored.id, stored.values, context);
  if (!after || (stored && !before)) return diffKeys(steps.writes, context);
  if (!before) return fieldsOf(after, 'after');
  const fields = diffFields(comparable(before), comparable(after));
  return fields.length > 0 ? fields : diffKeys(steps.writes, context);
}

/** The fields that go with an object that is deleted. */
export function diffDeletedObject(keys: readonly StoreKey[], context: PlanContext): FieldDiff[] {
  const stored = storedGroup(keys, undefined, context);
  const before = stored && decodeGroup(stored.id, stored.values, context);
  return before ? fieldsOf(before, 'before') : [];
}

/** The object that these keys hold now: the preferred one, or the first when the object has moved. */
function storedGroup(
  keys: readonly StoreKey[],
  preferred: StoredId | undefined,
  context: PlanContext,
): { readonly id: StoredId; readonly values: ReadonlyMap<StoreKey, string> } | undefined {
  const groups = new Map<StoredId, Map<StoreKey, string>>();
  for (const key of new Set(keys)) {
    const entry = entryOf(context, key);
    const owner = entry && context.layout.identify(key);
    if (owner?.type !== 'resource') continue;
    const group = groups.get(owner.id) ?? new Map<StoreKey, string>();
    groups.set(owner.id, group.set(key, entry?.value ?? ''));
  }
  const found = [...groups].map(([id, values]) => ({ id, values }));
  return found.find(({ id }) => id === preferred) ?? found[0];
}

function decodeGroup(
  id: StoredId,
  values: ReadonlyMap<StoreKey, string>,
  context: PlanContext,
): Resource | undefined {
  const own = [...values].filter(([key]) => context.layout.identify(key)?.type === 'resource');
  return decodeStored(id, new Map(own), context.layout);
}

function diffKeys(writes: readonly GuardedWrite[], context: PlanContext): FieldDiff[] {
  return writes.flatMap(({ write }) =>
    diffFields(
      readable(entryOf(context, write.key)?.value),
      write.op === 'put' ? readable(write.value) : undefined,
      write.key,
    ),
  );
}

/** Deeper than any manifest. What somebody else wrote may be deeper than the stack, and equal down to here. */
const COMPARED_LEVELS = 32;

/** JSON as what it says, so that secrets in it are found; other text as it is. */
function readable(value: string | undefined): unknown {
  if (value === undefined || !/^\s*[[{]/.test(value)) return value;
  try {
    return shallow(JSON.parse(value), COMPARED_LEVELS);
  } catch {
    return value;
  }
}

function fieldsOf(resource: Resource, side: 'before' | 'after'): FieldDiff[] {
  const { metadata, spec } = comparable(resource);
  const labels = Object.keys(metadata.labels).length > 0 ? listFields(metadata, 'metadata', side) : [];
  return [...labels, ...listFields(spec, 'spec', side)];
}

function comparable(resource: Resource) {
  return { metadata: { labels: resource.metadata.labels }, spec: resource.spec };
}
