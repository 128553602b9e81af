/**
 * Routes that are kept while sessions are exchanged, in BIRD's language: static ones that BGP's go before (100 against
 * 50), and that nobody is told of, whatever a BGPFilter accepts.
 */
import { familyOf, type IpFamily } from '../../../model/address.js';
import type { KeptRoute } from '../kept-routes.js';
import { address, type BirdText, bird, block, lines, network, symbol } from './bird-text.js';
import type { BirdDialect } from './dialect.js';

/** The protocol that holds them; nothing when there are none. */
export function keptProtocol(
  family: IpFamily,
  keptRoutes: readonly KeptRoute[],
  dialect: BirdDialect,
): BirdText[] {
  const routes = of(family, keptRoutes).map(
    ({ destination, gateway }) => bird`route ${network(destination)} via ${address(gateway)};`,
  );
  if (routes.length === 0) return [];
  const preference = dialect.channel(family, bird`preference 50;`);
  return [block(bird`\nprotocol static ${nameOf(family)}`, ...preference, lines(...routes))];
}

/** Goes before whatever else decides what peers are told. */
export function keepToOurselves(family: IpFamily, keptRoutes: readonly KeptRoute[]): BirdText[] {
  return of(family, keptRoutes).length === 0 ? [] : [bird`if proto = "${nameOf(family)}" then reject;`];
}

function of(family: IpFamily, keptRoutes: readonly KeptRoute[]): readonly KeptRoute[] {
  return keptRoutes.filter(({ destination }) => familyOf(destination) === family);
}

function nameOf(family: IpFamily): BirdText {
  return symbol('heddle_', `kept_${family}`);
}
