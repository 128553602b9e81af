/** Which routes let a host answer for the gateway of its workloads; the kernel says the same (drivers-workload.test.ts). */
import test from 'ava';
import { gatewayProblems } from '../../src/agent/gateway-route.js';
import { RTN } from '../../src/kernel/netlink/constants.js';
import { kernelRoute } from './dataplane/drivers/driver-fixture.js';

test('gatewayProblems() is silent with a route that leads to 169.254.1.1', (t) => {
  for (const net of ['0.0.0.0/0', '169.254.0.0/16', '169.254.1.1/32'])
    t.deepEqual(gatewayProblems([kernelRoute('10.0.0.0/8', 2), kernelRoute(net, 2)]), [], net);
});

test('gatewayProblems() names the remedy without one: others, a blackhole, one in another table', (t) => {
  const none = [
    kernelRoute('10.0.0.0/8', 2),
    kernelRoute('0.0.0.0/0', 2, { type: RTN.BLACKHOLE }),
    kernelRoute('0.0.0.0/0', 2, { table: 100 }),
  ];
  const [problem] = gatewayProblems(none);
  t.is(problem?.object, 'workload gateway');
  t.regex(problem?.message ?? '', /no route to 169\.254\.1\.1.*default route/);
  t.is(gatewayProblems([]).length, 1);
});
