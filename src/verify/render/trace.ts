/**
 * A trace for people: the way of the packet from top to bottom, with who decided, and where that is written.
 */
import { familyOf } from '../../model/address.js';
import { printable } from '../../model/printable.js';
import { deciderOf, type Passed, type Side } from '../side.js';
import type { Trace, TraceEnd } from '../trace.js';
import { PLAIN_STYLE, type VerifyStyle } from './style.js';

export function formatTrace(trace: Trace, style: VerifyStyle = PLAIN_STYLE): string {
  const { from, to, egress, ingress, verdict } = trace;
  const heading = printable(`${trace.src} -> ${trace.dst}  ${conversationOf(trace)}  IPv${trace.family}`);
  const sides = [
    { label: 'egress', side: egress, without: 'nothing of ours polices what it sends' },
    { label: 'ingress', side: ingress, without: 'nothing of ours polices what it receives' },
  ];
  const width = Math.max(
    0,
    ...sides.flatMap(({ label, side }) => (side ? textsOf(label, side) : [])).map(lengthOf),
  );
  const middle = sides.flatMap(({ label, side, without }) =>
    side
      ? [
          ...passedLines(label, side, width, style),
          line(side.passed ? '' : label, describeSide(side, width, style), style),
          ...historyLine(side, style),
        ]
      : [line(label, style.dim(`-      ${without}`), style)],
  );
  return [
    `${paint(verdict, verdict.toUpperCase(), style)}  ${style.heading(heading)}\n`,
    line('from', describeEnd(from, undefined), style),
    ...middle,
    line('to', describeEnd(to, trace.port ?? undefined), style),
  ].join('');
}

/** In one line, with what decides: the first that says no, or the last that says yes. */
export function describeTrace(trace: Trace): string {
  const sides = [trace.egress, trace.ingress].filter((side) => side !== null);
  const decisive = sides.find(({ verdict }) => verdict === 'deny') ?? sides.at(-1);
  const origin = decisive && deciderOf(decisive)?.origin;
  const place = origin ? `  ${placeOf(origin)}` : '';
  const why = decisive ? `: ${decisive.reason}${place}` : '';
  return `${trace.src} -> ${trace.dst} ${conversationOf(trace)} ${trace.verdict}${why}`;
}

function line(label: string, text: string, { dim }: VerifyStyle): string {
  return `  ${dim(label.padEnd(7))}  ${text}`.trimEnd().concat('\n');
}

function describeSide(side: Side, width: number, style: VerifyStyle): string {
  const { verdict, reason } = side;
  const origin = deciderOf(side)?.origin;
  const place = origin ? `  ${style.dim(printable(placeOf(origin)))}` : '';
  return `${paint(verdict, verdict.padEnd(5), style)}  ${printable(reason).padEnd(width)}${place}`;
}

/** The tiers that were asked before. */
function passedLines(label: string, side: Side, width: number, style: VerifyStyle): string[] {
  return (side.passed ?? []).map((passed, index) => {
    const place = passed.origin ? `  ${printable(placeOf(passed.origin))}` : '';
    const text = `${'pass'.padEnd(5)}  ${passedText(label, passed).padEnd(width)}${place}`;
    return line(index === 0 ? label : '', style.dim(text), style);
  });
}

function passedText(direction: string, { tier, policy, rule }: Passed): string {
  const how =
    policy === null
      ? ' ends in Pass: it had no rule for it'
      : `, policy ${policy}, ${direction} rule ${rule}: Pass`;
  return printable(`tier ${tier}${how}`);
}

/** All reasons of a side. */
function textsOf(direction: string, { passed = [], reason }: Side): string[] {
  return [...passed.map((tier) => passedText(direction, tier)), printable(reason)];
}

const lengthOf = ({ length }: string): number => length;

const MAX_SUMMARY = 72;

/** Who last changed that place. */
function historyLine({ lastChange }: Side, style: VerifyStyle): string[] {
  if (!lastChange) return [];
  const { commit, author, summary } = lastChange;
  const what = summary === null ? '' : `: ${summary.slice(0, MAX_SUMMARY)}`;
  const text =
    commit === null
      ? 'not committed yet'
      : `changed by ${author ?? 'somebody'} in ${commit.replace(/[0-9a-f]{12,}$/, (id) => id.slice(0, 7))}${what}`;
  return [line('', `       ${style.dim(printable(text))}`, style)];
}

/** `tcp/80`, `icmp/8/0`, `47`. */
export function conversationOf({ protocol, port, icmp }: Pick<Trace, 'protocol' | 'port' | 'icmp'>): string {
  if (icmp) return `${protocol}/${icmp.type}/${icmp.code}`;
  return port === null ? `protocol ${protocol}` : `${protocol}/${port}`;
}

/** A file and its line; an object that no manifest wrote has a key instead. */
export function placeOf({ file, line }: NonNullable<Side['origin']>): string {
  return line === 0 ? file : `${file}:${line}`;
}

function describeEnd({ type, name, node, address }: TraceEnd, port: number | undefined): string {
  const at = port === undefined ? address : `${familyOf(address) === 6 ? `[${address}]` : address}:${port}`;
  switch (type) {
    case 'workload':
      return printable(`${at}  workload ${name} on ${node}`);
    case 'host':
      return printable(`${at}  host ${name}`);
    case 'outside':
      return `${at}  outside: no endpoint and no host has it`;
  }
}

function paint(verdict: Trace['verdict'], text: string, style: VerifyStyle): string {
  return verdict === 'allow' ? style.allow(text) : style.deny(text);
}
