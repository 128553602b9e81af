/**
 * What the store holds that no source has in its inventory: shown, so that nobody believes git to be all there
 * is, and never touched. What runtimes are expected to write is not listed.
 */
import { ADOPT_ANNOTATION } from './obstacle.js';
import { isUnclaimed, type PlanContext } from './plan-context.js';
import type { Change } from './plan-types.js';
import { isRuntimeObject } from './runtime-keys.js';

/** `planned`: what happens to the objects of the manifests; keys that it takes over are not listed. */
export function listUnmanaged(context: PlanContext, planned: readonly Change[]): Change[] {
  const taken = new Set(planned.flatMap(({ keys }) => keys.map(({ key }) => key)));
  const mine = new Map([...context.compiled.values()].map((object) => [object.storedId, object]));
  return [...context.store.objects.values()].flatMap(({ id, kind, values }): Change[] => {
    if (isRuntimeObject(kind)) return [];
    const foreign = [...values.keys()].filter(
      (key) => isUnclaimed(context, key) && !context.wanted.has(key) && !taken.has(key),
    );
    if (foreign.length === 0) return [];
    const owner = mine.get(id);
    return [
      {
        action: 'unmanaged',
        kind,
        name: id.slice(kind.length + 1),
        origin: owner && { file: owner.resource.origin.file, line: owner.resource.origin.line },
        keys: [],
        diff: [],
        reason: owner
          ? `${foreign.join(', ')} was written by somebody else beside the keys of ${owner.id}: delete it, or add the annotation ${ADOPT_ANNOTATION}: "true" to the manifest`
          : `${foreign.join(', ')} is in no inventory`,
        writes: [],
      },
    ];
  });
}
