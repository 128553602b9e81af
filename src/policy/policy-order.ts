/**
 * The order in which tiers, and the policies of a tier, are asked: by `order` ascending, absent last, ties by name.
 *
 * Names compare by their code units, never by a locale: two hosts with different languages must agree.
 */

/** An absent order is Infinity. */
export interface Ordered {
  readonly name: string;
  readonly order: number;
}

/** For Array.prototype.sort. */
export function byOrder(a: Ordered, b: Ordered): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
