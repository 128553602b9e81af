/** Which routes let a host answer for the gateway of its workloads, as the real kernel finds them. */
import test from 'ava';
import { gatewayProblems } from '../../src/agent/gateway-route.js';
import { exec } from '../../src/kernel/exec.js';
import { bringUpLoopback, createVeth, ip, requirePrivateNetns } from '../helpers/netns.js';

requirePrivateNetns();
test.before(bringUpLoopback);

const isNamed = async () => (await gatewayProblems(exec)).map(({ object }) => object);

test.serial(
  'a host without a route to it is named, with the remedy; one with a default route is not',
  async (t) => {
    await using uplink = await createVeth();
    await ip(`addr add 10.99.0.1/24 dev ${uplink.name}`);
    const [problem] = await gatewayProblems(exec);
    t.regex(problem?.message ?? '', /no route to 169\.254\.1\.1.*default route/);
    await ip('route add default via 10.99.0.254');
    t.deepEqual(await isNamed(), []);
    await ip('route del default');
    await ip('route add blackhole default');
    t.deepEqual(await isNamed(), ['workload gateway'], 'a blackhole leads nowhere');
    await ip('route del blackhole default');
    await ip('route add default via 10.99.0.254 table 100');
    await ip('rule add table 100');
    t.deepEqual(await isNamed(), [], 'by a rule, in another table');
    await ip('rule del table 100');
  },
);
