/**
 * The blocks of this host in BIRD's language: a blackhole for each, and which routes they stand for.
 *
 * The blackhole goes to the kernel, where the routes of workloads are more specific and win; what is left ends here
 * and does not travel to the default gateway and back. It outranks whatever BGP says of the very block (200 against
 * 100), so import filters need not know of blocks, and a block that comes or goes makes no peer send all it has again.
 *
 * In BGP an announced block stands for this host's workloads in it. An address of it that lives on another host is a
 * route of BGP, is not hidden, and wins there as the more specific one.
 */
import { addressLength, type Cidr, familyOf, type IpFamily, prefixLength } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
import { type BirdText, bird, block, lines, network, networkSet, symbol } from './bird-text.js';
import type { BirdDialect } from './dialect.js';

export interface BlockRules {
  readonly definitions: readonly BirdText[];
  /** Goes before BGPFilters: what nobody may accept. */
  readonly never: readonly BirdText[];
  /** Of the routes of workloads. */
  readonly hide: readonly BirdText[];
  /** True for the routes of blocks that are announced; undefined when there are none. */
  readonly isAnnounced: BirdText | undefined;
}

export function blockRules(family: IpFamily, model: BgpModel): BlockRules {
  const own = blocksOf(family, model);
  const announced = own.filter(({ aggregated }) => aggregated).map(({ cidr }) => cidr);
  const others = own.filter(({ aggregated }) => !aggregated).map(({ cidr }) => cidr);
  const whole = symbol('heddle_', `blocks_${family}`);
  const inside = symbol('heddle_', `in_blocks_${family}`);
  const unsettled = symbol('heddle_', `unsettled_blocks_${family}`);
  return {
    definitions: [
      ...(announced.length === 0
        ? []
        : [networkSet(whole, announced.map(network)), networkSet(inside, announced.map(moreSpecific))]),
      ...(others.length === 0 ? [] : [networkSet(unsettled, others.map(network))]),
    ],
    never: others.length === 0 ? [] : [bird`if source = RTS_STATIC && net ~ ${unsettled} then reject;`],
    hide: announced.length === 0 ? [] : [bird`if source = RTS_INHERIT && net ~ ${inside} then reject;`],
    isAnnounced: announced.length === 0 ? undefined : bird`source = RTS_STATIC && net ~ ${whole}`,
  };
}

/** The protocol that holds the blackholes; nothing when there are no blocks. */
export function blackholes(family: IpFamily, model: BgpModel, dialect: BirdDialect): BirdText[] {
  const own = blocksOf(family, model);
  if (own.length === 0) return [];
  const routes = own.map(({ cidr }) => bird`route ${network(cidr)} blackhole;`);
  return [
    block(
      bird`\nprotocol static heddle_blackholes_${family}`,
      ...dialect.channelOf(family),
      lines(...routes),
    ),
  ];
}

function blocksOf(family: IpFamily, { blocks }: BgpModel): BgpModel['blocks'] {
  return blocks.filter(({ cidr }) => familyOf(cidr) === family);
}

function moreSpecific(cidr: Cidr): BirdText {
  return bird`${network(cidr)}{${prefixLength(cidr) + 1},${addressLength(familyOf(cidr))}}`;
}
