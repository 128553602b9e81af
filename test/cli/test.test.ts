import test from 'ava';
import { heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

for (const story of ['three-hosts', 'first-repository', 'three-tiers'])
  test(`every connectivity test of the example ${story} holds`, async (t) => {
    const { code, stdout } = await heddle(['test', exampleFolder(story), '--output', 'json']);
    t.is(code, 0);
    const { passed, failed, results } = JSON.parse(stdout);
    t.true(passed > 0);
    t.is(failed, 0);
    t.is(results.length, passed);
    t.like(results[0], { ok: true });
  });
