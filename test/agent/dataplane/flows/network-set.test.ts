/**
 * A set of networks holds an address exactly when one of its members does: random changes in both families,
 * against asking each member.
 */
import test from 'ava';
import fc from 'fast-check';
import { NetworkSet } from '../../../../src/agent/dataplane/flows/network-set.js';
import { addressFromBits, cidrContains, maskCidr } from '../../../../src/model/address.js';
import { arbitraryFamily } from '../arbitraries.js';
import { address, cidr } from '../batch.js';

const BASE = { 4: 0x0a000000n, 6: 0xfd00n << 112n } as const;
const someAddress = arbitraryFamily.chain((family) =>
  fc.nat(31).map((host) => addressFromBits(BASE[family] + BigInt(host), family)),
);
const someNetwork = fc
  .tuple(someAddress, fc.constantFrom(0, 27, 28, 29, 30, 31, 32))
  .map(([host, length]) => cidr(`${maskCidr(`${host}/${host.includes(':') ? length * 4 : length}`)}`));

test('contains() is true for the addresses of the members, whatever was added and deleted', (t) => {
  const steps = fc.array(fc.record({ network: someNetwork, isAdded: fc.boolean() }), { maxLength: 20 });
  fc.assert(
    fc.property(steps, fc.array(someAddress, { minLength: 10, maxLength: 10 }), (changes, addresses) => {
      const set = new NetworkSet();
      const members = new Set<ReturnType<typeof cidr>>();
      for (const { network, isAdded } of changes) {
        if (isAdded) set.add(network);
        else set.delete(network);
        if (isAdded) members.add(network);
        else members.delete(network);
      }
      t.deepEqual(new Set(set.members()), members);
      for (const each of addresses)
        t.is(
          set.contains(each),
          [...members].some((member) => cidrContains(member, each)),
        );
    }),
    { numRuns: 300 },
  );
});

test('has() knows members, not what they contain', (t) => {
  const set = new NetworkSet([cidr('10.0.0.0/24'), cidr('10.0.0.0/24')]);
  t.true(set.has(cidr('10.0.0.0/24')));
  t.false(set.has(cidr('10.0.0.1/32')));
  set.delete(cidr('10.0.0.0/24'));
  t.false(set.contains(address('10.0.0.1')));
});
