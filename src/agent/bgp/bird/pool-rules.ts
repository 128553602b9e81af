/**
 * Which routes are told to peers and which are believed, as statements of BIRD's filters.
 *
 * A host announces its own workloads: routes to single addresses that the kernel holds with the agent's protocol number
 * (rtm_protocol, rtnetlink(7)) inside a pool, or the block that they lie in (block-rules.ts). What hosts of ours tell it
 * of the pools it believes and, by the rules of BGP, passes on; only what came through the full mesh is not told to the
 * mesh again, where everybody has heard it.
 *
 * Import protection: a daemon that is not ours is believed everything but addresses of our pools and a default route,
 * because it is there to say what lies outside. Where our own routes come back through it (a switch between racks that
 * are systems of their own), a BGPFilter that accepts them says so.
 */
import { addressLength, type Cidr, familyOf, type IpFamily } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
import {
  type BirdText,
  bird,
  block,
  community,
  interfacesStartingWith,
  joined,
  networkAndBelow,
  networkSet,
  symbol,
} from './bird-text.js';
import { blockRules } from './block-rules.js';

export interface PoolRules {
  /** What the statements below refer to. */
  readonly definitions: readonly BirdText[];
  /** Refuses what nobody may announce, and gives the rest its communities; goes before whatever else decides. */
  readonly marks: readonly BirdText[];
  /** Each of these decides every route in the end. */
  readonly announce: readonly BirdText[];
  readonly announceToMesh: readonly BirdText[];
  /** Of what hosts of ours say, and of what somebody else's daemons say. */
  readonly believe: readonly BirdText[];
  readonly believeForeign: readonly BirdText[];
}

/**
 * True for the routes of workloads, among those learned from the kernel. In an overlay the agent's routes to other hosts
 * may be as long, and what tells them apart is where they lead.
 */
export function isWorkload(
  family: IpFamily,
  { overlayPools, interfacePrefix }: Pick<BgpModel, 'overlayPools' | 'interfacePrefix'>,
  deviceRouteProtocol: number,
): BirdText {
  const isAgents = bird`krt_source = ${deviceRouteProtocol} && net.len = ${addressLength(family)}`;
  return overlayPools.some((pool) => familyOf(pool) === family)
    ? bird`${isAgents} && ifname ~ ${interfacesStartingWith(interfacePrefix)}`
    : isAgents;
}

/** True for what is not of the overlay, where the agent keeps the routes; undefined: there is none. */
export function isNoOverlay(
  family: IpFamily,
  { overlayPools }: Pick<BgpModel, 'overlayPools'>,
): BirdText | undefined {
  const networks = overlayPools.filter((pool) => familyOf(pool) === family).map(networkAndBelow);
  const listed = joined(networks.map((one, index) => (index === 0 ? one : bird`, ${one}`)));
  return networks.length === 0 ? undefined : bird`!(net ~ [ ${listed} ])`;
}

export function poolRules(family: IpFamily, model: BgpModel, deviceRouteProtocol: number): PoolRules {
  const pools = [
    ...poolSet('hidden', family, model.hiddenPools, bird`reject`),
    ...poolSet('announced', family, model.exportedPools, bird`accept`),
  ];
  const inPools = [...pools.map(({ rule }) => rule), bird`reject;`];
  const blocks = blockRules(family, model);
  const orBlock = blocks.isAnnounced ? bird` && !(${blocks.isAnnounced})` : bird``;
  const announce = [
    bird`if source = RTS_INHERIT && !(${isWorkload(family, model, deviceRouteProtocol)}) then reject;`,
    ...blocks.hide,
    bird`if source != RTS_INHERIT && source != RTS_BGP${orBlock} then reject;`,
    ...inPools,
  ];
  const communities = communityFunction(family, model);
  return {
    definitions: [...pools.map(({ definition }) => definition), ...blocks.definitions, ...communities],
    marks: [...blocks.never, ...(communities.length === 0 ? [] : [bird`heddle_communities_${family}();`])],
    announce,
    announceToMesh: [bird`if source = RTS_BGP && proto ~ "Mesh_*" then reject;`, ...announce],
    believe: inPools,
    believeForeign: [
      ...pools.map(({ isIn }) => bird`if ${isIn} then reject;`),
      bird`if net.len = 0 then reject;`,
      bird`accept;`,
    ],
  };
}

/** A named set of the pools of this family and the rule that uses it; nothing when there are none. */
function poolSet(
  name: string,
  family: IpFamily,
  pools: readonly Cidr[],
  verdict: BirdText,
): { readonly definition: BirdText; readonly isIn: BirdText; readonly rule: BirdText }[] {
  const networks = pools.filter((pool) => familyOf(pool) === family).map(networkAndBelow);
  if (networks.length === 0) return [];
  const set = symbol('heddle_', `${name}_${family}`);
  const isIn = bird`net ~ ${set}`;
  return [{ definition: networkSet(set, networks), isIn, rule: bird`if ${isIn} then ${verdict};` }];
}

function communityFunction(family: IpFamily, { advertisements }: BgpModel): BirdText[] {
  const statements = advertisements
    .filter(({ cidr }) => familyOf(cidr) === family)
    .flatMap(({ cidr, communities }) =>
      communities.map((text) => {
        const { attribute, value } = community(text);
        return bird`if net ~ [ ${networkAndBelow(cidr)} ] then ${attribute}.add(${value});`;
      }),
    );
  return statements.length === 0
    ? []
    : [block(bird`\nfunction heddle_communities_${family}()`, ...statements)];
}
