/**
 * A named state of the store. States are immutable and built on each other, so that a situation reads as what makes
 * it different from the one before.
 */
import type { Update } from '../../src/agent/syncer/update.js';
import type { StoredId } from '../../src/layout/layout.js';
import { type Stored, storedId } from '../helpers/build-resources.js';

export class State {
  static readonly empty = new State('empty', new Map());

  private constructor(
    readonly name: string,
    readonly objects: ReadonlyMap<StoredId, Stored>,
  ) {}

  /** This state with these objects added, or put in the place of what has their id. */
  with(name: string, ...objects: readonly Stored[]): State {
    const added = objects.map((object) => [storedId(object), object] as const);
    return new State(name, new Map([...this.objects, ...added]));
  }

  /** @throws when one of the objects is not there. */
  without(name: string, ...gone: readonly Stored[]): State {
    const objects = new Map(this.objects);
    for (const object of gone)
      if (!objects.delete(storedId(object))) throw new Error(`${name}: ${storedId(object)} is not there`);
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
    .map(([id, object]) => removal(id, object));
  const changed = [...to.objects]
    .filter(([id, object]) => from.objects.get(id) !== object)
    .map(([id, object]) => writing(id, object));
  return [...gone, ...changed];
}

function removal(id: StoredId, { kind }: Stored): Update {
  return kind === 'IpamBlock' ? { id, kind, block: undefined } : { id, kind, resource: undefined };
}

function writing(id: StoredId, object: Stored): Update {
  return object.kind === 'IpamBlock' ? { id, ...object } : { id, kind: object.kind, resource: object };
}
