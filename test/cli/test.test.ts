/**
 * Every example keeps what its own tests promise, and a test that fails says by which packet or why: the
 * command line, without a store.
 */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';
import { connectivityTest, guard, smallNetwork } from '../reconciler/manifests.js';

for (const story of readdirSync(dirname(exampleFolder('three-hosts'))))
  test(`every connectivity test of the example ${story} holds`, async (t) => {
    const { code, stdout } = await heddle(['test', exampleFolder(story), '--output', 'json']);
    t.is(code, 0);
    const { passed, failed, results } = JSON.parse(stdout);
    t.true(passed > 0);
    t.is(failed, 0);
    t.is(results.length, passed);
    t.true(results.every(({ ok, pairs }: { ok: boolean; pairs: number }) => ok && pairs > 0));
  });

test('test --output json has the shape of the contract: one that fails has a counterexample, or says why', async (t) => {
  await using folder = await folderOf({
    ...smallNetwork(),
    'guard.yaml': guard('Deny'),
    'tests.yaml': [
      connectivityTest('Allow'),
      connectivityTest('Deny', 'w1').replace('w1-to-w2', 'closed'),
      connectivityTest('Deny')
        .replace('{endpoint: w1}', "{selector: app == 'none'}")
        .replace('w1-to-w2', 'nobody'),
    ].join('---\n'),
  });
  const { code, stdout } = await heddle(['test', folder.path, '--output', 'json']);
  t.is(code, 4);
  const { passed, failed, results } = JSON.parse(stdout);
  t.deepEqual([passed, failed], [1, 2]);
  const [open, closed, nobody] = results;
  t.like(open, { name: 'w1-to-w2', ok: false, expect: 'Allow', pairs: 1 });
  t.like(open.counterexample, {
    ...{ src: 'w1', dst: 'w2', protocol: 'tcp', port: 80, family: 4, managed: true, verdict: 'deny' },
    ingress: {
      ...{
        verdict: 'deny',
        kind: 'GlobalNetworkPolicy',
        name: 'guard',
        tier: 'default',
        rule: 1,
        action: 'Deny',
      },
      origin: { file: 'guard.yaml', line: 4 },
    },
  });
  t.deepEqual(Object.keys(closed).sort(), ['expect', 'name', 'ok', 'origin', 'pairs']);
  t.like(nobody, { ok: false, pairs: 0 });
  t.regex(nobody.reason, /^spec\.from matches nothing/);
  const human = await heddle(['test', folder.path]);
  t.regex(
    human.stdout,
    /^FAILS {2}w1-to-w2 +Allow {2}1 pair {2}tests\.yaml:1\n {7}DENY {2}w1 -> w2 {2}tcp\/80/m,
  );
  t.regex(human.stdout, /^1 of 3 connectivity tests hold$/m);
});
