/**
 * What a change means, as it is worked out without looking at every pair, against looking at every pair:
 * random pairs of networks.
 */
import test from 'ava';
import fc from 'fast-check';
import { familyOf, IP_FAMILIES } from '../../src/model/address.js';
import { changedPairs } from '../../src/verify/classes/changed-pairs.js';
import { connectivityOf } from '../../src/verify/classes/connectivity.js';
import type { FamilyConnectivity } from '../../src/verify/classes/family-connectivity.js';
import { ownHostChanges } from '../../src/verify/classes/own-host-changes.js';
import { type Network, networkFrom } from '../../src/verify/network.js';
import { RectangleFolder } from '../../src/verify/rectangles.js';
import { type ConnectivityChange, diffConnectivity } from '../../src/verify/semantic-diff.js';
import type { TraceEnd } from '../../src/verify/trace.js';
import { verifyNetwork, withUniqueNames } from './random-verify-network.js';

/** A network, and one that differs from it in a few resources. */
const twoNetworks = fc
  .tuple(
    verifyNetwork.map(withUniqueNames),
    verifyNetwork,
    fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
  )
  .map(([before, other, kept]): readonly [Network, Network] => {
    const after = [...before.filter((_, index) => kept[index % kept.length]), ...other.slice(0, 3)];
    return [networkFrom(before), networkFrom(withUniqueNames(after))];
  });

test('changedPairs() are the pairs of classes between which other connections may pass, each once', (t) => {
  let changed = 0;
  const property = fc.property(twoNetworks, (networks) => {
    const connectivity = connectivityOf(networks);
    for (const family of IP_FAMILIES) {
      const expected = comparedPairs(connectivity[family]);
      const found = [...changedPairs(connectivity[family])].map((pair) => Object.values(pair).join(' '));
      t.deepEqual(found.sort(), expected.sort());
      changed += found.length;
    }
  });
  fc.assert(property, { numRuns: 150 });
  t.true(changed > 100, `${changed}`);
});

function comparedPairs(connectivity: FamilyConnectivity): string[] {
  const { classes, sets } = connectivity;
  return classes.flatMap(({ points: [source = 0] }, from) =>
    classes.flatMap(({ points: [destination = 0] }, to) => {
      const before = connectivity.betweenRemote(0, source, destination);
      const after = connectivity.betweenRemote(1, source, destination);
      return before === after
        ? []
        : [[from, to, sets.difference(after, before), sets.difference(before, after)].join(' ')];
    }),
  );
}

test('ownHostChanges() are the workloads to which and from which their own hosts may say other things', (t) => {
  let changed = 0;
  const property = fc.property(twoNetworks, (networks) => {
    const connectivity = connectivityOf(networks);
    for (const family of IP_FAMILIES) {
      const expected = comparedWithHosts(connectivity[family]);
      const found = [...ownHostChanges(connectivity[family], networks)].map((change) =>
        Object.values(change).join(' '),
      );
      t.deepEqual(found.sort(), expected.sort());
      changed += found.length;
    }
  });
  fc.assert(property, { numRuns: 300 });
  t.true(changed > 3, `${changed}`);
});

function comparedWithHosts(connectivity: FamilyConnectivity): string[] {
  const { points, sets } = connectivity;
  const pairs = points.flatMap((one, workload) =>
    points.flatMap((other, host) => {
      const isOwn = one.parties.some(
        (party) => party?.type === 'workload' && party.endpoint.node === other.name,
      );
      return isOwn && other.type === 'host'
        ? [{ workload, host, parties: [...one.parties, ...other.parties] }]
        : [];
    }),
  );
  return pairs.flatMap(({ workload, host, parties }) =>
    (['to-host', 'from-host'] as const).flatMap((direction) => {
      const [from, to] = direction === 'to-host' ? [workload, host] : [host, workload];
      const areThere = !parties.includes(undefined);
      const [before = 0, after = 0] = [0, 1].map((version) =>
        areThere ? connectivity.between(version, from, to) : connectivity.decided(version, from, to),
      );
      return before === after
        ? []
        : [
            [workload, host, direction, sets.difference(after, before), sets.difference(before, after)].join(
              ' ',
            ),
          ];
    }),
  );
}

test('diffConnectivity() says that nothing changed only where no pair of points may say anything else', (t) => {
  let unchanged = 0;
  const property = fc.property(twoNetworks, ([before, after]) => {
    const { gained, lost } = diffConnectivity(before, after);
    if (gained.length + lost.length > 0) return;
    unchanged += 1;
    const connectivity = connectivityOf([before, after]);
    for (const family of IP_FAMILIES) {
      const { points } = connectivity[family];
      const policed = points.map(({ type, parties }) =>
        parties.some((one) => type === 'workload' || (one?.type === 'host' && one.hostEndpoint)),
      );
      for (const from of points.keys())
        for (const to of points.keys())
          if (policed[from] || policed[to])
            t.is(connectivity[family].decided(0, from, to), connectivity[family].decided(1, from, to));
    }
  });
  fc.assert(property, { numRuns: 300 });
  t.true(unchanged > 5, `${unchanged}`);
});

test('rectangles hold exactly the pairs that were folded into them', (t) => {
  const pairs = fc.uniqueArray(fc.tuple(fc.nat(6), fc.nat(6), fc.integer({ min: 1, max: 3 })), {
    selector: ([from, to]) => `${from} ${to}`,
  });
  const property = fc.property(pairs, (drawn) => {
    const folder = new RectangleFolder(7);
    for (const [from, to, connections] of drawn) folder.add(from, to, connections);
    const unfolded = folder
      .fold()
      .flatMap(({ from, to, connections }) =>
        from.flatMap((one) => to.map((other) => [one, other, connections])),
      );
    t.deepEqual(unfolded.map(String).sort(), drawn.map(String).sort());
  });
  fc.assert(property);
});

test('what is gained one way is lost the other way', (t) => {
  const property = fc.property(twoNetworks, ([before, after]) => {
    const there = diffConnectivity(before, after);
    const back = diffConnectivity(after, before);
    t.deepEqual(there.gained.map(describe).sort(), back.lost.map(describe).sort());
    t.deepEqual(there.lost.map(describe).sort(), back.gained.map(describe).sort());
  });
  fc.assert(property, { numRuns: 100 });
});

test('a sample of what is gained passes, and one of what is lost does not, unless an end of it is gone', (t) => {
  const seen = { gained: 0, lost: 0, gone: 0 };
  const property = fc.property(twoNetworks, ([before, after]) => {
    const { gained, lost } = diffConnectivity(before, after);
    for (const { sample } of gained) {
      t.is(sample.verdict, 'allow');
      seen.gained += 1;
    }
    for (const { sample } of lost) {
      const isGone = [sample.from, sample.to].some(
        (end) => owners(end, after) < owners(end, before) || places(end, after) < places(end, before),
      );
      seen[isGone ? 'gone' : 'lost'] += 1;
      if (!isGone) t.is(sample.verdict, 'deny');
    }
  });
  fc.assert(property, { numRuns: 150 });
  t.true(seen.gained > 5 && seen.lost > 1 && seen.gone > 2, JSON.stringify(seen));
});

/** How many of that name have the address: of two host endpoints at one, either may go. */
function owners(end: TraceEnd, network: Network): number {
  return holdersNamed(end, network).filter(({ addresses }) => addresses.includes(end.address)).length;
}

/** How many addresses that name has: with its first one gone, the second is in its place, and the last is missing. */
function places(end: TraceEnd, network: Network): number {
  const addresses = holdersNamed(end, network).flatMap((one) => one.addresses);
  return addresses.filter((one) => familyOf(one) === familyOf(end.address)).length;
}

function holdersNamed({ type, name }: TraceEnd, { endpoints, hosts }: Network) {
  const all = [
    ...endpoints.map((one) =>
      one.kind === 'HostEndpoint' ? { ...one, type: 'host', name: one.node } : { ...one, type: 'workload' },
    ),
    ...hosts.map((host) => ({ ...host, type: 'host' })),
  ];
  return all.filter((one) => one.type === type && one.name === name);
}

test('a network and itself differ in nothing', (t) => {
  const property = fc.property(verifyNetwork.map(withUniqueNames), (network) => {
    t.deepEqual(diffConnectivity(networkFrom(network), networkFrom([...network].reverse())), {
      gained: [],
      lost: [],
    });
  });
  fc.assert(property, { numRuns: 100 });
});

function describe({ from, to, connections, families, pairs }: ConnectivityChange): string {
  return [from.text, to.text, connections, families, pairs].join(' | ');
}
