/**
 * Guards: plans that are right by the letter and wrong by any measure.
 *
 * A mistyped path empties a repository, a bad merge deletes a hundred policies, a pool is dropped from under its
 * workloads. Each guard looks at the finished plan and may hold all of it back until a person has approved. A
 * guard is one function and one line in the list.
 */
import { countAllocations } from '../layout/codecs/ipam-block.js';
import { type Cidr, cidrContains } from '../model/address.js';
import { type Resource, resourceId, resourcesOf } from '../model/resource.js';
import { CHANGE_ORDER } from './change-order.js';
import type { OwnedObject } from './ownership.js';
import type { PlanContext } from './plan-context.js';
import type { Change, Guard } from './plan-types.js';
import { decodeStored } from './store-index.js';

const PRUNE_TRAILER = 'Prune-Approved: yes';

/** Deletions of one kind that need no approval: this many, or this share of what there was. */
const PRUNE_BUDGET = { count: 5, share: 0.1 } as const;

/** How a person lets a plan pass that a guard holds back. */
export const APPROVE = `add the line "${PRUNE_TRAILER}" to the message of a commit, or pass --approve-prune`;
/** Holders named in a message; the rest is counted. */
const MAX_NAMED = 3;

interface GuardInput {
  readonly changes: readonly Change[];
  readonly context: PlanContext;
}

const GUARDS: readonly ((input: GuardInput) => readonly Guard[])[] = [emptySource, pruneBudget, poolInUse];

export function findGuards(changes: readonly Change[], context: PlanContext): Guard[] {
  return GUARDS.flatMap((guard) => guard({ changes, context }));
}

/** True when the message of a commit approves deletions: a trailer on a line of its own. */
export function hasPruneTrailer(message: string): boolean {
  return /^prune-approved:[ \t]*yes[ \t]*$/im.test(message);
}

function emptySource({ context }: GuardInput): Guard[] {
  const owned = liveObjects(context).length;
  if (context.compiled.size > 0 || owned === 0) return [];
  return [
    {
      code: 'empty-source',
      message: `the source holds no resource, and this would delete all ${owned} that it has in the store; is the path right?`,
      approve: APPROVE,
    },
  ];
}

function pruneBudget({ changes, context }: GuardInput): Guard[] {
  const live = liveObjects(context);
  const deleted = new Set(
    changes.filter(({ action }) => action === 'delete').map(({ kind, name }) => resourceId(kind, name)),
  );
  return CHANGE_ORDER.flatMap((kind): Guard[] => {
    const owned = live.filter((object) => object.kind === kind);
    const doomed = owned.filter(({ id }) => deleted.has(id));
    const budget = Math.max(PRUNE_BUDGET.count, Math.floor(owned.length * PRUNE_BUDGET.share));
    if (doomed.length <= budget) return [];
    return [
      {
        code: 'prune-budget',
        message: `${doomed.length} of ${owned.length} ${kind} objects would be deleted, ${budget} at most without approval`,
        approve: APPROVE,
      },
    ];
  });
}

/**
 * What the source has in the store, without what a commit that was never finished has created: no host has ever
 * seen that, and it may go as it came.
 */
function liveObjects({ ownership, base }: PlanContext): readonly OwnedObject[] {
  const since = base.series?.record.base ?? Number.POSITIVE_INFINITY;
  return [...ownership.owned.values()].filter(({ recordEntry }) => recordEntry.createRevision <= since);
}

function poolInUse({ changes, context }: GuardInput): Guard[] {
  const deleted = new Set(
    changes.flatMap(({ keys }) => keys.filter(({ op }) => op === 'delete').map(({ key }) => key)),
  );
  return removedPools(deleted, context).flatMap((pool): Guard[] => {
    const users = poolUsers(pool, deleted, context);
    if (users.length === 0) return [];
    const named = users.slice(0, MAX_NAMED).join(', ');
    const rest = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : '';
    return [
      {
        code: 'pool-in-use',
        message: `pool ${pool} would be deleted while addresses of it are in use: ${named}${rest}`,
        approve: `set disabled: true on the pool and delete it once it is empty; or ${APPROVE}`,
      },
    ];
  });
}

function removedPools(deleted: ReadonlySet<string>, context: PlanContext): Cidr[] {
  return [...context.store.objects.values()]
    .filter(({ kind, values }) => kind === 'IPPool' && [...values.keys()].every((key) => deleted.has(key)))
    .flatMap(({ id, values }) => {
      const decoded = decodeStored(id, values, context.layout);
      return decoded ? resourcesOf([decoded], 'IPPool').map(({ spec }) => spec.cidr) : [];
    });
}

/** What keeps an address of the pool: assignments that stay, endpoints of others, and this source's own. */
function poolUsers(pool: Cidr, deleted: ReadonlySet<string>, context: PlanContext): string[] {
  const assigned = context.store.assignments.filter(
    (assignment) => assignment.pool === pool && !deleted.has(assignment.key),
  );
  const addresses = new Set(assigned.map(({ address }) => address));
  const holders = [...context.foreignHolders()]
    .filter(([address]) => cidrContains(pool, address) && !addresses.has(address))
    .flatMap(([, endpoints]) => endpoints.flatMap(({ values }) => [...values.keys()]));
  return [
    ...assigned.map(({ key }) => key),
    ...blockUsers(pool, context),
    ...new Set(holders),
    ...ownUsers(pool, context),
  ];
}

/** Blocks from which somebody has given out addresses; one that cannot be read may be one. */
function blockUsers(pool: Cidr, context: PlanContext): string[] {
  const isLost = lostWith(pool, context);
  return context.store.blocks
    .filter(({ cidr }) => isLost(cidr))
    .flatMap(({ key, value }) => {
      const taken = countAllocations(key, value);
      if (taken === undefined) return `${key} (cannot be read)`;
      return taken === 0 ? [] : `${key} (${taken} ${taken === 1 ? 'address' : 'addresses'})`;
    });
}

/** Endpoints of the commit itself that would be left without a pool. */
function ownUsers(pool: Cidr, context: PlanContext): string[] {
  const isLost = lostWith(pool, context);
  return resourcesOf(resourcesIn(context), 'WorkloadEndpoint')
    .filter(({ spec }) => spec.ipNetworks.some(isLost))
    .map(({ metadata }) => `WorkloadEndpoint/${metadata.name}`);
}

/** True for addresses of the pool that no pool of the commit has. */
function lostWith(pool: Cidr, context: PlanContext): (addresses: Cidr) => boolean {
  const pools = resourcesOf(resourcesIn(context), 'IPPool').map(({ spec }) => spec.cidr);
  return (addresses) =>
    cidrContains(pool, addresses) && !pools.some((other) => cidrContains(other, addresses));
}

function resourcesIn({ compiled }: PlanContext): Resource[] {
  return [...compiled.values()].map(({ resource }) => resource);
}
