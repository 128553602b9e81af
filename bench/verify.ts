/**
 * What a change of policy means, for networks of three sizes: all of it, a part of it, and beside the most literal way
 * to ask.
 */
import { hasBit } from '../src/model/bitset.js';
import type { Resource } from '../src/model/resource.js';
import { connectivityOf } from '../src/verify/classes/connectivity.js';
import { networkFrom } from '../src/verify/network.js';
import { diffConnectivity } from '../src/verify/semantic-diff.js';
import { showPacket } from '../src/verify/show-packet.js';
import { type Endpoint, type NaivePacket, naiveVerdict } from '../test/helpers/naive-policy.js';
import type { Contender, Row } from './row.js';
import { type NetworkSize, richNetwork, verifyNetwork } from './verify-network.js';

const POLICIES_PER_ENDPOINT = 1 / 10;
const CHANGED_POLICIES = 5;

/** Who could then talk to whom, when five policies change, against reading the two networks alone. */
export const verify: Row = {
  name: 'verify',
  work: 'compare the connectivity of one endpoint, a policy for ten of them',
  sizes: [1_000, 10_000, 50_000],
  contenders: comparing(verifyNetwork),
};

/** The same with both IP versions, tiers, profiles, tags, network sets, negations and other protocols. */
export const verifyRich: Row = {
  name: 'verify-rich',
  work: 'the same with all that policy has, in both IP versions',
  sizes: [10_000],
  contenders: comparing(richNetwork),
};

/**
 * The same as a plan gives it: what that does not touch is one value in both networks. It changes an endpoint too, so
 * all of both is compared.
 */
export const verifyPlan: Row = {
  name: 'verify-plan',
  work: 'the same before and after a plan that also moves one of them to another application',
  sizes: [10_000, 50_000],
  contenders: [
    { name: 'heddle', prepare: async (size) => planned(size, true) },
    { name: 'nothing in common', prepare: async (size) => planned(size, false) },
  ],
};

function planned(endpoints: number, isShared: boolean) {
  const size = sizeOf(endpoints);
  const old = verifyNetwork(size);
  const touched = new Set(['w0', ...Array.from({ length: CHANGED_POLICIES }, (_, number) => `p${number}`)]);
  const made = verifyNetwork(size, CHANGED_POLICIES).map((one): Resource => {
    if (one.metadata.name !== 'w0') return one;
    const labels = { ...one.metadata.labels, app: 'a1' };
    return { ...one, metadata: { ...one.metadata, labels } };
  });
  const now = isShared
    ? old.map((one, index) => (touched.has(one.metadata.name) && made[index]) || one)
    : made;
  return {
    work() {
      const before = networkFrom(old);
      const after = isShared ? networkFrom(now, before) : networkFrom(now);
      const { gained } = diffConnectivity(before, after);
      if (gained.length === 0) throw new Error('Nothing is gained');
    },
  };
}

type MakeNetwork = (size: NetworkSize, changed?: number) => Resource[];

function comparing(make: MakeNetwork): readonly Contender[] {
  const twoNetworks = (endpoints: number) => {
    const size = sizeOf(endpoints);
    return [make(size), make(size, CHANGED_POLICIES)] as const;
  };
  return [
    {
      name: 'heddle',
      async prepare(size) {
        const [before, after] = twoNetworks(size);
        return {
          work() {
            const { gained, lost } = diffConnectivity(networkFrom(before), networkFrom(after));
            if (gained.length === 0 || gained.length + lost.length > 200 * CHANGED_POLICIES)
              throw new Error(`${gained.length} gained and ${lost.length} lost`);
          },
        };
      },
    },
    {
      name: 'reading them alone',
      async prepare(size) {
        const networks = twoNetworks(size);
        return {
          work() {
            for (const resources of networks)
              if (networkFrom(resources).endpoints.length !== size) throw new Error('Not all were read');
          },
        };
      },
    },
  ];
}

function sizeOf(endpoints: number): NetworkSize {
  return { endpoints, policies: endpoints * POLICIES_PER_ENDPOINT };
}

/** One rule more in one policy of a network that was compared before, against comparing all of both again. */
export const verifyOne: Row = {
  name: 'verify-one',
  work: 'what one rule more in one policy means, for one endpoint',
  sizes: [10_000, 50_000],
  contenders: [
    { name: 'heddle', prepare: async (size) => oneChange(size, { isKnown: true, isShared: true }) },
    { name: 'the first time', prepare: async (size) => oneChange(size, { isKnown: false, isShared: true }) },
    { name: 'all of both', prepare: async (size) => oneChange(size, { isKnown: true, isShared: false }) },
  ],
};

interface OneChange {
  /** Another change was looked at before. */
  readonly isKnown: boolean;
  /** The networks know what they have in common. */
  readonly isShared: boolean;
}

function oneChange(endpoints: number, { isKnown, isShared }: OneChange) {
  const size = sizeOf(endpoints);
  const resources = verifyNetwork(size);
  const others = verifyNetwork(size, 2);
  const before = networkFrom(resources);
  const changed = (name: string) => {
    const policy = others.find(({ metadata }) => metadata.name === name);
    const all = resources.map((one) => (one.metadata.name === name && policy ? policy : one));
    return isShared ? networkFrom(all, before) : networkFrom(all);
  };
  const [first, second] = [changed('p1'), changed('p0')];
  if (isKnown) diffConnectivity(before, first);
  return {
    work() {
      const { gained } = diffConnectivity(before, second);
      if (gained.length !== 1) throw new Error(`${gained.length} gained`);
    },
  };
}

const ASKED = 200;

/** All pairs at once, of which some are then asked for, against the oracle of the tests, which is asked for those. */
export const verifyNaive: Row = {
  name: 'verify-naive',
  work: `answer ${ASKED} questions about a network of so many endpoints`,
  sizes: [1_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const { resources, questions } = randomQuestions(size);
        const expected = questions.map(({ ask }) => ask());
        return {
          work() {
            const { 4: connectivity } = connectivityOf([networkFrom(resources)]);
            const { sets } = connectivity;
            for (const [index, { from, to, atom }] of questions.entries()) {
              const passes = hasBit(sets.atomsOf(connectivity.between(0, from, to)), atom);
              if (passes !== expected[index])
                throw new Error(`The oracle says otherwise of question ${index}`);
            }
          },
        };
      },
    },
    {
      name: 'naive evaluator',
      async prepare(size) {
        const { questions } = randomQuestions(size);
        return {
          work() {
            if (!questions.map(({ ask }) => ask()).includes(false)) throw new Error('Nothing is denied');
          },
        };
      },
    },
  ],
};

interface Question {
  /** Positions of points, and of an atom. */
  readonly from: number;
  readonly to: number;
  readonly atom: number;
  /** Asks the oracle. */
  readonly ask: () => boolean;
}

function randomQuestions(endpoints: number): { resources: Resource[]; questions: Question[] } {
  const resources = richNetwork(sizeOf(endpoints));
  const byName = new Map<string, Endpoint>();
  for (const one of resources) if (one.kind === 'WorkloadEndpoint') byName.set(one.metadata.name, one);
  const { points, space } = connectivityOf([networkFrom(resources)])[4];
  const questions = Array.from({ length: ASKED }, (_, number): Question => {
    const [from, to] = [(number * 7919) % endpoints, (number * 104_729 + 1) % endpoints];
    const atom = (number * 31) % space.atoms.length;
    const [sender, receiver] = [points[from]?.parties[0], points[to]?.parties[0]];
    const [source, destination] = [points[from], points[to]].map((point) => byName.get(point?.name ?? ''));
    const shown = space.atoms[atom];
    if (!sender || !receiver || !source || !destination || !shown) throw new Error('Nobody is there');
    const packet: NaivePacket = showPacket(shown, sender, receiver);
    const isAllowed = (endpoint: Endpoint, direction: 'egress' | 'ingress') =>
      naiveVerdict(resources, endpoint, direction, packet).verdict === 'allow';
    return {
      ...{ from, to, atom },
      ask: () => source === destination || (isAllowed(source, 'egress') && isAllowed(destination, 'ingress')),
    };
  });
  return { resources, questions };
}
