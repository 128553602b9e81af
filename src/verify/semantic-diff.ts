/**
 * What a change of manifests means: who could then talk to whom, and could not before, and the other way round.
 *
 * Both networks are put into classes together, pairs that changed are folded into groups that people can read, and
 * each group comes with a packet that shows it and the rule that decides on it. What concerns addresses outside stands
 * first.
 */
import { IP_FAMILIES, type IpFamily } from '../model/address.js';
import { changedPairs } from './classes/changed-pairs.js';
import { NO_CONNECTIONS } from './classes/connection-sets.js';
import { connectivityOf } from './classes/connectivity.js';
import type { FamilyConnectivity } from './classes/family-connectivity.js';
import { ownHostChanges } from './classes/own-host-changes.js';
import { describeOwnHosts, describeRectangle, type FamilyChange } from './describe-change.js';
import { joinFamilies } from './describe-connections.js';
import { createDescriber, type Group, type GroupParts, groupFrom } from './describe-group.js';
import { Ends } from './ends.js';
import { createJudge, type Judge } from './judge.js';
import { type Networks, narrow } from './narrow.js';
import type { Network } from './network.js';
import { RectangleFolder } from './rectangles.js';
import type { Trace } from './trace.js';

export interface ConnectivityDiff {
  readonly gained: readonly ConnectivityChange[];
  readonly lost: readonly ConnectivityChange[];
}

export interface ConnectivityChange {
  readonly from: Group;
  readonly to: Group;
  /** `tcp/80`, `all protocols`. */
  readonly connections: readonly string[];
  readonly families: readonly IpFamily[];
  /** Of endpoints and hosts; all of outside counts as one. */
  readonly pairs: number;
  /** One packet, as the new network judges it; as the old one did, where an end of it is gone. */
  readonly sample: Trace;
}

const [BEFORE, AFTER] = [0, 1] as const;

export function diffConnectivity(before: Network, after: Network): ConnectivityDiff {
  const whole: Networks = [before, after];
  const networks = narrow(whole) ?? whole;
  const connectivity = connectivityOf(networks);
  const judges = [createJudge(networks[BEFORE]), createJudge(networks[AFTER])] as const;
  const comparison = { whole, networks, judges, ends: new Ends() };
  const changes = IP_FAMILIES.map((family) => changesOf(connectivity[family], comparison));
  const merge = (kind: 'gained' | 'lost') =>
    mergeFamilies(changes.flatMap(({ family, [kind]: ofKind }) => ofKind.map((one) => ({ family, one }))));
  return { gained: merge('gained'), lost: merge('lost') };
}

interface FamilyChanges {
  readonly family: IpFamily;
  readonly gained: readonly FamilyChange[];
  readonly lost: readonly FamilyChange[];
}

interface Comparison {
  readonly whole: Networks;
  /** What is compared of them. */
  readonly networks: Networks;
  readonly judges: readonly [before: Judge, after: Judge];
  readonly ends: Ends;
}

function changesOf(
  connectivity: FamilyConnectivity,
  { whole, networks, judges, ends }: Comparison,
): FamilyChanges {
  const { points, classes, family } = connectivity;
  const folders = {
    gained: new RectangleFolder(classes.length),
    lost: new RectangleFolder(classes.length),
  };
  for (const { from, to, gained, lost } of changedPairs(connectivity)) {
    folders.gained.add(from, to, gained);
    folders.lost.add(from, to, lost);
  }
  const ownHosts = [...ownHostChanges(connectivity, networks)];
  const tell = (kind: 'gained' | 'lost', version: 0 | 1): readonly FamilyChange[] => {
    const rectangles = folders[kind].fold();
    const own = ownHosts.filter((change) => change[kind] !== NO_CONNECTIONS);
    if (rectangles.length + own.length === 0) return [];
    const endpoints = whole[version].index.workloads(family);
    const describe = createDescriber(endpoints, points, version);
    const context = { connectivity, judges, ends, version, describe };
    return [
      ...rectangles.flatMap((rectangle) => describeRectangle(rectangle, context)),
      ...describeOwnHosts(own, kind, context),
    ];
  };
  return { family, gained: tell('gained', AFTER), lost: tell('lost', BEFORE) };
}

interface MergedChange {
  readonly families: readonly IpFamily[];
  readonly from: readonly GroupParts[];
  readonly to: readonly GroupParts[];
  readonly connections: ReadonlySet<string>;
  readonly first: FamilyChange;
}

/** What changed alike in both IP versions is one change. */
function mergeFamilies(
  changes: readonly { readonly family: IpFamily; readonly one: FamilyChange }[],
): readonly ConnectivityChange[] {
  const merged = new Map<string, MergedChange>();
  for (const { family, one } of changes) {
    const known = merged.get(one.key);
    merged.set(one.key, {
      families: [...(known?.families ?? []), family],
      from: [...(known?.from ?? []), one.from],
      to: [...(known?.to ?? []), one.to],
      connections: new Set([...(known?.connections ?? []), ...one.connections]),
      first: known?.first ?? one,
    });
  }
  return [...merged.values()]
    .map(({ families, from, to, connections, first: { pairs, sample } }) => ({
      from: groupFrom(from),
      to: groupFrom(to),
      connections: joinFamilies(connections),
      families,
      pairs,
      sample,
    }))
    .sort(byImportance);
}

function byImportance(a: ConnectivityChange, b: ConnectivityChange): number {
  return Number(isExposure(b)) - Number(isExposure(a)) || b.pairs - a.pairs || compareTexts(a, b);
}

/** Whether somebody outside is concerned. */
export function isExposure({ from, to }: Pick<ConnectivityChange, 'from' | 'to'>): boolean {
  return from.outside || to.outside;
}

function compareTexts(a: ConnectivityChange, b: ConnectivityChange): number {
  const [left, right] = [a, b].map(({ from, to, connections }) =>
    [from.text, to.text, ...connections].join(' '),
  );
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
