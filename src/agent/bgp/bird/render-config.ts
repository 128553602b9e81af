/**
 * The configuration of BIRD 2 for one host: both families in one daemon, as text.
 *
 * Which routes go where is in pool-rules.ts. All routes of the kernel are read, the default route included, because the
 * next hop of a BGP route is looked up in BIRD's own table; the export filters keep them from leaving. `protocol direct` is needed for the same
 * reason: the kernel protocol does not learn connected networks, and without them every next hop would be resolved
 * through the default route.
 *
 * The configuration carries its own digest as the description of the device protocol. The daemon can thus be asked
 * which configuration it runs, by whomever and whenever it was loaded.
 */
import { createHash } from 'node:crypto';
import { addressLength, familyOf, IP_FAMILIES, type IpFamily } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
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
  quotedPath,
  symbol,
} from './bird-text.js';
import { blackholes } from './block-rules.js';
import { isWorkload, type PoolRules, poolRules } from './pool-rules.js';
import { bfdProtocol, channel, sessionProtocol, sessionTemplate } from './render-session.js';

export interface IdleConfigOptions {
  /** Where BIRD logs to. A file is turned over at 1 MiB, and one old file is kept beside it. */
  readonly log:
    | { readonly to: 'file'; readonly path: string }
    | { readonly to: 'syslog' }
    | { readonly to: 'stderr' };
}

export interface BirdConfigOptions extends IdleConfigOptions {
  /** Protocol number of the agent's routes, by which BIRD tells workloads from the rest of the kernel's table. */
  readonly deviceRouteProtocol: number;
  readonly passwordOf: PasswordOf;
}

/** The protocol whose description says which configuration is loaded. */
export const DIGEST_PROTOCOL = symbol('heddle_', 'device');

/** The configuration for this model. Equal input gives equal text. @throws {RangeError} for an unusable log path. */
export function renderBirdConfig(model: BgpModel, options: BirdConfigOptions): string {
  const { sessions } = model;
  const rules = {
    4: poolRules(4, model, options.deviceRouteProtocol),
    6: poolRules(6, model, options.deviceRouteProtocol),
  };
  return withDigest((digest) =>
    lines(
      bird`# Written by heddle for ${quoted(model.node)}: the next change overwrites what is edited here.`,
      ...logLines(model.logSeverity, options),
      bird`router id ${address(model.routerId)};`,
      // How long a restarted daemon holds back its changes to the kernel for a peer that does not come back.
      bird`graceful restart wait 30;`,
      deviceProtocol(digest),
      block(
        bird`\nprotocol direct heddle_direct`,
        bird`ipv4;`,
        bird`ipv6;`,
        bird`interface ${joined(ignoredInterfaces(model))}"*";`,
      ),
      ...IP_FAMILIES.flatMap((family) => familyPart(family, rules[family], model, options)),
      sessions.some(({ bfd }) => bfd) ? bfdProtocol() : undefined,
      ...sessions.map((session) => sessionProtocol(session, model, rules[session.family], options)),
    ),
  );
}

/** The configuration of a host that has left BGP: no sessions, and the routes they brought leave the kernel. */
export function renderIdleBirdConfig(options: IdleConfigOptions): string {
  return withDigest((digest) =>
    lines(
      bird`# Written by heddle: this host takes no part in BGP.`,
      ...logLines('Info', options),
      deviceProtocol(digest),
      ...IP_FAMILIES.map((family) => kernelProtocol(family, bird`all`)),
    ),
  );
}

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

function logLines(severity: BgpModel['logSeverity'], options: IdleConfigOptions): (BirdText | undefined)[] {
  const timestamp = bird`"%Y-%m-%dT%H:%M:%S.%3f%z"`;
  return [
    bird`log ${logTarget(options.log)} ${LOG_CLASSES[severity]};`,
    ...[bird`log`, bird`base`, bird`protocol`].map((what) => bird`timeformat ${what} ${timestamp};`),
    severity === 'Debug' ? bird`debug protocols all;` : undefined,
    severity === 'Info' ? bird`debug protocols { states };` : undefined,
  ];
}

function logTarget(log: IdleConfigOptions['log']): BirdText {
  switch (log.to) {
    case 'file':
      return bird`${quotedPath(log.path)} 1048576 ${quotedPath(`${log.path}.1`)}`;
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
  { deviceRouteProtocol }: BirdConfigOptions,
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
      bird`if ${isWorkload(family, deviceRouteProtocol)} then preference = 150;`,
      bird`accept;`,
    ),
    kernelProtocol(family, bird`filter heddle_from_kernel_${family}`, routesToKernel(family, model)),
    ...gatewayRoutes(family, model),
    ...blackholes(family, model),
    sessionTemplate(family, model),
  ];
}

/**
 * The kernel's main table. Only what BGP brought is written to it, and it stays there when the daemon goes.
 *
 * No import filter may ever refuse a route that was learned: BIRD 2.0.12 keeps pointing at the entry it then frees,
 * and announces other networks in its place once the route is let in again.
 */
function kernelProtocol(family: IpFamily, imported: BirdText, exported = BGP_ROUTES): BirdText {
  return block(
    bird`\nprotocol kernel heddle_kernel_${family}`,
    bird`learn;`,
    bird`persist;`,
    bird`merge paths on;`,
    bird`graceful restart;`,
    bird`scan time 10;`,
    // A burst of a thousand routes overflows the default buffer, and then waits for the next scan.
    bird`netlink rx buffer 16777216;`,
    channel(family, bird`import ${imported};`, bird`export ${exported};`),
  );
}

const BGP_ROUTES = bird`where source = RTS_BGP`;

/** The ways to peers behind a gateway are for the kernel too, because it carries the sessions, and so are blackholes. */
function routesToKernel(family: IpFamily, { sessions, blocks, controlPlaneOnly }: BgpModel): BirdText {
  const isStatic =
    sessions.some((session) => session.family === family && session.gateway) ||
    blocks.some(({ cidr }) => familyOf(cidr) === family);
  if (controlPlaneOnly) return isStatic ? bird`where source = RTS_STATIC` : bird`none`;
  return isStatic ? bird`where source = RTS_BGP || source = RTS_STATIC` : BGP_ROUTES;
}

function gatewayRoutes(family: IpFamily, { sessions }: BgpModel): BirdText[] {
  const gateways = new Map(
    sessions.flatMap(({ family: of, peerAddress, gateway }) =>
      of === family && gateway !== undefined ? [[peerAddress, gateway] as const] : [],
    ),
  );
  if (gateways.size === 0) return [];
  const routes = [...gateways].map(
    ([peer, gateway]) => bird`route ${address(peer)}/${addressLength(family)} via ${address(gateway)};`,
  );
  return [block(bird`\nprotocol static heddle_gateways_${family}`, bird`ipv${family};`, ...routes)];
}

/** `-"cali*", -"docker0", ` */
function ignoredInterfaces({ interfacePrefix, ignoredInterfaces: others }: BgpModel): BirdText[] {
  return [interfacesStartingWith(interfacePrefix), ...others.map(interfacesLike)].map(
    (pattern) => bird`-${pattern}, `,
  );
}
