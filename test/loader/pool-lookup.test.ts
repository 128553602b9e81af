/** Whether an address lies in a pool: the same as asking every pool, whatever overlaps. */
import test from 'ava';
import fc from 'fast-check';
import { makePoolLookup } from '../../src/loader/checks/pool-lookup.js';
import { type Cidr, cidrContains, hostCidr, maskCidr } from '../../src/model/address.js';
import { address } from '../helpers/build-resources.js';

const net = fc
  .tuple(
    fc.constantFrom('10.0', '10.1', '192.168'),
    fc.nat(255),
    fc.nat(255),
    fc.integer({ min: 8, max: 32 }),
  )
  .map(([start, a, b, length]) => maskCidr(`${start}.${a}.${b}/${length}`) as Cidr);
const ip = fc
  .tuple(fc.constantFrom('10.0', '10.1', '192.168'), fc.nat(255), fc.nat(255))
  .map(([start, a, b]) => hostCidr(address(`${start}.${a}.${b}`)));

test('law: makePoolLookup() says what asking every pool says', (t) => {
  fc.assert(
    fc.property(
      fc.array(net, { maxLength: 8 }),
      fc.array(ip, { minLength: 1, maxLength: 8 }),
      (pools, ips) => {
        const lookup = makePoolLookup(pools);
        return ips.every((one) => lookup(one) === pools.some((pool) => cidrContains(pool, one)));
      },
    ),
    { numRuns: 300 },
  );
  t.pass();
});
