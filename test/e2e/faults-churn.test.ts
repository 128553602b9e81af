/**
 * Never open: while commits come one after the other, no packet passes that neither the commit before nor the one
 * after would let through. Both ends judge by themselves, and between hosts nothing happens at once: so what the
 * sender's host may be at, and what the receiver's may be at, are asked separately.
 *
 * HEDDLE_SOAK is how long it goes on, in seconds, or HEDDLE_STEPS how many commits; HEDDLE_SEED draws the same again.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import anyTest, { type TestFn } from 'ava';
import {
  CHURN_FILE,
  CHURN_GROUND,
  churnFlows,
  FIRST_COMMIT,
  hostOf,
  judge,
  type Manifests,
  randomCommits,
} from '../helpers/churn.js';
import { TestLab } from '../helpers/lab.js';
import { SEED } from '../helpers/seed.js';
import { type Flow, hasPassed, type Probe, TrafficProber } from '../helpers/traffic-prober.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
let lab: TestLab;

test.before('the lab is up', async () => {
  const seed = await mkdtemp(join(tmpdir(), 'heddle-churn-'));
  try {
    await writeFile(join(seed, 'ground.yaml'), CHURN_GROUND);
    await writeFile(join(seed, CHURN_FILE), FIRST_COMMIT);
    lab = await TestLab.start(seed, { reconcileFlags: ['--interval', '100ms'] });
  } finally {
    await rm(seed, { recursive: true, force: true });
  }
  await lab.live(await lab.head());
  await lab.routed();
});
test.after.always('the lab goes', () => lab?.[Symbol.asyncDispose]());

const SOAK_MS = Number(env.HEDDLE_SOAK ?? 25) * 1_000;
const STEPS = env.HEDDLE_STEPS === undefined ? undefined : Number(env.HEDDLE_STEPS);

/** A commit, and when it may have been in force on some host. */
interface Era {
  readonly number: number;
  readonly allows: ReturnType<typeof judge>;
  readonly from: number;
  /** When every host had a later one; absent for the last. */
  to?: number;
}

const eraOf = (number: number, manifests: Manifests, from: number): Era => ({
  number,
  allows: judge(manifests),
  from,
});

/** Whether some commits of the time, one for each host, let the probe through. */
function isExcused({ flow, sentAt, passedAt = sentAt }: Probe, eras: readonly Era[]): boolean {
  const possible = eras.filter(({ from, to }) => from <= passedAt && (to === undefined || sentAt <= to));
  const leaves = possible.filter(({ allows }) => allows(flow, 'egress'));
  const arrives = possible.filter(({ allows }) => allows(flow, 'ingress'));
  if (hostOf(flow.from) === hostOf(flow.to)) return leaves.some((era) => arrives.includes(era));
  return leaves.length > 0 && arrives.length > 0;
}

const allowed = (flow: Flow, { allows }: Era): boolean => allows(flow, 'egress') && allows(flow, 'ingress');

test('while commits come and go, nothing passes that both the old and the new one deny', async (t) => {
  t.log(`HEDDLE_SEED=${SEED}`);
  await using traffic = await TrafficProber.start({ plan: lab.plan, flows: churnFlows(), everyMs: 25 });
  const eras = [eraOf(0, FIRST_COMMIT, Number.NEGATIVE_INFINITY)];
  const begin = traffic.now();
  let judged = 0;
  const check = (since: number) => {
    const passed = traffic.probes(since).filter(hasPassed);
    judged += passed.length;
    const guilty = passed.filter((probe) => !isExcused(probe, eras));
    const shown = guilty.slice(0, 5).map(({ flow, ...probe }) => ({ ...flow, ...probe }));
    if (guilty.length > 0)
      t.fail(`${guilty.length} packets passed, seed ${SEED}: ${JSON.stringify({ shown, eras })}`);
  };

  let number = 0;
  for (const manifests of randomCommits(SEED)) {
    if (STEPS === undefined ? traffic.now() - begin > SOAK_MS : number === STEPS) break;
    number += 1;
    const since = eras.at(-1)?.from ?? 0;
    eras.push(eraOf(number, manifests, traffic.now()));
    await writeFile(join(lab.state.workTree, CHURN_FILE), manifests);
    await lab.live(await lab.push(`Commit ${number}`));
    const before = eras.at(-2);
    if (before) before.to = traffic.now();
    check(since);
    traffic.forget(since);
    eras.splice(0, eras.length - 4);
  }

  const last = eras.at(-1);
  const since = traffic.now();
  const isAsSaid = () => {
    const open = new Set(
      traffic
        .probes(since)
        .filter(hasPassed)
        .map(({ flow }) => flow),
    );
    return (
      last !== undefined && churnFlowsOf(traffic).every((flow) => open.has(flow) === allowed(flow, last))
    );
  };
  await until(isAsSaid, { what: 'the last commit to be in force for every flow' });
  t.log(`${number} commits, ${judged} packets that passed were judged`);
  t.true(judged > 0);
});

function churnFlowsOf(traffic: TrafficProber): readonly Flow[] {
  return [...new Set(traffic.probes().map(({ flow }) => flow))];
}
