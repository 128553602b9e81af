/** The addresses of a host, as the kernel has them at the moment. */
import test from 'ava';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { address } from '../agent/dataplane/batch.js';
import { bringUpLoopback, createVeth, ip, requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

requirePrivateNetns();
test.before(bringUpLoopback);

test.serial(
  'hostAddresses() knows those of every interface, link-local ones included, in both families',
  async (t) => {
    await using veth = await createVeth({ mac: '02:00:00:00:00:fe' });
    await ip(`addr add 10.99.0.1/24 dev ${veth.name}`);
    await ip(`addr add fd99::1/64 dev ${veth.name} nodad`);
    await ip('addr add 192.0.2.1/32 dev lo');
    const expected = ['127.0.0.1', '::1', '192.0.2.1', '10.99.0.1', 'fd99::1', 'fe80::ff:fe00:fe'].map(
      address,
    );
    // The link-local one comes with the carrier.
    const isThere = () => expected.every((each) => hostAddresses().has(each));
    await t.notThrowsAsync(until(isThere, { what: `all of ${expected}` }));
    await ip('addr del 192.0.2.1/32 dev lo');
    t.false(hostAddresses().has(address('192.0.2.1')), 'no more');
  },
);
