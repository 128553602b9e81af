/** Classes know that a pool with natOutgoing changes who a sender is, and for whom: one small network. */
import test from 'ava';
import type { Resource } from '../../../src/model/resource.js';
import { ALL_CONNECTIONS, NO_CONNECTIONS } from '../../../src/verify/classes/connection-sets.js';
import { connectivityOf } from '../../../src/verify/classes/connectivity.js';
import { networkFrom } from '../../../src/verify/network.js';
import { cidr, policy, resource, workload } from '../../helpers/build-resources.js';
import { interfaceAddress, pool } from '../build-network.js';

const NETWORK: readonly Resource[] = [
  resource('Node', 'host-1', { bgp: { ipv4Address: interfaceAddress('10.99.0.1/24') } }),
  resource('Node', 'host-2', { bgp: { ipv4Address: interfaceAddress('10.99.0.2/24') } }),
  pool('workloads', '192.168.0.0/16', { natOutgoing: true }),
  workload('web', { addresses: ['192.168.0.1'] }),
  workload('near', { addresses: ['172.16.0.1'] }),
  workload('far', { addresses: ['172.16.0.2'], node: 'host-2' }),
  policy('from-pool', {
    types: ['Ingress'],
    ingress: [{ action: 'Allow', source: { nets: [cidr('192.168.0.0/16')] } }],
  }),
];

test('a masqueraded sender is known by the address of its host, on other hosts only', (t) => {
  const connectivity = connectivityOf([networkFrom(NETWORK)])[4];
  const at = (name: string) => connectivity.points.findIndex((point) => point.name === name);
  t.is(connectivity.between(0, at('web'), at('near')), ALL_CONNECTIONS);
  t.is(connectivity.between(0, at('web'), at('far')), NO_CONNECTIONS);
  const [near, far] = ['near', 'far'].map((name) => connectivity.classOf[at(name)]);
  t.not(near, far);
});
