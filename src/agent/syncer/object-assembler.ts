/**
 * What the keys of the store add up to: objects, heads, readiness. PURE except for its own memory.
 *
 * One object may lie in several keys, so the raw values of each are kept, and the object is decoded anew when one
 * of them changes. Level, not edge: writing the same value again, or taking a snapshot that holds what is known,
 * yields no update. Of what cannot be decoded the rest counts that opens nothing (layout/unreadable.ts), and the update
 * says why; one bad object never stops the others. Keys that are nobody's object (inventory, addresses, other writers' records) are not kept.
 */
import { type Layout, LayoutError, type StoredId } from '../../layout/layout.js';
import type { Head } from '../../layout/records.js';
import type { Kind, Resource } from '../../model/resource.js';
import type { KeyEvent, StoreKey } from '../../model/store.js';
import { BlockAssembler } from './block-assembler.js';
import { parseHead } from './control-records.js';
import { unsupportedParts } from './unsupported.js';
import type { Update } from './update.js';

type ObjectKind = Kind | 'unknown';

/** An object's keys: mostly one, never many. */
interface StoredObject {
  readonly kind: ObjectKind;
  readonly keys: readonly StoreKey[];
}

export type AssemblerLayout = Pick<Layout, 'root' | 'identify' | 'decode'>;

export class ObjectAssembler {
  readonly #layout: AssemblerLayout;
  readonly #values = new Map<StoreKey, string>();
  readonly #objects = new Map<StoredId, StoredObject>();
  readonly #blocks: BlockAssembler;
  #heads: ReadonlyMap<string, Head> = new Map();
  #ready = false;

  constructor(layout: AssemblerLayout) {
    this.#layout = layout;
    // The key that a block's claim complains of has its root already.
    this.#blocks = new BlockAssembler((id, error) => describeFailure('', id, error));
  }

  /** Heads of all sources as of the last call. */
  get heads(): ReadonlyMap<string, Head> {
    return this.#heads;
  }

  /** Whether /v1/Ready is `true`. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Takes what changed; returns the objects that are different now. */
  apply(events: Iterable<KeyEvent>): readonly Update[] {
    const changed = new Map<StoredId, Update['kind']>();
    for (const event of events) {
      const value = event.type === 'put' ? event.entry.value : undefined;
      this.#set(event.key, value, changed);
    }
    return this.#decodeAll(changed);
  }

  /** Takes everything that there is; returns the objects that are different now, the vanished ones included. */
  replace(entries: ReadonlyMap<StoreKey, { readonly value: string }>): readonly Update[] {
    const changed = new Map<StoredId, Update['kind']>();
    for (const key of [...this.#values.keys(), ...this.#blocks.keys()])
      if (!entries.has(key)) this.#set(key, undefined, changed);
    this.#ready = false;
    this.#heads = new Map();
    for (const [key, { value }] of entries) this.#set(key, value, changed);
    return this.#decodeAll(changed);
  }

  /** Stores the value of one key, undefined for none, and notes the object that it belongs to. */
  #set(key: StoreKey, value: string | undefined, changed: Map<StoredId, Update['kind']>): void {
    const owner = this.#layout.identify(key);
    switch (owner?.type) {
      case 'ready':
        this.#ready = value === 'true';
        return;
      case 'head':
        this.#setHead(owner.source, value);
        return;
      case 'resource':
        if (this.#setPart(owner.id, owner.kind, key, value)) changed.set(owner.id, owner.kind);
        return;
      case 'block':
        if (this.#blocks.set(owner, key, value)) changed.set(owner.id, 'IpamBlock');
        return;
      case 'unknown':
        if (this.#setPart(owner.id, owner.type, key, value)) changed.set(owner.id, owner.type);
        return;
      default:
        return;
    }
  }

  #setHead(source: string, value: string | undefined): void {
    const heads = new Map(this.#heads);
    const head = value === undefined ? undefined : parseHead(value);
    if (head === undefined) heads.delete(source);
    else heads.set(source, head);
    this.#heads = heads;
  }

  /** Returns whether anything is different. */
  #setPart(id: StoredId, kind: ObjectKind, key: StoreKey, value: string | undefined): boolean {
    const previous = this.#values.get(key);
    if (previous === value) return false;
    const keys = this.#objects.get(id)?.keys ?? [];
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    if (value !== undefined && previous !== undefined) return true;
    // A new array of just the size: growing one by push() would leave room for sixteen more.
    const left = value === undefined ? keys.filter((part) => part !== key) : [...keys, key];
    if (left.length === 0) this.#objects.delete(id);
    else this.#objects.set(id, { kind, keys: left });
    return true;
  }

  #decodeAll(changed: ReadonlyMap<StoredId, Update['kind']>): readonly Update[] {
    return Array.from(changed, ([id, kind]) =>
      kind === 'IpamBlock' ? this.#blocks.update(id) : this.#decode(id, kind),
    );
  }

  #decode(id: StoredId, kind: ObjectKind): Update {
    const object = this.#objects.get(id);
    if (object === undefined) return { id, kind, resource: undefined };
    if (kind === 'unknown') return { id, kind, resource: undefined, problem: unknownKind(object.keys) };
    let resource: Resource;
    try {
      resource = this.#layout.decode(id, this.#valuesOf(object));
    } catch (error) {
      const rest = error instanceof LayoutError ? error.rest : undefined;
      return { id, kind, resource: rest, problem: describeFailure(this.#layout.root, id, error) };
    }
    const problem = unsupportedParts(resource);
    return problem === undefined
      ? { id, kind, resource }
      : { id, kind, resource, problem: `${id}: ${problem}` };
  }

  /** By key, so that what is decoded, and complained of first, does not depend on who wrote when. */
  #valuesOf({ keys }: StoredObject): ReadonlyMap<StoreKey, string> {
    const values = new Map<StoreKey, string>();
    for (const key of keys.length === 1 ? keys : keys.toSorted())
      values.set(key, this.#values.get(key) ?? '');
    return values;
  }
}

function unknownKind(keys: readonly StoreKey[]): string {
  return (
    `${keys.join(', ')} is of a kind that this agent does not know, so nothing of it is enforced: ` +
    'upgrade the agent, or delete the key if nobody needs it'
  );
}

const SHOWN = 80;

function describeFailure(root: string, id: StoredId, error: unknown): string {
  if (!(error instanceof LayoutError))
    return `${id}: cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
  const value = error.value.length > SHOWN ? `${error.value.slice(0, SHOWN)}...` : error.value;
  return `${root}${error.message}; the value is ${JSON.stringify(value)}`;
}
