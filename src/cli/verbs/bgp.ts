/**
 * `heddle bgp`: which sessions would come up, and which host would learn whose routes over whom.
 */
import { addressLength, familyOf } from '../../model/address.js';

import {
  learnedRoutes,
  type MissingRoutes,
  type Session,
  sessionsOf,
} from '../../topology/propagation/learned-routes.js';
import { type OutsideSession, outsideSessions } from '../../topology/propagation/outside-sessions.js';
import { propagate } from '../../topology/propagation/propagate.js';
import { topologyFrom } from '../../topology/topology-from.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { type Colors, pickColors } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';
import { loadFolder } from '../load-folder.js';
import { formatTable } from '../table.js';

interface BgpOptions extends CommonOptions {
  readonly node?: string;
}

export const bgp: Verb = (context) =>
  verb(context, 'bgp', 'which sessions would come up, and who would learn whose routes over whom')
    .argument('[path]', 'folder of manifests', '.')
    .addOption(flag(context.environment, '--node <name>', 'of this Node or RouteReflector only'))
    .action(async (path: string, options: BgpOptions) => {
      const { state } = await loadFolder(context, path, options);
      const propagation = propagate(topologyFrom(state.values()));
      const { speakers, broken } = propagation.network;
      const { node } = options;
      if (node !== undefined && !speakers.some(({ name }) => name === node))
        throw new CliError(
          EXIT.invalidInput,
          `no Node or RouteReflector "${node}" takes part in BGP in ${path}`,
          'a Node takes part that has bgp.ipv4Address',
        );
      const sessions = sessionsOf(propagation, node);
      const outside = outsideSessions(propagation.network, node);
      const routes = learnedRoutes(propagation, node);
      const faults = broken.filter((fault) => node === undefined || fault.node === node);
      const report = {
        sessions,
        outside,
        routes: routes.learned,
        missing: routes.missing,
        broken: faults.map(({ node: name, session, why }) => ({
          node: name,
          peer: session.peerAddress,
          why,
        })),
      };
      context.out(
        options.output === 'json'
          ? `${JSON.stringify(report)}\n`
          : formatReport(report, pickColors(options.color, context)),
      );
    });

interface Report {
  readonly sessions: readonly Session[];
  readonly outside: readonly OutsideSession[];
  readonly routes: readonly (MissingRoutes & { readonly over: readonly string[] })[];
  readonly missing: readonly MissingRoutes[];
  readonly broken: readonly { readonly node: string; readonly peer: string; readonly why: string }[];
}

/** Names in a cell; the rest is counted. */
const MAX_NAMES = 5;

function formatReport({ sessions, outside, routes, missing, broken }: Report, colors: Colors): string {
  const sections = [
    section(
      ['SESSION', '', 'TYPE', 'FAMILIES'],
      sessionRows(sessions),
      outside.length === 0 ? 'no sessions: nobody peers with anybody' : 'no sessions between hosts',
    ),
    ...(outside.length === 0
      ? []
      : [section(['HOST', 'PEERS WITH', 'ADDRESS', 'AS'], outside.map(outsideCells), '')]),
    section(
      ['HOST', 'LEARNS', 'OF', 'OVER'],
      routes.map(({ over, ...route }) => [
        route.node,
        destination(route),
        names(route.from),
        over.join(', ') || 'directly',
      ]),
      'nobody learns a route of anybody',
    ),
    ...(missing.length === 0
      ? []
      : [
          section(
            [colors.yellow('HOST'), colors.yellow('DOES NOT LEARN'), colors.yellow('OF')],
            missing.map((route) => [route.node, destination(route), names(route.from)]),
            '',
          ),
        ]),
    ...(broken.length === 0
      ? []
      : [
          section(
            [colors.red('CANNOT COME UP'), 'WITH', 'BECAUSE'],
            broken.map(({ node, peer, why }) => [node, peer, why]),
            '',
          ),
        ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** A host announces its blocks as they are, and of the rest of a pool each address by itself. */
function destination({ network, whole }: MissingRoutes): string {
  return whole ? network : `/${addressLength(familyOf(network))}s in ${network}`;
}

function section(heading: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  return rows.length === 0 ? none : formatTable(heading, rows).join('\n');
}

function outsideCells({ host, peer, address, asNumber }: OutsideSession): readonly string[] {
  return [host, peer, address, String(asNumber)];
}

function sessionRows(sessions: readonly Session[]): readonly (readonly string[])[] {
  const rows = new Map<string, { readonly cells: readonly string[]; readonly families: number[] }>();
  for (const { hosts, type, family } of sessions) {
    const key = `${hosts.join()} ${type}`;
    const row = rows.get(key) ?? { cells: [...hosts, type], families: [] };
    row.families.push(family);
    rows.set(key, row);
  }
  return [...rows.values()].map(({ cells, families }) => [
    ...cells,
    families.map((one) => `IPv${one}`).join(' '),
  ]);
}

function names(all: readonly string[]): string {
  const shown = all.slice(0, MAX_NAMES).join(', ');
  return all.length > MAX_NAMES ? `${shown} and ${all.length - MAX_NAMES} more` : shown;
}
