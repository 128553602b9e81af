/** A value without what lies deeper than so many levels: whoever walks it, or prints it, stays within the stack. */
export function shallow(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return Array.isArray(value) ? '[...]' : '{...}';
  if (Array.isArray(value)) return value.map((item) => shallow(item, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, shallow(member, levels - 1)]),
  );
}
