/**
 * The configuration of BIRD 2 for one host: both families in one daemon, as text.
 *
 * A host announces its own workloads: routes to single addresses that the kernel holds with the agent's protocol number
 * (rtm_protocol, rtnetlink(7)) inside a pool. What peers tell it of the pools it believes and, by the rules of BGP,
 * passes on; only what came through the full mesh is not told to the mesh again, where everybody has heard it.
 * The kernel's other routes are read as well, the default route included, because the next hop of a BGP route is
 * looked up in BIRD's own table; the export filters keep them from leaving. `protocol direct` is needed for the same
 * reason: the kernel protocol does not learn connected networks, and without them every next hop would be resolved
 * through the default route.
 *
 * The configuration carries its own digest as the description of the device protocol. The daemon can thus be asked
 * which configuration it runs, by whomever and whenever it was loaded.
 */
import { createHash } from 'node:crypto';
import { addressLength, type Cidr, familyOf, IP_FAMILIES, type IpFamily } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
import type { PasswordOf } from '../password-file.js';
import {
  address,
  type BirdText,
  bird,
  block,
  interfacesLike,
  interfacesStartingWith,
  joined,
  lines,
  networkAndBelow,
  quoted,
  quotedPath,
  symbol,
} from './bird-text.js';
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
      ...IP_FAMILIES.flatMap((family) => familyPart(family, model, options)),
      sessions.some(({ bfd }) => bfd) ? bfdProtocol() : undefined,
      ...sessions.map((session) => sessionProtocol(session, model, options.passwordOf)),
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

/** What one family needs: the pools, the filters made of them, the kernel protocol and the template of sessions. */
function familyPart(family: IpFamily, model: BgpModel, options: BirdConfigOptions): BirdText[] {
  const isWorkload = bird`krt_source = ${options.deviceRouteProtocol} && net.len = ${addressLength(family)}`;
  const poolRules = [
    ...poolSet('hidden', family, model.hiddenPools, bird`reject`),
    ...poolSet('announced', family, model.exportedPools, bird`accept`),
  ];
  const announced = [
    bird`if source = RTS_INHERIT && !(${isWorkload}) then reject;`,
    bird`if source != RTS_INHERIT && source != RTS_BGP then reject;`,
    ...poolRules.map(({ rule }) => rule),
    bird`reject;`,
  ];
  return [
    ...poolRules.map(({ definition }) => definition),
    block(bird`\nfilter heddle_export_${family}`, ...announced),
    block(
      bird`\nfilter heddle_export_mesh_${family}`,
      bird`if source = RTS_BGP && proto ~ "Mesh_*" then reject;`,
      ...announced,
    ),
    block(bird`\nfilter heddle_import_${family}`, ...poolRules.map(({ rule }) => rule), bird`reject;`),
    block(
      bird`\nfilter heddle_from_kernel_${family}`,
      // Above what BGP says (100): a workload is here, whoever else claims its address.
      bird`if ${isWorkload} then preference = 150;`,
      bird`accept;`,
    ),
    kernelProtocol(family, bird`filter heddle_from_kernel_${family}`, routesToKernel(family, model)),
    ...gatewayRoutes(family, model),
    sessionTemplate(family, model),
  ];
}

/** A named set of the pools of this family and the rule that uses it; nothing when there are none. */
function poolSet(
  name: string,
  family: IpFamily,
  pools: readonly Cidr[],
  verdict: BirdText,
): { readonly definition: BirdText; readonly rule: BirdText }[] {
  const networks = pools.filter((pool) => familyOf(pool) === family).map(networkAndBelow);
  if (networks.length === 0) return [];
  const set = symbol('heddle_', `${name}_${family}`);
  const rows = networks.map(
    (network, index) => bird`  ${network}${index < networks.length - 1 ? COMMA : NOTHING}`,
  );
  return [
    {
      definition: lines(bird`\ndefine ${set} = [`, ...rows, bird`];`),
      rule: bird`if net ~ ${set} then ${verdict};`,
    },
  ];
}

const COMMA = bird`,`;
const NOTHING = bird``;

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

/** The ways to peers behind a gateway are for the kernel too: it carries the sessions. */
function routesToKernel(family: IpFamily, { sessions, controlPlaneOnly }: BgpModel): BirdText {
  const hasGateways = sessions.some((session) => session.family === family && session.gateway);
  if (controlPlaneOnly) return hasGateways ? bird`where source = RTS_STATIC` : bird`none`;
  return hasGateways ? bird`where source = RTS_BGP || source = RTS_STATIC` : BGP_ROUTES;
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
