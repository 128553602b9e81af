/**
 * Whom a side of a ConnectivityTest means, among the points of one IP version.
 *
 * `outside` and the part of a `cidr` that nobody of ours has are everybody there: all points that rules tell apart.
 */
import { cidrContains } from '../model/address.js';
import type { SpecOf } from '../model/resource.js';
import { type Labels, matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import type { Point } from './classes/points.js';
import type { Endpoint } from './network.js';
import type { Party } from './parties.js';

export type TestSide = SpecOf<'ConnectivityTest'>['from'];

/** Positions of the points that the side means. */
export function pointsOfSide(side: TestSide, points: readonly Point[]): readonly number[] {
  const isMeant = matcherOf(side);
  return [...points.keys()].filter((index) => {
    const point = points[index];
    const party = point?.parties[0];
    return point !== undefined && party !== undefined && isMeant(party, point);
  });
}

type Matcher = (party: Party, point: Point) => boolean;

function matcherOf({ selector, endpoint, node, cidr }: TestSide): Matcher {
  if (selector !== undefined) {
    const expression = selectorAst(selector);
    return byEndpoint(({ labels }: { readonly labels: Labels }) => matchesSelector(expression, labels));
  }
  if (endpoint !== undefined) return byEndpoint(({ name }) => name === endpoint);
  if (node !== undefined) return (party) => party.type === 'host' && party.name === node;
  if (cidr !== undefined)
    return (party, { region }) =>
      party.type === 'outside'
        ? region?.cidr !== undefined && cidrContains(cidr, region.cidr)
        : cidrContains(cidr, party.address);
  return (party) => party.type === 'outside';
}

/** A host endpoint stands for its host. */
function byEndpoint(accepts: (endpoint: Endpoint) => boolean): Matcher {
  return (party) => {
    if (party.type === 'workload') return accepts(party.endpoint);
    return party.type === 'host' && party.hostEndpoint !== undefined && accepts(party.hostEndpoint);
  };
}

/** `endpoints with app == 'web'`, for messages. */
export function describeSide({ selector, endpoint, node, cidr }: TestSide): string {
  if (selector !== undefined) return `endpoints with ${selector}`;
  if (endpoint !== undefined) return `the endpoint ${endpoint}`;
  if (node !== undefined) return `the host ${node}`;
  return cidr === undefined ? 'outside' : `addresses of ${cidr}`;
}
