/**
 * An agent that dies at every single write of a large change, on a host whose traffic goes on.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { FaultLab } from '../helpers/fault-lab.js';
import { type AgentFaults, faultyAgent } from '../helpers/faulty-agent.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
const AGENT = 'agent host-1';
const INTERFACE = 'caliextra0';
const TIMEOUT_MS = 60_000;
/** Sets, chains, routes and neighbour entries of two families, written or swept: with fewer it is not large. */
const FEWEST_WRITES = 10;
let fault: FaultLab;

test.before('traffic flows', async () => {
  fault = await FaultLab.start();
});
test.after.always('the lab goes', () => fault?.[Symbol.asyncDispose]());

/** Lets an agent meet a change it knows nothing of. What it wrote; and whether it lived until the commit was live. */
async function life(
  commit: string,
  faults: AgentFaults,
): Promise<{ writes: readonly string[]; lived: boolean }> {
  const logged = fault.programs.log(AGENT).length;
  await fault.programs.start(AGENT, faultyAgent(faults));
  const isLive = async () =>
    (await fault.lab.status()).hosts.some(
      ({ node, state, sources }) =>
        node === 'host-1' && state === 'live' && sources.default?.commit === commit,
    );
  const isDead = () => !fault.programs.isRunning(AGENT);
  await until(async () => isDead() || (await isLive()), { timeoutMs: TIMEOUT_MS, what: 'death or life' });
  const writes = [
    ...fault.programs
      .log(AGENT)
      .slice(logged)
      .matchAll(/^write \d+: (.*)$/gm),
  ];
  return { writes: writes.map(([, what = '']) => what), lived: !isDead() };
}

/** A workload of its own for each odd variant, with a leg on the host, and a pool that is masqueraded. */
async function pushChange(variant: number): Promise<string> {
  const file = join(fault.lab.state.workTree, 'extra.yaml');
  const ipNetworks = ['192.168.1.30', 'fd80:24e2:f998:72d6::1:30'];
  const endpoint = { node: 'host-1', interfaceName: INTERFACE, ipNetworks, profiles: ['many'] };
  const manifests = [
    { kind: 'WorkloadEndpoint', metadata: { name: 'extra' }, spec: endpoint },
    { kind: 'IPPool', metadata: { name: 'extra' }, spec: { cidr: '172.20.0.0/16', natOutgoing: true } },
  ];
  const text = manifests.map((one) => JSON.stringify({ apiVersion: 'heddle/v1', ...one }));
  if (variant % 2 === 0) await rm(file, { force: true });
  else await writeFile(file, text.join('\n---\n'));
  return fault.pushVariant(variant);
}

test('an agent that is killed at each write of a large change opens nothing, and the next one makes up for it', async (t) => {
  for (const command of [
    `ip link add ${INTERFACE} type veth peer name ${INTERFACE}p`,
    `ip link set ${INTERFACE}p up`,
    `ip link set ${INTERFACE} up`,
  ])
    await fault.lab.on('host-1', command.split(' ') as [string, ...string[]]);
  await fault.lab.live(await pushChange(0));
  const completed = new Set<number>();
  // Made and taken back in turn, until either way has been lived through.
  for (let dieAt = 1; completed.size < 2; dieAt += 1) {
    const start = fault.traffic.now();
    await fault.programs.kill(AGENT);
    const commit = await pushChange(dieAt);
    const isApplied = async () =>
      (await fault.lab.status()).sources.some((source) => source.commit === commit);
    await until(isApplied, { timeoutMs: TIMEOUT_MS, what: 'the commit in the store' });
    const { writes, lived } = await life(commit, {
      dieAt,
      dieWhen: Math.floor(dieAt / 2) % 2 === 0 ? 'after' : 'during',
    });
    if (lived) {
      t.log(`all of it: ${writes.join(', ')}`);
      t.true(dieAt > FEWEST_WRITES, 'the change was large');
      completed.add(dieAt % 2);
      continue;
    }
    t.true(writes.length >= dieAt, 'it died at this write, others that ran beside it begun or not');
    await fault.programs.start(AGENT);
    await fault.lab.live(commit);
    await fault.nothingDeniedPassed(start);
    await fault.nothingAllowedWasLost(start);
    fault.traffic.forget(start);
  }
  await fault.programs.kill(AGENT);
  await fault.programs.start(AGENT);
});
