/**
 * What depends on no endpoint and no rule of people: chains, hooks and sysctls that are there before the first endpoint.
 */
import { NO_ENCAPSULATIONS } from '../../../model/encapsulation.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { UpdateOf } from '../../calc/updates.js';
import { chainKey, type DesiredDataplane, hookKey } from '../intent.js';
import { encapsulatedToHostChain } from '../rules/encapsulation.js';
import { hookRules, staticChains } from '../rules/static-chains.js';
import { hostSysctls } from '../sysctls/workload-sysctls.js';

export class StaticManager {
  readonly #desired: DesiredDataplane;
  #settings: AgentSettings;
  #inUse = NO_ENCAPSULATIONS;

  constructor(desired: DesiredDataplane, settings: AgentSettings) {
    this.#desired = desired;
    this.#settings = settings;
    const families = desired.families.map(({ family }) => family);
    for (const { path, value } of hostSysctls(families)) desired.sysctls.set(path, value);
  }

  onSettings(settings: AgentSettings): void {
    this.#settings = settings;
    this.#program();
  }

  onEncapsulations({ inUse }: UpdateOf<'encapsulation-update'>): void {
    this.#inUse = inUse;
    this.#program();
  }

  #program(): void {
    const guard = encapsulatedToHostChain();
    for (const { family, chains, hooks } of this.#desired.families) {
      const inUse = this.#inUse[family];
      if (inUse.length > 0) chains.set(chainKey(guard), guard);
      else chains.delete(chainKey(guard));
      for (const chain of staticChains(family, this.#settings, inUse)) chains.set(chainKey(chain), chain);
      for (const hook of hookRules(this.#settings)) hooks.set(hookKey(hook), hook);
    }
  }
}
