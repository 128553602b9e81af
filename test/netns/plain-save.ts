/**
 * What iptables-save or ipset-save prints, so that two kernels that do the same read the same.
 */

/** Without what tells nothing: counters, generations of sets, hashes (which hold generations), the order of chains. */
export function plainSave(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => /^(\*|:cali|-|create|add)/.test(line));
  const plain = lines.map((line) =>
    line
      .replace(/ \[\d+:\d+\]$/, '')
      .replace(/-m comment --comment "cali:[^"]*" /, '')
      .replaceAll(/\b(cali[46])\d/g, '$1')
      .replace(/( family inet6?) .*/, '$1'),
  );
  return byChain(plain);
}

/** Rules stay in the order of their chain. */
function byChain(lines: readonly string[]): readonly string[] {
  const tables: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith('*')) tables.push([]);
    tables.at(-1)?.push(line);
  }
  const keyOf = (line: string): string => (line.startsWith('-A') ? `-A ${line.split(' ')[1]}` : line);
  // A table that holds nothing is there once somebody has looked.
  return tables
    .filter((table) => table.some((line) => !line.startsWith('*')))
    .map((table) => table.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)))
    .sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))
    .flat();
}
