/**
 * Law 1: every story of states, in every order, batching and flush, ends in the same output.
 */
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../src/agent/calc/calc-graph.js';
import type { Update } from '../../../src/agent/syncer/update.js';
import type { StoredId } from '../../../src/layout/layout.js';
import { bgpModelFor } from '../../../src/topology/bgp.js';
import type { Stored } from '../../helpers/build-resources.js';
import { DataplaneView } from '../../helpers/dataplane-view.js';
import { naiveDataplane } from '../../helpers/naive-dataplane.js';
import { applyUpdate, EXPANDERS, type Step } from '../../helpers/state-expanders.js';
import { State, updatesBetween } from '../../states/state.js';
import { stories } from '../../states/states.js';

type FlushMode = 'after each update' | 'after each step' | 'at the end';
const FLUSH_MODES: readonly FlushMode[] = ['after each update', 'after each step', 'at the end'];

/** Follows the steps, and at each flush compares the dataplane with what the store alone says it should be. */
function follow(t: import('ava').ExecutionContext, steps: readonly Step[], mode: FlushMode): void {
  const graph = createCalcGraph({ node: 'host-1', computeBgp: bgpModelFor });
  const view = new DataplaneView();
  const store = new Map<StoredId, Stored>();
  const flush = (where: string): void => {
    view.apply(graph.flush());
    t.deepEqual(view.state, naiveDataplane('host-1', store), where);
    t.deepEqual(graph.flush(), [], `${where}: a second flush has nothing to say`);
  };
  for (const { name, updates } of steps) {
    for (const update of updates) {
      graph.onUpdate(update);
      applyUpdate(store, update);
      if (mode === 'after each update') flush(`${name}: after ${update.id}`);
    }
    if (mode === 'after each step') flush(name);
  }
  flush('at the end');
}

for (const [story, states] of Object.entries(stories))
  for (const [expansion, expand] of Object.entries(EXPANDERS))
    for (const mode of FLUSH_MODES)
      test(`the dataplane is as the store says when ${story}, ${expansion}, flushed ${mode}`, (t) => {
        follow(t, expand(states), mode);
      });

test('the dataplane is as the store says whatever the order of updates, for each state of each story', (t) => {
  const states = fc.constantFrom(...Object.values(stories).flat());
  const shuffled = fc
    .array(states, { minLength: 1, maxLength: 4 })
    .map((story) => updatesOf(story))
    .chain((updates) => fc.tuple(shuffle(updates), fc.constantFrom(...FLUSH_MODES)));
  fc.assert(
    fc.property(shuffled, ([updates, mode]) => follow(t, [{ name: 'shuffled', updates }], mode)),
    { numRuns: 200 },
  );
});

function updatesOf(story: readonly State[]): readonly Update[] {
  return story.flatMap((state, index) => updatesBetween(story[index - 1] ?? State.empty, state));
}

function shuffle(updates: readonly Update[]): fc.Arbitrary<readonly Update[]> {
  return fc.shuffledSubarray([...updates], { minLength: updates.length });
}
