/** The end of a switch over all members of a union: one that is added later does not compile until it is named there. */
export function assertNever(value: never): never {
  throw new TypeError(`Not expected: ${JSON.stringify(value)}`);
}
