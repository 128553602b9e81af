/**
 * The door of the calculation graph: hands each update to the nodes that asked for its kind.
 *
 * It alone remembers the objects of the store. A node is told what an object was before, so that it can undo by name
 * what it did by name. That rests on one promise of the store's layout: the name by which others refer to an object
 * (profile, tier, policy, node, the CIDR of a pool) is part of its id, and does not change while the object lives.
 */
import type { StoredId } from '../../layout/layout.js';
import type { IpamBlock } from '../../model/ipam-block.js';
import type { Kind, Resource, ResourceOf } from '../../model/resource.js';
import type { Update } from '../syncer/update.js';

/** `resource` is undefined when the object is gone, `previous` when it is new. */
export type UpdateHandler<K extends Kind> = (
  id: StoredId,
  resource: ResourceOf<K> | undefined,
  previous: ResourceOf<K> | undefined,
) => void;

/** `block` is undefined when it is gone. */
export type BlockHandler = (id: StoredId, block: IpamBlock | undefined) => void;

type AnyHandler = (id: StoredId, resource: Resource | undefined, previous: Resource | undefined) => void;

export class Dispatcher {
  readonly #handlers = new Map<Kind, AnyHandler[]>();
  readonly #blockHandlers: BlockHandler[] = [];
  readonly #objects = new Map<StoredId, Resource>();
  readonly #problems = new Map<StoredId, string>();

  /** Handlers of one kind are called in the order in which they registered. */
  register<K extends Kind>(kind: K, handler: UpdateHandler<K>): void {
    const handlers = this.#handlers.get(kind) ?? [];
    handlers.push((id, resource, previous) => handler(id, ofKind(kind, resource), ofKind(kind, previous)));
    this.#handlers.set(kind, handlers);
  }

  /** The handler of blocks, which are no resources. */
  registerBlocks(handler: BlockHandler): void {
    this.#blockHandlers.push(handler);
  }

  onUpdate(update: Update): void {
    const { id, problem } = update;
    if (problem === undefined) this.#problems.delete(id);
    else this.#problems.set(id, problem);
    if (update.kind === 'IpamBlock') {
      for (const handler of this.#blockHandlers) handler(id, update.block);
      return;
    }
    const { kind, resource } = update;
    if (kind === 'unknown') return;
    const handlers = this.#handlers.get(kind);
    const previous = this.#objects.get(id);
    if (!handlers || (!resource && !previous)) return;
    if (resource) this.#objects.set(id, resource);
    else this.#objects.delete(id);
    for (const handler of handlers) handler(id, resource, previous);
  }

  /** What the syncer found wrong: objects that cannot be read, or ask for what is not enforced. */
  get problems(): ReadonlyMap<StoredId, string> {
    return this.#problems;
  }
}

function ofKind<K extends Kind>(kind: K, resource: Resource | undefined): ResourceOf<K> | undefined {
  return resource?.kind === kind ? (resource as ResourceOf<K>) : undefined;
}
