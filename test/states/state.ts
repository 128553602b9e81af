/**
 * A named state of the store. States are immutable and built on each other, so that a situation reads as what makes
 * it different from the one before.
 */
import type { Update } from '../../src/agent/syncer/update.js';
import type { StoredId } from '../../src/layout/layout.js';
import type { Resource } from '../../src/model/resource.js';
import { storedId } from '../helpers/build-resources.js';

export class State {
  static readonly empty = new State('empty', new Map());

  private constructor(
    readonly name: string,
    readonly objects: ReadonlyMap<StoredId, Resource>,
  ) {}

  /** This state with these objects added, or put in the place of what has their id. */
  with(name: string, ...resources: readonly Resource[]): State {
    return new State(
      name,
      new Map([...this.objects, ...resources.map((resource) => [storedId(resource), resource] as const)]),
    );
  }

  /** @throws when one of the objects is not there. */
  without(name: string, ...resources: readonly Resource[]): State {
    const objects = new Map(this.objects);
    for (const resource of resources)
      if (!objects.delete(storedId(resource))) throw new Error(`${name}: ${storedId(resource)} is not there`);
    return new State(name, objects);
  }

  named(name: string): State {
    return new State(name, this.objects);
  }
}

/** The updates that lead from one state to the next, those that remove first. */
export function updatesBetween(from: State, to: State): readonly Update[] {
  const gone = [...from.objects]
    .filter(([id]) => !to.objects.has(id))
    .map(([id, { kind }]): Update => ({ id, kind, resource: undefined }));
  const changed = [...to.objects]
    .filter(([id, resource]) => from.objects.get(id) !== resource)
    .map(([id, resource]): Update => ({ id, kind: resource.kind, resource }));
  return [...gone, ...changed];
}
