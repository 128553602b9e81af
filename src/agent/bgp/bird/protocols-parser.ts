/**
 * `show protocols all` as values.
 *
 * Reply code 1002 is the row of the table, one for each protocol; 1006 are the details below it, whose indentation
 * says what belongs to which channel. Times are as the `timeformat protocol` of our configuration writes them. Fields
 * that a protocol or a version of BIRD does not print are absent here.
 */
import type { BirdReplyLine } from './control-socket.js';

export interface BirdChannel {
  /** `ipv4` or `ipv6`; undefined: the daemon has one family and knows no channels (BIRD 1.6). */
  readonly name: string | undefined;
  /** Routes that came in through it and passed the import filter. */
  readonly imported: number;
  /** Routes that passed the export filter. */
  readonly exported: number;
}

export interface BirdProtocol {
  readonly name: string;
  /** BGP, Kernel, Device, Direct, Static, ... */
  readonly type: string;
  /** up, start, stop, down or flush. */
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly since: string | undefined;
  readonly description: string | undefined;
  readonly channels: readonly BirdChannel[];
  /** Present on BGP protocols. */
  readonly bgp?: {
    /** Established, Active, Connect, Passive, OpenSent, OpenConfirm, Idle, Close, Down. */
    readonly state: string;
    readonly lastError: string | undefined;
  };
}

/** Reads the reply to `show protocols all`. Lines with other codes are skipped. */
export function parseProtocols(lines: readonly BirdReplyLine[]): readonly BirdProtocol[] {
  const protocols: BirdProtocol[] = [];
  let row: string | undefined;
  let details: string[] = [];
  const finish = () => {
    if (row !== undefined) protocols.push(parseProtocol(row, details));
    details = [];
  };
  for (const { code, text } of lines) {
    if (code === ROW) {
      finish();
      row = text;
    } else if (code === DETAIL) {
      details.push(text);
    }
  }
  finish();
  return protocols;
}

const ROW = 1002;
const DETAIL = 1006;

function parseProtocol(row: string, details: readonly string[]): BirdProtocol {
  const [name = '', type = '', _table, state = '', since = '', info = ''] = row.trim().split(/\s+/);
  const firstChannel = details.findIndex((line) => /^ {2}Channel /.test(line));
  const own = fields(firstChannel === -1 ? details : details.slice(0, firstChannel));
  return {
    name,
    type,
    state,
    since: isoTime(since),
    description: own.get('Description'),
    channels: parseChannels(firstChannel === -1 ? details : details.slice(firstChannel)),
    ...(type === 'BGP' && {
      bgp: { state: own.get('BGP state') ?? info, lastError: own.get('Last error') },
    }),
  };
}

function parseChannels(details: readonly string[]): BirdChannel[] {
  const channels: { name: string | undefined; imported: number; exported: number }[] = [];
  for (const line of details) {
    const name = /^ {2}Channel (\S+)/.exec(line)?.[1];
    if (name !== undefined) channels.push({ name, imported: 0, exported: 0 });
    if (!/^\s+Routes:/.test(line)) continue;
    if (channels.length === 0) channels.push({ name: undefined, imported: 0, exported: 0 });
    const channel = channels.at(-1);
    if (!channel) continue;
    channel.imported = Number(/(\d+) imported/.exec(line)?.[1] ?? 0);
    channel.exported = Number(/(\d+) exported/.exec(line)?.[1] ?? 0);
  }
  return channels;
}

/** `Key: value` pairs; the first of a key counts, deeper lines may repeat it. */
function fields(details: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of details) {
    const [, key, value] = /^\s+([A-Z][^:]*):\s+(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !found.has(key)) found.set(key, value);
  }
  return found;
}

function isoTime(text: string): string | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
