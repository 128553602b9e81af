/**
 * The registry of verbs, in the order in which help lists them. Adding one is one file and one line here.
 *
 * Each is loaded when it is called: all that the verbs import takes longer to load than most of them to run.
 */
import type { Verb } from './command.js';

const VERBS = {
  init: async () => (await import('./init.js')).init,
  import: async () => (await import('./import.js')).importVerb,
  validate: async () => (await import('./validate.js')).validate,
  test: async () => (await import('./test.js')).test,
  trace: async () => (await import('./trace.js')).trace,
  bgp: async () => (await import('./bgp.js')).bgp,
  reconcile: async () => (await import('./reconcile.js')).reconcile,
  apply: async () => (await import('./apply.js')).apply,
  agent: async () => (await import('./agent.js')).agent,
  status: async () => (await import('./status.js')).status,
  get: async () => (await import('./get.js')).get,
  wait: async () => (await import('./wait.js')).wait,
  history: async () => (await import('./history.js')).history,
  blame: async () => (await import('./blame.js')).blame,
  rollback: async () => (await import('./rollback.js')).rollback,
  suspend: async () => (await import('./suspend.js')).suspend,
  resume: async () => (await import('./suspend.js')).resume,
  render: async () => (await import('./render.js')).render,
  schema: async () => (await import('./schema.js')).schema,
  lab: async () => (await import('./lab.js')).lab,
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
