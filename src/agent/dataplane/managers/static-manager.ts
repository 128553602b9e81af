/**
 * What depends on nothing but settings: chains, hooks and sysctls that are there before the first endpoint.
 */
import type { AgentSettings } from '../../calc/agent-settings.js';
import { hostSysctls } from '../drivers/workload-sysctls.js';
import { chainKey, type DesiredDataplane, hookKey } from '../intent.js';
import { hookRules, staticChains } from '../rules/static-chains.js';

export class StaticManager {
  readonly #desired: DesiredDataplane;

  constructor(desired: DesiredDataplane) {
    this.#desired = desired;
    const families = desired.families.map(({ family }) => family);
    for (const { path, value } of hostSysctls(families)) desired.sysctls.set(path, value);
  }

  onSettings(settings: AgentSettings): void {
    for (const { family, chains, hooks } of this.#desired.families) {
      for (const chain of staticChains(family, settings)) chains.set(chainKey(chain), chain);
      for (const hook of hookRules(family, settings)) hooks.set(hookKey(hook), hook);
    }
  }
}
