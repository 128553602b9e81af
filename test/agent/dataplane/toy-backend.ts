/**
 * A packet filter made of maps. It shows what a backend must bring, and that nothing else has to know of it.
 */
import type { Backend, BackendOptions, PacketFilter } from '../../../src/agent/dataplane/backends/backend.js';
import { recordDesired } from '../../../src/agent/dataplane/desired-record.js';
import type { ApplyReport, Driver } from '../../../src/agent/dataplane/driver.js';
import type { Chain, ChainKey, HookKey, HookRules } from '../../../src/agent/dataplane/intent.js';
import { DeltaTracker } from '../../../src/model/delta-tracker.js';

/** Hears of each step before it runs; what it returns is the failure of the step. */
export type OnStep = (step: string) => string | undefined;

export function toyBackend(onStep: OnStep): Backend {
  const open = ({ family }: BackendOptions): PacketFilter => {
    const chains = new DeltaTracker<ChainKey, Chain>();
    const hooks = new DeltaTracker<HookKey, HookRules>();
    const [wishes] = recordDesired([family]).families;
    if (!wishes) throw new Error('No family');
    return {
      family,
      chains: chains.desired,
      hooks: hooks.desired,
      ipSets: wishes.ipSets,
      drivers: [
        toyDriver(`sets-${family}`, [], onStep),
        toyDriver(`rules-${family}`, [objects(chains), objects(hooks)], onStep),
      ],
      get inForce() {
        return hooks.inSync;
      },
      async prepare() {
        onStep(`prepare ${family}`);
      },
    };
  };
  return { announcesChanges: true, open };
}

/** What is left to do in a tracker, done: returns how much it was. */
interface ToyObjects {
  update(): number;
  delete(): number;
}

export function objects<K, V>(tracker: DeltaTracker<K, V>): ToyObjects {
  return {
    update() {
      const pending = [...tracker.pendingUpdates()];
      for (const [key, value] of pending) tracker.setActual(key, value);
      return pending.length;
    },
    delete() {
      const pending = [...tracker.pendingDeletions()];
      for (const [key] of pending) tracker.setActual(key, undefined);
      return pending.length;
    },
  };
}

export function toyDriver(name: string, kinds: readonly ToyObjects[], onStep: OnStep): Driver {
  const run = (step: 'update' | 'delete'): ApplyReport => {
    const message = onStep(`${step} ${name}`);
    if (message !== undefined) return { changed: 0, failures: [{ object: name, message }] };
    return { changed: kinds.reduce((sum, kind) => sum + kind[step](), 0), failures: [] };
  };
  return {
    name,
    queueResync: () => {
      onStep(`resync ${name}`);
    },
    applyUpdates: async () => run('update'),
    applyDeletions: async () => run('delete'),
    verify: async () => {
      const message = onStep(`verify ${name}`);
      return message === undefined ? [] : [{ object: name, message }];
    },
  };
}
