/**
 * What people read of their tests, line by line: one that holds, one that fails, one that is about nothing.
 */
import test from 'ava';
import { runTests } from '../../../src/verify/connectivity-test.js';
import { networkFrom } from '../../../src/verify/network.js';
import { formatTestReport } from '../../../src/verify/render/test-report.js';
import { resource, workload } from '../../helpers/build-resources.js';

const NETWORK = networkFrom([
  workload('a', { addresses: ['10.0.0.1'] }),
  workload('b', { addresses: ['10.0.0.2'], node: 'host-2' }),
]);
const [A, B] = [{ endpoint: 'a' }, { endpoint: 'b' }];

test('formatTestReport() says what holds, and shows the packet that breaks the rest', (t) => {
  const report = runTests(NETWORK, [
    resource('ConnectivityTest', 'closed', { from: A, to: B, expect: 'Deny' }),
    resource('ConnectivityTest', 'open', { from: A, to: B, protocol: 'TCP', ports: [443], expect: 'Allow' }),
    resource('ConnectivityTest', 'nobody', { from: { endpoint: 'c' }, to: B, expect: 'Deny' }),
  ]);
  t.deepEqual(formatTestReport(report).split('\n'), [
    'holds  closed  Deny   1 pair',
    'FAILS  open    Allow  1 pair  ConnectivityTest.yaml:1',
    '       DENY  a -> b  tcp/443  IPv4',
    '         from     10.0.0.1  workload a on host-1',
    '         egress   allow  no policy and no profile: egress is open (noPolicyEgress)',
    '         ingress  deny   no policy and no profile',
    '         to       10.0.0.2:443  workload b on host-2',
    'FAILS  nobody  Deny   0 pairs  ConnectivityTest.yaml:1',
    '       spec.from matches nothing: the endpoint c',
    '',
    '1 of 3 connectivity tests hold',
    '',
  ]);
});

test('formatTestReport() says when there is nothing to test', (t) => {
  t.is(formatTestReport(runTests(NETWORK, [])), 'there is no ConnectivityTest\n');
});
