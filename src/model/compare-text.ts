/** For Array.prototype.sort: by code units, so that an order is the same wherever it is made (localeCompare is not). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
