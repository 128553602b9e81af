/**
 * Comparing by classes asks of many packets at once what the judge of `trace` says of each: random networks,
 * every two points and every atom.
 */
import test from 'ava';
import fc from 'fast-check';
import { IP_FAMILIES } from '../../../src/model/address.js';
import { hasBit } from '../../../src/model/bitset.js';
import type { Packet } from '../../../src/policy/match-rule.js';
import { connectivityOf } from '../../../src/verify/classes/connectivity.js';
import type { FamilyConnectivity } from '../../../src/verify/classes/family-connectivity.js';
import { createJudge } from '../../../src/verify/judge.js';
import { networkFrom } from '../../../src/verify/network.js';
import type { Party } from '../../../src/verify/parties.js';
import { verifyNetwork } from '../random-verify-network.js';

test('between any two points of two networks at once, an atom passes exactly when the judge lets its sample pass', (t) => {
  const seen = { allowed: 0, denied: 0 };
  const property = fc.property(verifyNetwork, verifyNetwork, (before, after) => {
    const networks = [networkFrom(before), networkFrom(after)];
    const connectivity = connectivityOf(networks);
    for (const [version, network] of networks.entries()) {
      const judge = createJudge(network);
      for (const family of IP_FAMILIES)
        for (const pair of pairsOf(connectivity[family], version)) {
          const expected = connectivity[family].space.atoms.map(({ sample }) =>
            passes(judge, pair.parties, sample),
          );
          t.deepEqual(pair.passing, expected, `IPv${family} ${describe(pair.parties)}`);
          for (const isAllowed of expected) seen[isAllowed ? 'allowed' : 'denied'] += 1;
        }
    }
  });
  fc.assert(property, { numRuns: 60 });
  t.true(seen.allowed > 1_000 && seen.denied > 1_000);
});

type Parties = readonly [Party | undefined, Party | undefined];

function* pairsOf(connectivity: FamilyConnectivity, version: number) {
  const { points, space, sets } = connectivity;
  for (const [from, source] of points.entries())
    for (const [to, destination] of points.entries()) {
      const parties: Parties = [source.parties[version], destination.parties[version]];
      const atoms = sets.atomsOf(connectivity.between(version, from, to));
      yield { parties, passing: space.atoms.map((_, index) => hasBit(atoms, index)) };
    }
}

function passes(judge: ReturnType<typeof createJudge>, [from, to]: Parties, sample: Packet): boolean {
  if (!from || !to) return false;
  const packet = {
    ...sample,
    source: { ...sample.source, address: from.address },
    destination: { ...sample.destination, address: to.address },
  };
  const { egress, ingress } = judge(from, to, packet);
  return egress?.verdict !== 'deny' && ingress?.verdict !== 'deny';
}

function describe(parties: readonly (Party | undefined)[]): string {
  return parties.map((party) => (party ? `${party.type} ${party.address}` : 'absent')).join(' -> ');
}
