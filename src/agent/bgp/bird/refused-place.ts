/**
 * Which session, filter or protocol a complaint of BIRD's parser is about, for a person who never saw the file.
 */

/** ` (in protocol bgp Mesh_10_0_0_2 from heddle_bgp_4, "host-2")` for `bird.conf:88:12 syntax error`; '' if unclear. */
export function placeOf(config: string, complaint: string): string {
  const lineNumber = Number(/:(\d+):\d+ /.exec(complaint)?.[1] ?? 0);
  const lines = config.split('\n');
  const head = lines.slice(0, lineNumber).findLastIndex((line) => /^[a-z].*\{$/.test(line));
  const first = lines[head];
  if (first === undefined) return '';
  const end = lines.indexOf('}', head);
  const block = lines.slice(head, end + 1);
  const name = block.map((line) => /^ {2}description (".*");$/.exec(line)?.[1]).find(Boolean);
  return ` (in ${first.slice(0, -2)}${name === undefined ? '' : `, ${name}`})`;
}
