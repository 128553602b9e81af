/** Only such routes are kept as a daemon can be given as static ones: the JSON of iproute2, by example. */
import test from 'ava';
import { parseRoutes } from '../../../src/agent/bgp/kept-routes.js';

const shortly = (json: unknown) =>
  parseRoutes(JSON.stringify(json)).map(({ destination, gateway }) => `${destination} via ${gateway}`);

test('parseRoutes() reads addresses and networks with their gateway, of several the first', (t) => {
  const table = [
    { dst: '10.65.1.1', gateway: '10.99.0.1', dev: 'eth0', protocol: 'bird', metric: 32, flags: [] },
    { dst: 'fd65::/122', gateway: 'fd99::1', dev: 'eth0', protocol: 'bird', flags: [], pref: 'medium' },
    { dst: '10.65.2.0/26', nexthops: [{ gateway: '10.99.0.2' }, { gateway: '10.99.0.3' }] },
    { dst: '10.65.1.1', gateway: '10.99.0.9', metric: 64 },
  ];
  t.deepEqual(shortly(table), [
    '10.65.1.1/32 via 10.99.0.1',
    'fd65::/122 via fd99::1',
    '10.65.2.0/26 via 10.99.0.2',
  ]);
});

test('parseRoutes() leaves out what has no gateway that a daemon can be told', (t) => {
  const table = [
    { type: 'blackhole', dst: '10.65.1.0/26', dev: 'lo' },
    { dst: 'default', gateway: '10.99.0.254' },
    { dst: 'fd65::1', gateway: 'fe80::1', dev: 'eth0' },
    { dst: '10.65.1.1', via: { family: 'inet6', host: 'fd99::1' } },
    { dst: '10.65.1.2', dev: 'cali1' },
  ];
  t.deepEqual(shortly(table), []);
  t.deepEqual(parseRoutes(''), []);
});
