/**
 * A desired state as the store would hold it: each resource with its keys and values.
 *
 * This is the half of the plan that does not look at the store. Two resources may differ in name and still be one
 * object in etcd (pools by network, peers by address) or claim one address; a manifest cannot see that, so it is
 * found here, and said of both places.
 */
import type { Cidr } from '../model/address.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { type DesiredState, idOf, type Resource, type ResourceId, resourcesOf } from '../model/resource.js';
import { parseScope } from '../model/scope.js';
import type { StoreKey } from '../model/store.js';
import type { EncodeContext, KeyValue, Layout, StoredId } from './layout.js';

export interface CompiledObject {
  readonly id: ResourceId;
  readonly resource: Resource;
  readonly storedId: StoredId;
  /** At least one; sorted by key. */
  readonly entries: readonly KeyValue[];
}

export interface CompiledState {
  /** In the order of the desired state. Resources without a key (tests, empty configurations) are not here. */
  readonly objects: ReadonlyMap<ResourceId, CompiledObject>;
  /** Errors only. With one or more, `objects` must not be written. */
  readonly diagnostics: readonly Diagnostic[];
}

export function compileState(desired: DesiredState, layout: Layout): CompiledState {
  const context = { pools: poolsOf(desired) };
  const objects = new Map<ResourceId, CompiledObject>();
  const holders = new Map<StoreKey, Resource>();
  const diagnostics: Diagnostic[] = [];
  for (const resource of desired.values()) {
    const misnamed = checkScope(resource);
    if (misnamed) {
      diagnostics.push(misnamed);
      continue;
    }
    const object = compileResource(resource, layout, context);
    if (!object) continue;
    if ('severity' in object) {
      diagnostics.push(object);
      continue;
    }
    objects.set(object.id, object);
    diagnostics.push(...claim(object, holders, layout));
  }
  return { objects, diagnostics };
}

function poolsOf(desired: DesiredState): readonly Cidr[] {
  return resourcesOf(desired.values(), 'IPPool').map(({ spec }) => spec.cidr);
}

/** A configuration whose name is no scope would have no keys, and silently no effect. */
function checkScope(resource: Resource): Diagnostic | undefined {
  const { kind, metadata } = resource;
  if (kind !== 'AgentConfiguration' && kind !== 'BGPConfiguration') return undefined;
  if (parseScope(metadata.name)) return undefined;
  return unfitName(
    resource,
    `A ${kind} is named "default" or "node." and the name of a node`,
    `For the node ${metadata.name}: node.${metadata.name}`,
  );
}

/** Undefined for what has no keys. A diagnostic for keys that no reader would take for an object: nothing is lost silently. */
function compileResource(
  resource: Resource,
  layout: Layout,
  context: EncodeContext,
): CompiledObject | Diagnostic | undefined {
  const entries = layout.encode(resource, context).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key } of entries) {
    const owner = layout.identify(key);
    if (owner?.type === 'resource') return { id: idOf(resource), resource, storedId: owner.id, entries };
  }
  const [first] = entries;
  return (
    first &&
    unfitName(
      resource,
      `A ${resource.kind} of this name would lie at ${first.key}, where no agent would look for it`,
      'Give it another name',
    )
  );
}

function unfitName({ metadata, origin }: Resource, message: string, hint: string): Diagnostic {
  const place = { origin, path: '/metadata/name', value: metadata.name };
  return { severity: 'error', code: 'invalid-value', ...place, message, hint };
}

/** Takes the keys of an object. One diagnostic for each other resource that has taken one of them before. */
function claim(
  { resource, entries }: CompiledObject,
  holders: Map<StoreKey, Resource>,
  layout: Layout,
): readonly Diagnostic[] {
  const rivals = new Map<Resource, StoreKey>();
  for (const { key } of entries) {
    const holder = holders.get(key);
    if (!holder) holders.set(key, resource);
    else if (!rivals.has(holder)) rivals.set(holder, key);
  }
  return [...rivals].map(([holder, key]) => conflict(resource, holder, key, layout));
}

function conflict(resource: Resource, holder: Resource, key: StoreKey, layout: Layout): Diagnostic {
  const owner = layout.identify(key);
  const [here, there] = [describe(resource), describe(holder)];
  const isAddress = owner?.type === 'assignment';
  return {
    severity: 'error',
    code: 'conflicting-resources',
    origin: resource.origin,
    path: isAddress ? '/spec/ipNetworks' : '',
    value: isAddress ? owner.address : key,
    message: isAddress
      ? `The address ${owner.address} belongs to both ${here} and ${there}; an address has one endpoint`
      : `${here} and ${there} are one object in etcd, at ${key}`,
    hint: isAddress ? 'Give one of them another address' : 'Remove one of them, or merge them',
  };
}

function describe({ kind, metadata, origin }: Resource): string {
  return `${kind}/${metadata.name} (${origin.file}:${origin.line})`;
}
