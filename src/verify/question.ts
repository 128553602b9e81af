/**
 * Questions: may the first packet of this connection pass?
 *
 * They are asked as words of a command line, `tcp/443`, or as lines of JSON; both become one Question. What is wrong
 * with one is a value, so that a batch can say which line it was.
 */
import type { IpFamily } from '../model/address.js';
import { hasPorts, type IcmpMatch, PROTOCOL_NUMBERS, protocolText } from '../model/rule.js';

/** By name: ICMP or ICMPv6, whichever the addresses speak. */
export type AskedProtocol = number | 'icmp';

export interface Question {
  /** metadata.name, Kind/name, or an address. */
  readonly src: string;
  readonly dst: string;
  readonly protocol: AskedProtocol;
  /** Exactly when the protocol has ports. */
  readonly port?: number;
  /** 49152 when absent. */
  readonly srcPort?: number;
  /** Echo request when absent. */
  readonly icmp?: IcmpMatch;
  /** IPv4 when absent; an address overrides it. */
  readonly family?: IpFamily;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: QuestionError };

export interface QuestionError {
  readonly message: string;
  readonly hint: string;
}

export function refuse(message: string, hint: string): { readonly ok: false; readonly error: QuestionError } {
  return { ok: false, error: { message, hint } };
}

type Conversation = Pick<Question, 'protocol' | 'port' | 'icmp'>;

const EXAMPLES = 'write tcp/443, udp/53, sctp/3868, icmp, icmp/8/0, or a protocol number';

/** Reads `tcp/443`, `icmp/8/0` or `47`. */
export function parseConversation(text: string): Parsed<Conversation> {
  const [name = '', ...rest] = text.split('/');
  const protocol = parseProtocol(name);
  const numbers = rest.map(parseNumber);
  if (protocol === undefined || numbers.some((number) => number === undefined))
    return refuse(`"${text}" is not a protocol`, EXAMPLES);
  const [first, second, tooMany] = numbers;
  if (tooMany !== undefined || (second !== undefined && !isIcmp(protocol)))
    return refuse(`"${text}" has too many parts`, EXAMPLES);
  return isIcmp(protocol)
    ? conversation(protocol, undefined, first, second)
    : conversation(protocol, first, undefined, undefined);
}

/** Reads one line of a batch: {src, dst, protocol, port?, srcPort?, icmpType?, icmpCode?, family?}; null is absent. */
export function parseQuestion(line: string): Parsed<Question> {
  const members = parseObject(line);
  if (!members)
    return refuse('the line is not a JSON object', 'write {"src": ..., "dst": ..., "protocol": ...}');
  for (const [key, value] of members) {
    const member = MEMBERS[key];
    if (!member) return refuse(`unknown key "${key}"`, `known keys: ${Object.keys(MEMBERS).join(', ')}`);
    if (!member.accepts(value))
      return refuse(`${key} is ${JSON.stringify(value)}`, `${key} is ${member.rule}`);
  }
  const missing = ['src', 'dst', 'protocol'].find((key) => !members.has(key));
  if (missing !== undefined) return refuse(`${missing} is missing`, 'src, dst and protocol are needed');
  const number = (key: string): number | undefined =>
    members.has(key) ? Number(members.get(key)) : undefined;
  const protocol = protocolMember(members.get('protocol')) ?? 'icmp';
  const talk = conversation(protocol, number('port'), number('icmpType'), number('icmpCode'));
  if (!talk.ok) return talk;
  const srcPort = number('srcPort');
  if (srcPort !== undefined && talk.value.port === undefined)
    return refuse('srcPort without port', 'only tcp, udp and sctp have ports, and then both ends do');
  const family = number('family');
  return {
    ok: true,
    value: {
      src: String(members.get('src')),
      dst: String(members.get('dst')),
      ...talk.value,
      ...(srcPort !== undefined && { srcPort }),
      ...(family !== undefined && { family: family === 6 ? 6 : 4 }),
    },
  };
}

interface Member {
  readonly accepts: (value: unknown) => boolean;
  readonly rule: string;
}

const PARTY: Member = {
  accepts: (value) => typeof value === 'string' && value !== '',
  rule: 'a name, Kind/name or an address',
};
const PORT = integerMember(1, 65_535);
const OCTET = integerMember(0, 255);

const MEMBERS: Readonly<Record<string, Member>> = {
  src: PARTY,
  dst: PARTY,
  protocol: { accepts: (value) => protocolMember(value) !== undefined, rule: 'a name or a number to 255' },
  port: PORT,
  srcPort: PORT,
  icmpType: OCTET,
  icmpCode: OCTET,
  family: { accepts: (value) => value === 4 || value === 6, rule: '4 or 6' },
};

function integerMember(first: number, last: number): Member {
  const accepts = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= first && Number(value) <= last;
  return { accepts, rule: `an integer from ${first} to ${last}, without quotes` };
}

/** Members that are there. */
function parseObject(line: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).filter(([, member]) => member !== null));
  } catch {
    return undefined;
  }
}

function protocolMember(value: unknown): AskedProtocol | undefined {
  return typeof value === 'string' || typeof value === 'number' ? parseProtocol(String(value)) : undefined;
}

function parseProtocol(text: string): AskedProtocol | undefined {
  const lower = text.toLowerCase();
  if (lower === 'icmp') return 'icmp';
  const named = Object.entries(PROTOCOL_NUMBERS).find(([name]) => name.toLowerCase() === lower);
  const number = named?.[1] ?? parseNumber(text);
  return number === undefined || number > 255 ? undefined : number;
}

function parseNumber(text: string): number | undefined {
  return /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : undefined;
}

/** Whether packets of this protocol can have a type and a code. */
function isIcmp(protocol: AskedProtocol): boolean {
  return protocol === 'icmp' || protocol === PROTOCOL_NUMBERS.ICMP || protocol === PROTOCOL_NUMBERS.ICMPv6;
}

function conversation(
  protocol: AskedProtocol,
  port: number | undefined,
  type: number | undefined,
  code: number | undefined,
): Parsed<Conversation> {
  const ported = typeof protocol === 'number' && hasPorts(protocol);
  const name = typeof protocol === 'number' ? protocolText(protocol) : protocol;
  if (ported && (port === undefined || !hasPortNumber(port)))
    return refuse(
      port === undefined ? `${name} needs a port` : `${port} is not a port`,
      `write ${String(name).toLowerCase()}/PORT, with a port from 1 to 65535`,
    );
  if (!ported && port !== undefined)
    return refuse(`${name} has no ports`, 'take the port away, or ask for tcp, udp or sctp');
  if (type === undefined && code !== undefined)
    return refuse('a code without a type', 'write both: icmp/8/0');
  if (type !== undefined && !isIcmp(protocol))
    return refuse(`${name} has no types and codes`, 'only icmp and icmpv6 have them');
  if (![type, code].every((one) => one === undefined || (Number.isInteger(one) && one >= 0 && one <= 255)))
    return refuse('an ICMP type or code is out of range', 'both are 0 to 255');
  return {
    ok: true,
    value: {
      protocol,
      ...(port !== undefined && { port }),
      ...(type !== undefined && { icmp: { type, ...(code !== undefined && { code }) } }),
    },
  };
}

function hasPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
