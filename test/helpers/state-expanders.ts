/**
 * Ways to lead the graph through the same states, none of which may change where it arrives.
 *
 * An expander turns a story into steps: the updates of each, and the state that they lead to.
 */
import type { Update } from '../../src/agent/syncer/update.js';
import type { StoredId } from '../../src/layout/layout.js';
import { State, updatesBetween } from '../states/state.js';
import type { Stored } from './build-resources.js';

export interface Step {
  readonly name: string;
  readonly updates: readonly Update[];
}

export type Expander = (story: readonly State[]) => readonly Step[];

export const EXPANDERS: Readonly<Record<string, Expander>> = {
  'as it is': steps,
  backwards: (story) => steps([...story].reverse()),
  'with the updates of each step reversed': (story) =>
    steps(story).map((step) => ({ ...step, updates: [...step.updates].reverse() })),
  'update by update': (story) =>
    steps(story).flatMap(({ name, updates }) => updates.map((update) => ({ name, updates: [update] }))),
  'update by update, in reverse': (story) =>
    steps(story).flatMap(({ name, updates }) =>
      [...updates].reverse().map((update) => ({ name, updates: [update] })),
    ),
  'squashed into one step': (story) => [
    { name: 'all at once', updates: steps(story).flatMap(({ updates }) => updates) },
  ],
  'without what is overtaken': (story) => steps(story.slice(-1)),
  'with everything sent twice': (story) =>
    steps(story).map((step) => ({ ...step, updates: step.updates.flatMap((update) => [update, update]) })),
  'with everything sent again at each step': (story) =>
    steps(story).map((step, index) => ({
      ...step,
      updates: [...step.updates, ...updatesBetween(State.empty, story[index] ?? State.empty)],
    })),
  'with an empty store between states': (story) => steps(story.flatMap((state) => [state, State.empty])),
  'with idle steps in between': (story) =>
    steps(story).flatMap((step) => [step, { name: 'nothing happens', updates: [] }]),
};

/** From the empty store through all states of the story, and back to the empty store. */
function steps(story: readonly State[]): readonly Step[] {
  const states = [State.empty, ...story, State.empty];
  return states.slice(1).map((state, index) => ({
    name: state.name,
    updates: updatesBetween(states[index] ?? State.empty, state),
  }));
}

/** What the store holds after an update. */
export function applyUpdate(store: Map<StoredId, Stored>, update: Update): void {
  const { id, kind } = update;
  if (kind === 'IpamBlock' && update.block) store.set(id, { kind, block: update.block });
  else if (update.resource) store.set(id, update.resource);
  else store.delete(id);
}
