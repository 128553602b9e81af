/**
 * The commits of the demo lead to the example of the repository and go on from there: on a few files in its
 * place.
 */
import test from 'ava';
import { CHAPTERS, type Files } from '../../src/lab/demo-story.js';

const example: Files = new Map([
  ['profiles/web.yaml', 'kind: Profile\n'],
  ['endpoints/web-3.yaml', 'spec:\n  node: host-3\n  profiles: [web]\n'],
  ['network/nodes.yaml', 'kind: Node\n'],
]);

/** The files after each chapter. */
function afterEach(): Files[] {
  const states: Files[] = [];
  for (const chapter of CHAPTERS) states.push(chapter.edit(states.at(-1) ?? new Map(), example));
  return states;
}

test('the story begins without profiles, and nobody names one', (t) => {
  const [first] = afterEach();
  t.deepEqual([...(first?.keys() ?? [])], ['endpoints/web-3.yaml', 'network/nodes.yaml']);
  t.notRegex(first?.get('endpoints/web-3.yaml') ?? '', /profiles/);
});

test('the third commit is the example as it stands in the repository', (t) => {
  t.deepEqual(afterEach()[2], example);
});

test('the last commit removes one endpoint and nothing else', (t) => {
  const states = afterEach();
  const [before, after] = [states.at(-2), states.at(-1)];
  const expected = new Map(before);
  t.true(expected.delete('endpoints/web-3.yaml'));
  t.deepEqual(after, expected);
});
