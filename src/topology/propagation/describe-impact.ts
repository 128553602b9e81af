/** What a change does to BGP, in lines for people. */
import type { Amount, BgpImpact, RouteGroup, SessionPair } from './bgp-impact.js';
import { describeOutside, type OutsideSession } from './outside-sessions.js';
import { describeOverlay } from './overlay-change.js';

/** Lines of each kind; the rest is counted. */
const MAX_LINES = 10;
/** Names in a line; the rest is counted. */
const MAX_NAMES = 4;

export interface ImpactLine {
  readonly mark: '+' | '-' | '!';
  readonly text: string;
}

export function isWithoutImpact({ sessions, outside, routes, broken, overlays }: BgpImpact): boolean {
  const amounts = [sessions, outside, routes].flatMap(({ gained, lost }) => [gained, lost]);
  return amounts.every(({ count }) => count === 0) && broken.length + overlays.length === 0;
}

/** `BGP: 3 sessions and 6 routes gained, 1 session lost`. */
export function summarizeImpact({ sessions, outside, routes }: BgpImpact): string {
  const part = (session: number, route: number, verb: string): string[] => {
    const counts = [counted(session, 'session'), counted(route, 'route')].filter((text) => text !== '');
    return counts.length === 0 ? [] : [`${counts.join(' and ')} ${verb}`];
  };
  const parts = [
    ...part(sessions.gained.count + outside.gained.count, routes.gained.count, 'gained'),
    ...part(sessions.lost.count + outside.lost.count, routes.lost.count, 'lost'),
  ];
  return `BGP: ${parts.length === 0 ? 'no session and no route changes' : parts.join(', ')}`;
}

export function impactLines({
  sessions,
  outside,
  routes,
  broken,
  overlays,
}: BgpImpact): readonly ImpactLine[] {
  const others = ({ shown }: Amount<OutsideSession>) => shown.map((one) => `session ${describeOutside(one)}`);
  return [
    ...marked('-', describeRoutes(routes.lost), 'groups of routes'),
    ...outsideLines(routes),
    ...marked('+', describeRoutes(routes.gained), 'groups of routes'),
    ...marked('-', describeSessions(sessions.lost), 'sessions', sessions.lost.count),
    ...marked('-', others(outside.lost), 'sessions with routers outside', outside.lost.count),
    ...marked('+', describeSessions(sessions.gained), 'sessions', sessions.gained.count),
    ...marked('+', others(outside.gained), 'sessions with routers outside', outside.gained.count),
    ...marked(
      '!',
      broken.map((text) => `cannot come up: ${text}`),
      'sessions',
    ),
    ...marked('!', overlays.map(describeOverlay), 'pools'),
  ];
}

function outsideLines({ lost, cutOff }: BgpImpact['routes']): ImpactLine[] {
  const count = lost.count - cutOff.count;
  if (count === 0) return [];
  const text = `${counted(count, 'lost route')}: both hosts have a session with a router outside, which may pass it on`;
  return [{ mark: '!', text }];
}

/** `routes from host-3 to 192.168.0.0/16 of host-1, host-2`. */
export function describeRoutes({ shown }: Amount<RouteGroup>): readonly string[] {
  return shown.map(({ network, from, to }) => `routes from ${names(to)} to ${network} of ${names(from)}`);
}

function describeSessions({ shown }: Amount<SessionPair>): readonly string[] {
  const families = new Map<string, number[]>();
  for (const { hosts, family } of shown)
    families.set(hosts.join(' - '), [...(families.get(hosts.join(' - ')) ?? []), family]);
  return [...families].map(
    ([pair, numbers]) => `session ${pair} ${numbers.map((family) => `IPv${family}`).join(', ')}`,
  );
}

function marked(
  mark: ImpactLine['mark'],
  texts: readonly string[],
  what: string,
  count = texts.length,
): ImpactLine[] {
  const lines = texts.slice(0, MAX_LINES).map((text): ImpactLine => ({ mark, text }));
  if (texts.length > MAX_LINES) lines.push({ mark, text: `and more: ${count} ${what} in all` });
  return lines;
}

function counted(count: number, what: string): string {
  if (count === 0) return '';
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function names(all: readonly string[]): string {
  const shown = all.slice(0, MAX_NAMES).join(', ');
  return all.length > MAX_NAMES ? `${shown} and ${all.length - MAX_NAMES} more` : shown;
}
