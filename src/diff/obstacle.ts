/**
 * Why an object of the manifests cannot be written: a key that it needs is somebody else's.
 *
 * Nothing is taken over silently. A key outside every inventory needs the manifest's word (heddle/adopt), a key
 * of another source never moves, and an address that another endpoint holds stays with it, adopted or not.
 */
import type { CompiledObject } from '../layout/compile.js';
import type { Address } from '../model/address.js';
import type { StoreKey } from '../model/store.js';
import { foreignClaim, isUnclaimed, type PlanContext } from './plan-context.js';
import { isNodeRegistration } from './runtime-keys.js';

export const ADOPT_ANNOTATION = 'heddle/adopt';
const ADOPT = `add the annotation ${ADOPT_ANNOTATION}: "true"`;

/** True when the manifest says that what is in the store under its name is to become its own. */
export function wantsAdoption(object: CompiledObject): boolean {
  return object.resource.metadata.annotations[ADOPT_ANNOTATION] === 'true';
}

/** What stands in the way, each with its remedy; undefined when nothing does. */
export function findObstacle(object: CompiledObject, context: PlanContext): string | undefined {
  const owned = context.ownership.owned.get(object.id);
  if (owned && !owned.record) {
    return `its inventory record ${owned.recordKey} cannot be read: delete that key, and ${ADOPT} for one commit`;
  }
  const reasons = object.entries.flatMap(({ key }) => obstacleAt(key, object, context) ?? []);
  return reasons.length > 0 ? reasons.join('; ') : undefined;
}

function obstacleAt(key: StoreKey, object: CompiledObject, context: PlanContext): string | undefined {
  const claim = foreignClaim(context, key);
  if (claim) {
    return `${key} belongs to ${claim.id} of source ${claim.source}: take it out of one of the two repositories`;
  }
  if (!isUnclaimed(context, key) || isNodeRegistration(object.resource.kind, key)) return undefined;
  const owner = context.layout.identify(key);
  if (owner?.type === 'assignment') return addressObstacle(owner.address, key, object, context);
  if (wantsAdoption(object)) return undefined;
  return `${key} exists and is in no inventory: ${ADOPT} to take it over, or delete it`;
}

/** An address whose holder is this very endpoint comes along with its adoption; so does one that nobody holds. */
function addressObstacle(
  address: Address,
  key: StoreKey,
  object: CompiledObject,
  context: PlanContext,
): string | undefined {
  const holders = context.foreignHolders().get(address) ?? [];
  const other = holders.find((holder) => holder.id !== object.storedId);
  if (other) {
    return `address ${address} is held by ${[...other.values.keys()].join(', ')}: choose another address, or remove that endpoint`;
  }
  if (wantsAdoption(object)) return undefined;
  return `address ${address} is taken (${key}): ${ADOPT} to take it over, or delete the key`;
}
