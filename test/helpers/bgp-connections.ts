/** The BGP connections of a place, as its kernel knows them. */
import type { CommandLine } from '../../src/kernel/namespaces.js';

/** Lists them (ss(8)); to be run where they are. */
export const LIST_BGP_CONNECTIONS: CommandLine = [
  'ss',
  ...['-Htne', 'state', 'established', '( sport = :179 or dport = :179 )'],
];

/** The kernel's own names (sk:) in such a list: a connection that is made anew has another. */
export function namesOfConnections(list: string): readonly string[] {
  return Array.from(list.matchAll(/ sk:(\S+)/g), ([, name = '']) => name).sort();
}
