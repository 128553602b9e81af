/**
 * The chains and hooks that depend on nothing but settings: they are there before the first endpoint.
 */
import type { AgentSettings } from '../../calc/agent-settings.js';
import { chainKey, type DesiredDataplane, hookKey } from '../intent.js';
import { hookRules, staticChains } from '../rules/static-chains.js';

export class StaticManager {
  readonly #desired: DesiredDataplane;

  constructor(desired: DesiredDataplane) {
    this.#desired = desired;
  }

  onSettings(settings: AgentSettings): void {
    for (const { family, chains, hooks } of this.#desired.families) {
      for (const chain of staticChains(family, settings)) chains.set(chainKey(chain), chain);
      for (const hook of hookRules(family, settings)) hooks.set(hookKey(hook), hook);
    }
  }
}
