/**
 * ConnectivityTests: what must, and must not, be possible, checked for all pairs, ports and protocols at once.
 *
 * A test holds when every packet that it is about meets the verdict that it expects: from each point of one side to
 * each of the other that is not the same endpoint, in each IP version that both have. A test that is about nothing
 * fails, because a typing error must not look like safety. Pairs are judged by classes; one that breaks the test is
 * traced, so that the answer names the rule.
 */
import { IP_FAMILIES } from '../model/address.js';
import { type Bitset, intersectWith, isEmptyBitset, membersOf, subtractFrom } from '../model/bitset.js';
import type { Origin, ResourceOf } from '../model/resource.js';
import { protocolNumber } from '../model/rule.js';
import { type Connectivity, connectivityOf } from './classes/connectivity.js';
import type { FamilyConnectivity } from './classes/family-connectivity.js';
import { createJudge, type Judge } from './judge.js';
import type { Network } from './network.js';
import { nameOf, showPacket } from './show-packet.js';
import { atomsOfTest, portsOf, type TestSpec } from './test-packets.js';
import {
  type BrokenPair,
  countPairs,
  findBrokenPair,
  type PairCounts,
  type SidePoints,
} from './test-pairs.js';
import { describeSide, pointsOfSide } from './test-sides.js';
import { type Trace, traceBetween } from './trace.js';

export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** In the order of the tests. */
  readonly results: readonly TestResult[];
}

export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly expect: 'Allow' | 'Deny';
  /** How many pairs of endpoints, hosts and outside it is about. */
  readonly pairs: number;
  readonly origin: Pick<Origin, 'file' | 'line'>;
  /** Why it fails, where no packet shows it. */
  readonly reason?: string;
  /** A packet that meets the other verdict. */
  readonly counterexample?: Trace;
}

type Test = ResourceOf<'ConnectivityTest'>;

export function runTests(network: Network, tests: readonly Test[]): TestReport {
  const asked = tests
    .flatMap(({ spec }) => [spec.from.cidr, spec.to.cidr])
    .filter((net) => net !== undefined);
  const connectivity = connectivityOf([network], asked);
  const judge = createJudge(network);
  const results = tests.map((test) => runTest(test, connectivity, judge));
  const passed = results.filter(({ ok }) => ok).length;
  return { passed, failed: results.length - passed, results };
}

/** What a test is about in one IP version. */
interface Subject extends SidePoints {
  readonly connectivity: FamilyConnectivity;
  readonly atoms: Bitset;
}

function runTest({ metadata, spec, origin }: Test, connectivity: Connectivity, judge: Judge): TestResult {
  const subjects = IP_FAMILIES.map((family) => subjectOf(spec, connectivity[family]));
  const { pairs } = countPairs(subjects.filter(({ atoms }) => !isEmptyBitset(atoms)));
  const place = { file: origin.file, line: origin.line };
  const result = { name: metadata.name, expect: spec.expect, pairs, origin: place };
  const reason = tooFew(spec, countPairs(subjects)) ?? (pairs === 0 ? NO_PAIRS : undefined);
  if (reason !== undefined) return { ...result, ok: false, reason };
  for (const subject of subjects) {
    const broken = findBrokenPair(subject.connectivity, subject, breaker(spec, subject));
    if (broken) return { ...result, ok: false, counterexample: showBroken(spec, subject, broken, judge) };
  }
  return { ...result, ok: true };
}

const NO_PAIRS =
  'it is about nothing: no two different ends of its sides have an IP version in common in which there are such packets';

function subjectOf(spec: TestSpec, connectivity: FamilyConnectivity): Subject {
  const { points, space } = connectivity;
  const from = pointsOfSide(spec.from, points);
  const to = pointsOfSide(spec.to, points);
  return { connectivity, points, from, to, atoms: atomsOfTest(spec, space) };
}

function tooFew(spec: TestSpec, counts: PairCounts): string | undefined {
  const least = spec.minMatches ?? { from: 1, to: 1 };
  for (const side of ['from', 'to'] as const) {
    if (counts[side] >= least[side]) continue;
    const found = counts[side] === 0 ? 'nothing' : `only ${counts[side]}`;
    const wanted = least[side] === 1 ? '' : `, and minMatches asks for ${least[side]}`;
    return `spec.${side} matches ${found}: ${describeSide(spec[side])}${wanted}`;
  }
  return undefined;
}

/** Finds in a set of connections the first atom that breaks the test; each set is looked at once. */
function breaker(
  spec: TestSpec,
  { connectivity, atoms }: Subject,
): (connections: number) => number | undefined {
  const known = new Map<number, number | undefined>();
  return (connections) => {
    if (!known.has(connections)) {
      const passing = connectivity.sets.atomsOf(connections);
      const wrong = atoms.slice();
      (spec.expect === 'Allow' ? subtractFrom : intersectWith)(wrong, passing);
      known.set(connections, membersOf(wrong)[0]);
    }
    return known.get(connections);
  };
}

function showBroken(spec: TestSpec, { connectivity }: Subject, broken: BrokenPair, judge: Judge): Trace {
  const { from, to, atom } = broken;
  const shown = connectivity.space.atoms[atom];
  if (!shown) throw new RangeError(`There is no atom ${atom}`);
  const sample = showPacket(shown, from, to, portsOf(spec));
  const asked = spec.protocol === undefined ? undefined : protocolNumber(spec.protocol);
  // Of the protocols that no rule tells apart, the one that the test is about.
  const packet =
    shown.protocol === undefined && asked !== undefined ? { ...sample, protocol: asked } : sample;
  return traceBetween(judge, { src: nameOf(from), dst: nameOf(to) }, { from, to, packet });
}
