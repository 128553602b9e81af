/**
 * Lets through the workload endpoints of this host, which is where policy is enforced.
 *
 * Endpoints of other hosts matter as members of sets only. An endpoint without an interface cannot be programmed: it
 * is left out, which denies it (law 5), and named as a problem.
 */
import type { StoredId } from '../../layout/layout.js';
import type { ResourceOf } from '../../model/resource.js';
import type { LabelledItem } from './label-inheritance.js';

export interface LocalItem extends LabelledItem<ResourceOf<'WorkloadEndpoint'>> {
  readonly interfaceName: string;
}
export type LocalItemListener = (id: StoredId, item: LocalItem | undefined) => void;

export class LocalEndpointFilter {
  readonly #node: string;
  readonly #listener: LocalItemListener;
  readonly #local = new Set<StoredId>();
  readonly #problems = new Map<StoredId, string>();

  constructor(node: string, listener: LocalItemListener) {
    this.#node = node;
    this.#listener = listener;
  }

  onItem(id: StoredId, item: LabelledItem | undefined): void {
    this.#problems.delete(id);
    const local = item && this.#localItem(id, item);
    if (local) this.#local.add(id);
    else if (!this.#local.delete(id)) return;
    this.#listener(id, local);
  }

  get problems(): ReadonlyMap<StoredId, string> {
    return this.#problems;
  }

  #localItem(id: StoredId, item: LabelledItem): LocalItem | undefined {
    const { resource } = item;
    if (resource.kind !== 'WorkloadEndpoint' || resource.spec.node !== this.#node) return undefined;
    const { interfaceName } = resource.spec;
    if (interfaceName !== undefined) return { ...item, resource, interfaceName };
    this.#problems.set(id, 'the endpoint has no interfaceName, and is not connected; write it again');
    return undefined;
  }
}
