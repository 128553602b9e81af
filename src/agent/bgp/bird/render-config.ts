/**
 * The configuration of BIRD for one host, as text; in what BIRD 2 and BIRD 1.6 differ is in dialect.ts.
 *
 * Which routes go where is in pool-rules.ts. All routes of the kernel are read, the default route included, because the
 * next hop of a BGP route is looked up in BIRD's own table; the export filters keep them from leaving. `protocol
 * direct` is needed for the same reason: the kernel protocol does not learn connected networks, and without them every
 * next hop would be resolved through the default route.
 *
 * The configuration carries its own digest as the description of the device protocol. The daemon can thus be asked
 * which configuration it runs, by whomever and whenever it was loaded.
 */
import { createHash } from 'node:crypto';
import { addressLength, familyOf, type IpFamily } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
import type { KeptRoute } from '../kept-routes.js';
import type { PasswordOf } from '../password-file.js';
import { filterFunctions } from './bgp-filters.js';
import {
  address,
  type BirdText,
  bird,
  block,
  interfacesLike,
  interfacesStartingWith,
  joined,
  lines,
  quoted,
  symbol,
} from './bird-text.js';
import { blackholes } from './block-rules.js';
import { BIRD_2, type BirdDialect } from './dialect.js';
import { keepToOurselves, keptProtocol } from './kept-protocol.js';
import { isNoOverlay, isWorkload, type PoolRules, poolRules } from './pool-rules.js';
import { bfdProtocol, sessionProtocol, sessionTemplate } from './render-session.js';

export interface IdleConfigOptions {
  /** Default: BIRD 2. */
  readonly dialect?: BirdDialect;
  /** Where BIRD logs to. BIRD 2 turns a file over at 1 MiB, and keeps one old file beside it. */
  readonly log:
    | { readonly to: 'file'; readonly path: string }
    | { readonly to: 'syslog' }
    | { readonly to: 'stderr' };
}

export interface BirdConfigOptions extends IdleConfigOptions {
  /** Protocol number of the agent's routes, by which BIRD tells workloads from the rest of the kernel's table. */
  readonly deviceRouteProtocol: number;
  readonly passwordOf: PasswordOf;
  /** That the kernel is to keep although the sessions that brought them end. */
  readonly keptRoutes?: readonly KeptRoute[];
}

/** The protocol whose description says which configuration is loaded. */
export const DIGEST_PROTOCOL = symbol('heddle_', 'device');

/** The configuration for this model. Equal input gives equal text. @throws {RangeError} for an unusable log path. */
export function renderBirdConfig(model: BgpModel, options: BirdConfigOptions): string {
  const { passwordOf, dialect = BIRD_2, keptRoutes = [] } = options;
  const parts = dialect.families.map((family) => {
    const sessions = model.sessions.filter((session) => session.family === family);
    const rules = poolRules(family, model, options.deviceRouteProtocol);
    const marks = [...keepToOurselves(family, keptRoutes), ...rules.marks];
    return { family, sessions, rules: { ...rules, marks } };
  });
  const sessions = parts.flatMap((part) => part.sessions);
  return withDigest((digest) =>
    lines(
      bird`# Written by heddle for ${quoted(model.node)}: the next change overwrites what is edited here.`,
      ...logLines(model.logSeverity, options),
      ...dialect.preamble(model),
      ...debugLines(model.logSeverity),
      bird`router id ${address(model.routerId)};`,
      // How long a restarted daemon holds back its changes to the kernel for a peer that does not come back.
      bird`graceful restart wait 30;`,
      deviceProtocol(digest),
      block(
        bird`\nprotocol direct heddle_direct`,
        ...dialect.families.flatMap((family) => dialect.channelOf(family)),
        bird`interface ${joined(ignoredInterfaces(model))}"*";`,
      ),
      ...parts.flatMap(({ family, rules }) =>
        familyPart(family, rules, model, { ...options, dialect, keptRoutes }),
      ),
      sessions.some(({ bfd }) => bfd) ? bfdProtocol() : undefined,
      ...parts.flatMap((part) =>
        part.sessions.map((session) => sessionProtocol(session, model, part.rules, { passwordOf, dialect })),
      ),
    ),
  );
}

/** The configuration of a host that has left BGP: no sessions, and the routes they brought leave the kernel. */
export function renderIdleBirdConfig(options: IdleConfigOptions): string {
  const { dialect = BIRD_2 } = options;
  return withDigest((digest) =>
    lines(
      bird`# Written by heddle: this host takes no part in BGP.`,
      ...logLines('Info', options),
      ...dialect.preamble(NOBODY),
      ...debugLines('Info'),
      ...dialect.idleOptions,
      deviceProtocol(digest),
      ...dialect.families.map((family) => kernelProtocol(family, dialect, bird`all`)),
    ),
  );
}

/** There is no BGP in it. */
const NOBODY = { listenPort: 179, bindsToAddress: false, sessions: [] };

/** The digest that a configuration (or the description of its device protocol) carries; undefined: not ours. */
export function digestOf(text: string): string | undefined {
  return /\bheddle configuration ([0-9a-f]{16})\b/.exec(text)?.[1];
}

function withDigest(render: (digest: BirdText) => BirdText): string {
  const hash = createHash('sha256')
    .update(render(quoted('heddle configuration')))
    .digest('hex');
  return `${render(quoted(`heddle configuration ${hash.slice(0, 16)}`))}\n`;
}

const LOG_CLASSES: Readonly<Record<BgpModel['logSeverity'], BirdText>> = {
  Debug: bird`all`,
  Info: bird`{ trace, info, remote, warning, error, auth, fatal, bug }`,
  Warning: bird`{ warning, error, auth, fatal, bug }`,
  Error: bird`{ error, fatal, bug }`,
  Fatal: bird`{ fatal, bug }`,
  // Without any log line BIRD would write everything to syslog.
  None: bird`{ bug }`,
};

function logLines(
  severity: BgpModel['logSeverity'],
  { log, dialect = BIRD_2 }: IdleConfigOptions,
): BirdText[] {
  return [bird`log ${logTarget(log, dialect)} ${LOG_CLASSES[severity]};`];
}

function debugLines(severity: BgpModel['logSeverity']): (BirdText | undefined)[] {
  return [
    severity === 'Debug' ? bird`debug protocols all;` : undefined,
    severity === 'Info' ? bird`debug protocols { states };` : undefined,
  ];
}

function logTarget(log: IdleConfigOptions['log'], dialect: BirdDialect): BirdText {
  switch (log.to) {
    case 'file':
      return dialect.logFile(log.path);
    case 'syslog':
      return bird`syslog`;
    case 'stderr':
      return bird`stderr`;
  }
}

function deviceProtocol(digest: BirdText): BirdText {
  return block(bird`\nprotocol device ${DIGEST_PROTOCOL}`, bird`description ${digest};`, bird`scan time 10;`);
}

/** What one family needs: filters, the kernel protocol and the template of sessions. */
function familyPart(
  family: IpFamily,
  rules: PoolRules,
  model: BgpModel,
  {
    deviceRouteProtocol,
    dialect,
    keptRoutes,
  }: Required<Pick<BirdConfigOptions, 'deviceRouteProtocol' | 'dialect' | 'keptRoutes'>>,
): (BirdText | undefined)[] {
  const hasForeign = model.sessions.some((session) => session.family === family && !session.isOurs);
  return [
    ...rules.definitions,
    ...filterFunctions(family, model),
    block(bird`\nfilter heddle_export_${family}`, ...rules.marks, ...rules.announce),
    block(bird`\nfilter heddle_export_mesh_${family}`, ...rules.marks, ...rules.announceToMesh),
    block(bird`\nfilter heddle_import_${family}`, ...rules.believe),
    hasForeign ? block(bird`\nfilter heddle_import_foreign_${family}`, ...rules.believeForeign) : undefined,
    block(
      bird`\nfilter heddle_from_kernel_${family}`,
      // Above what BGP says (100): a workload is here, whoever else claims its address.
      bird`if ${isWorkload(family, model, deviceRouteProtocol)} then preference = 150;`,
      bird`accept;`,
    ),
    kernelProtocol(
      family,
      dialect,
      bird`filter heddle_from_kernel_${family}`,
      routesToKernel(family, model, keptRoutes),
    ),
    ...gatewayRoutes(family, model, dialect),
    ...blackholes(family, model, dialect),
    ...keptProtocol(family, keptRoutes, dialect),
    sessionTemplate(family, model, dialect),
  ];
}

/**
 * The kernel's main table. Only what BGP brought is written to it, and it stays there when the daemon goes.
 *
 * No import filter may ever refuse a route that was learned: BIRD 2.0.12 keeps pointing at the entry it then frees,
 * and announces other networks in its place once the route is let in again.
 */
function kernelProtocol(
  family: IpFamily,
  dialect: BirdDialect,
  imported: BirdText,
  exported = BGP_ROUTES,
): BirdText {
  return block(
    bird`\nprotocol kernel heddle_kernel_${family}`,
    bird`learn;`,
    bird`persist;`,
    bird`merge paths on;`,
    bird`graceful restart;`,
    bird`scan time 10;`,
    ...dialect.kernelOptions,
    ...dialect.channel(family, bird`import ${imported};`, bird`export ${exported};`),
  );
}

const BGP_ROUTES = bird`where source = RTS_BGP`;

/** The ways to peers behind a gateway are for the kernel too, because it carries the sessions, and so are the others. */
function routesToKernel(family: IpFamily, model: BgpModel, keptRoutes: readonly KeptRoute[]): BirdText {
  const { sessions, blocks, controlPlaneOnly } = model;
  const isStatic =
    sessions.some((session) => session.family === family && session.gateway) ||
    blocks.some(({ cidr }) => familyOf(cidr) === family) ||
    keptRoutes.some(({ destination }) => familyOf(destination) === family);
  if (controlPlaneOnly) return isStatic ? bird`where source = RTS_STATIC` : bird`none`;
  const noOverlay = isNoOverlay(family, model);
  if (noOverlay === undefined)
    return isStatic ? bird`where source = RTS_BGP || source = RTS_STATIC` : BGP_ROUTES;
  const fromBgp = bird`source = RTS_BGP && ${noOverlay}`;
  return isStatic ? bird`where (${fromBgp}) || source = RTS_STATIC` : bird`where ${fromBgp}`;
}

function gatewayRoutes(family: IpFamily, { sessions }: BgpModel, dialect: BirdDialect): BirdText[] {
  const gateways = new Map(
    sessions.flatMap(({ family: of, peerAddress, gateway }) =>
      of === family && gateway !== undefined ? [[peerAddress, gateway] as const] : [],
    ),
  );
  if (gateways.size === 0) return [];
  const routes = [...gateways].map(
    ([peer, gateway]) => bird`route ${address(peer)}/${addressLength(family)} via ${address(gateway)};`,
  );
  return [block(bird`\nprotocol static heddle_gateways_${family}`, ...dialect.channelOf(family), ...routes)];
}

/** `-"cali*", -"docker0", ` */
function ignoredInterfaces({ interfacePrefix, ignoredInterfaces: others }: BgpModel): BirdText[] {
  return [interfacesStartingWith(interfacePrefix), ...others.map(interfacesLike)].map(
    (pattern) => bird`-${pattern}, `,
  );
}
