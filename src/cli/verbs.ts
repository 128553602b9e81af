/**
 * The registry of verbs, in the order in which help lists them. Adding one is one file in verbs/ and one line here.
 *
 * Each is loaded when it is called: all that the verbs import takes longer to load than most of them to run.
 */
import type { Verb } from './command.js';

const VERBS = {
  init: async () => (await import('./verbs/init.js')).init,
  import: async () => (await import('./verbs/import.js')).importVerb,
  validate: async () => (await import('./verbs/validate.js')).validate,
  test: async () => (await import('./verbs/test.js')).test,
  trace: async () => (await import('./verbs/trace.js')).trace,
  bgp: async () => (await import('./verbs/bgp.js')).bgp,
  reconcile: async () => (await import('./verbs/reconcile.js')).reconcile,
  apply: async () => (await import('./verbs/apply.js')).apply,
  agent: async () => (await import('./verbs/agent.js')).agent,
  status: async () => (await import('./verbs/status.js')).status,
  get: async () => (await import('./verbs/get.js')).get,
  wait: async () => (await import('./verbs/wait.js')).wait,
  history: async () => (await import('./verbs/history.js')).history,
  blame: async () => (await import('./verbs/blame.js')).blame,
  rollback: async () => (await import('./verbs/rollback.js')).rollback,
  suspend: async () => (await import('./verbs/suspend.js')).suspend,
  resume: async () => (await import('./verbs/suspend.js')).resume,
  render: async () => (await import('./verbs/render.js')).render,
  schema: async () => (await import('./verbs/schema.js')).schema,
  lab: async () => (await import('./lab/lab.js')).lab,
} as const satisfies Record<string, () => Promise<Verb>>;

/** The verb that the words name; all of them, for help and for a near miss, when they name none. */
export async function verbsFor(words: readonly string[]): Promise<readonly Verb[]> {
  const name = firstPlain(words);
  const named = Object.entries(VERBS).find(([verb]) => verb === name);
  return named ? [await named[1]()] : allVerbs();
}

export function allVerbs(): Promise<readonly Verb[]> {
  return Promise.all(Object.values(VERBS).map((load) => load()));
}

/** Flags before the verb have values. */
function firstPlain([word, ...rest]: readonly string[]): string | undefined {
  if (!word?.startsWith('-')) return word;
  return firstPlain(word.includes('=') ? rest : rest.slice(1));
}
