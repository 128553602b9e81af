/**
 * The profiles of the network by name, read once for every node of the graph that needs them.
 */
import type { ResourceOf } from '../../model/resource.js';
import { type Profile, profileFrom } from '../../policy/policy.js';

/** Either side is undefined where the profile does not exist. */
export type ProfileListener = (
  name: string,
  profile: Profile | undefined,
  previous: Profile | undefined,
) => void;

export class ProfileRegistry {
  readonly #listener: ProfileListener;
  readonly #byName = new Map<string, Profile>();

  constructor(listener: ProfileListener) {
    this.#listener = listener;
  }

  get byName(): ReadonlyMap<string, Profile> {
    return this.#byName;
  }

  onProfile(resource: ResourceOf<'Profile'> | undefined, previous: ResourceOf<'Profile'> | undefined): void {
    const name = (resource ?? previous)?.metadata.name;
    if (name === undefined) return;
    const known = this.#byName.get(name);
    const profile = resource && profileFrom(resource);
    if (profile) this.#byName.set(name, profile);
    else this.#byName.delete(name);
    this.#listener(name, profile, known);
  }
}
