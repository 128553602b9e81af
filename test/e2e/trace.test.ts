/**
 * What `heddle trace` says of the live store is what becomes of real packets, for every pair of workloads, and for
 * hosts and their own and other workloads.
 */
import anyTest, { type TestFn } from 'ava';
import { familyOf, IP_FAMILIES } from '../../src/model/address.js';
import { folderOf } from '../helpers/heddle.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';

const test = anyTest.serial as TestFn;
const PORTS = [22, 80, 5432, 8080, 9100] as const;
let lab: TestLab;

test.before('the lab of three tiers is up', async () => {
  lab = await TestLab.start(exampleFolder('three-tiers'));
  await lab.live(await lab.head());
});
test.after.always('the lab goes', () => lab?.[Symbol.asyncDispose]());

test('every packet between workloads and hosts meets the verdict that trace says', async (t) => {
  const { workloads, hosts } = lab.plan;
  const questions: readonly Question[] = [...workloads, ...hosts].flatMap((from) =>
    workloads
      .filter((to) => to !== from)
      .flatMap((to) =>
        IP_FAMILIES.flatMap((family) => [
          { src: from.name, dst: to.name, family, protocol: 'icmp' },
          ...PORTS.map((port): Question => ({ src: from.name, dst: to.name, family, protocol: 'tcp', port })),
        ]),
      ),
  );
  const expected = await trace(questions);
  await Promise.all(
    workloads.flatMap(({ namespace }) => PORTS.map((port) => lab.prober.listen(namespace, 'tcp', port))),
  );
  const wrong: string[] = [];
  for (const place of [...workloads, ...hosts]) {
    const asked = questions.map((question, index) => ({ question, verdict: expected[index] }));
    const mine = asked.filter(({ question }) => question.src === place.name);
    const got = await Promise.all(mine.map(({ question, verdict }) => send(question, verdict)));
    for (const [index, { question, verdict }] of mine.entries())
      if (got[index] !== verdict) wrong.push(`${JSON.stringify(question)}: ${got[index]}`);
  }
  t.deepEqual(wrong, []);
  t.true(expected.includes('allow') && expected.includes('deny'));
});

interface Question {
  readonly src: string;
  readonly dst: string;
  readonly family: 4 | 6;
  readonly protocol: 'icmp' | 'tcp';
  readonly port?: number;
}

/** What should arrive is given more time than this machine may need. */
const PATIENT_MS = 10_000;

function send({ src, dst, family, ...packet }: Question, expected: string | undefined) {
  const to = lab.plan.workloads
    .find(({ name }) => name === dst)
    ?.addresses.find((one) => familyOf(one) === family);
  if (to === undefined) throw new Error(`${dst} has no IPv${family} address`);
  const probe = { from: lab.namespaceOf(src), to, ...packet };
  return lab.prober.probe(probe, expected === 'allow' ? PATIENT_MS : undefined);
}

async function trace(questions: readonly object[]): Promise<readonly string[]> {
  await using folder = await folderOf({ q: questions.map((one) => JSON.stringify(one)).join('\n') });
  const etcd = lab.state.etcdOutside;
  const { code, stdout, stderr } = await lab.heddle(['trace', '--batch', `${folder.path}/q`, '--etcd', etcd]);
  if (code !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).verdict);
}
