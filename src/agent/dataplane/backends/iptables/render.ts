/**
 * Rules as iptables-restore reads them. The only place where our values become its text.
 *
 * Nothing is escaped, because nothing that would need it gets this far: interfaces, chains, sets and networks must
 * be made of harmless characters, else RenderError, and text for people loses the others. So no name, wherever it
 * comes from, can end a word, a quotation or a line. See iptables(8), iptables-extensions(8), ipset(8).
 */
import type { IpFamily } from '../../../../model/address.js';
import type { IcmpMatch, PortRange } from '../../../../model/rule.js';
import type { IpSetId } from '../../../calc/updates.js';
import type { ChainRule, End, Match, Verdict } from '../../intent.js';

export interface RenderContext {
  readonly family: IpFamily;
  /** The kernel's name of a set. */
  readonly setName: (id: IpSetId) => string;
}

/** A value that must not go into the kernel's rules. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
  constructor(
    readonly what: string,
    readonly value: string,
  ) {
    super(`Not ${what} that iptables can be given: ${JSON.stringify(value)}`);
  }
}

const COMMENT_MAX = 200;
const LOG_PREFIX_MAX = 29;

/**
 * The rule without chain and hash: comment, conditions, target.
 * @throws {RenderError} for a name that is too long or holds a character with a meaning.
 */
export function renderRule(rule: ChainRule, context: RenderContext): string {
  return [
    ...(rule.comment === undefined ? [] : comment(rule.comment)),
    ...rule.matches.flatMap((match) => renderMatch(match, context)),
    ...renderVerdict(rule.verdict),
  ].join(' ');
}

/** `-m comment --comment "..."`. */
export function comment(text: string): readonly string[] {
  return ['-m', 'comment', '--comment', quoted(text, COMMENT_MAX)];
}

function renderMatch(match: Match, { family, setName }: RenderContext): readonly string[] {
  switch (match.type) {
    case 'in-interface':
      return ['-i', interfaceName(match)];
    case 'out-interface':
      return ['-o', interfaceName(match)];
    case 'conntrack':
      return ['-m', 'conntrack', '--ctstate', match.states.join(',')];
    case 'mark':
      return ['-m', 'mark', '--mark', `${hex(match.value)}/${hex(match.mask)}`];
    case 'protocol':
      return [...not(match), '-p', String(match.protocol)];
    case 'net':
      return [...not(match), match.end === 'source' ? '-s' : '-d', word(match.net, 'a network')];
    case 'ip-set':
      return ['-m', 'set', ...not(match), '--match-set', setWord(setName(match.id)), direction(match.end)];
    case 'ports':
      return ['-m', 'multiport', ...not(match), `--${direction(match.end)[0]}ports`, portList(match.ports)];
    case 'icmp':
      return family === 4
        ? ['-m', 'icmp', ...not(match), '--icmp-type', icmpType(match.icmp)]
        : ['-m', 'icmp6', ...not(match), '--icmpv6-type', icmpType(match.icmp)];
    case 'rpf-failed':
      return ['-m', 'rpfilter', '--invert'];
  }
}

function renderVerdict(verdict: Verdict): readonly string[] {
  switch (verdict.type) {
    case 'accept':
      return ['-j', 'ACCEPT'];
    case 'drop':
      return ['-j', 'DROP'];
    case 'return':
      return ['-j', 'RETURN'];
    case 'masquerade':
      return ['-j', 'MASQUERADE'];
    case 'notrack':
      return ['-j', 'CT', '--notrack'];
    case 'jump':
      return ['-j', chainWord(verdict.chain)];
    case 'goto':
      return ['-g', chainWord(verdict.chain)];
    case 'set-mark':
      return ['-j', 'MARK', '--set-xmark', `${hex(verdict.value)}/${hex(verdict.mask)}`];
    case 'log':
      return ['-j', 'LOG', '--log-prefix', quoted(`${verdict.prefix}: `, LOG_PREFIX_MAX)];
  }
}

/** @throws {RenderError} for what iptables would not take as the name of a chain. */
export function chainWord(name: string): string {
  if (name.length > 28) throw new RenderError('a chain name', name);
  return word(name, 'a chain name');
}

/** @throws {RenderError} for what ipset would not take as the name of a set. */
export function setWord(name: string): string {
  if (name.length > 31) throw new RenderError('a set name', name);
  return word(name, 'a set name');
}

/** A plus at the end is iptables' wildcard, and no interface of ours may have one in its name. */
function interfaceName({ name, prefix }: { readonly name: string; readonly prefix: boolean }): string {
  const text = prefix ? `${name}+` : name;
  if (text.length > 15 || name.includes('+')) throw new RenderError('an interface name', name);
  return word(text, 'an interface name');
}

function word(text: string, what: string): string {
  if (!/^[A-Za-z0-9_.:/+-]+$/.test(text) || text.startsWith('-')) throw new RenderError(what, text);
  return text;
}

function quoted(text: string, maxLength: number): string {
  return `"${text.replaceAll(/[^A-Za-z0-9 _.,:;/()+=@-]/g, '_').slice(0, maxLength)}"`;
}

function not({ negated }: { readonly negated: boolean }): readonly string[] {
  return negated ? ['!'] : [];
}

function direction(end: End): 'src' | 'dst' {
  return end === 'source' ? 'src' : 'dst';
}

function portList(ports: readonly PortRange[]): string {
  return ports.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
}

function icmpType({ type, code }: IcmpMatch): string {
  return code === undefined ? `${type}` : `${type}/${code}`;
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
