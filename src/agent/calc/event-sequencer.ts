/**
 * Holds what the dataplane should know, and at the flush tells it what changed, in an order that it can follow.
 *
 * One message per object at most, however often it changed since the last flush, and none when it changed back. What
 * is referred to comes before what refers to it (sets, then rules, then endpoints), and is removed after it. Within
 * one kind messages are sorted, so that the same state always reads the same.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StoredId } from '../../layout/layout.js';
import type { Cidr } from '../../model/address.js';
import { DeltaTracker } from '../../model/delta-tracker.js';
import { type EncapsulationsInUse, isAnyInUse, NO_ENCAPSULATIONS } from '../../model/encapsulation.js';
import type { BgpModel } from '../../topology/bgp-model.js';
import type { OverlayModel } from '../../topology/overlay.js';
import type { AgentSettings } from './agent-settings.js';
import type { IpSetDefinition } from './ip-set-definition.js';
import { IpSetDeltas } from './ip-set-deltas.js';
import type { DataplaneUpdate, IpSetId, LocalEndpoint, RuleSet, UpdateOf } from './updates.js';

export class EventSequencer {
  readonly #settings = tracker<'settings', UpdateOf<'settings-update'>>();
  readonly #sets = new IpSetDeltas();
  readonly #policies = tracker<StoredId, UpdateOf<'policy-update'>>();
  readonly #profiles = tracker<string, UpdateOf<'profile-update'>>();
  readonly #endpoints = tracker<StoredId, UpdateOf<'workload-endpoint-update'>>();
  readonly #pools = tracker<Cidr, UpdateOf<'pool-update'>>();
  readonly #encapsulation = tracker<'encapsulation', UpdateOf<'encapsulation-update'>>();
  readonly #bgp = tracker<'bgp', UpdateOf<'bgp-update'>>();
  readonly #overlay = tracker<'overlay', UpdateOf<'overlay-update'>>();

  onSettings(settings: AgentSettings): void {
    this.#settings.desired.set('settings', { type: 'settings-update', settings });
  }

  onSetActive(definition: Pick<IpSetDefinition, 'id' | 'type'>): void {
    this.#sets.add(definition.id, definition.type);
  }

  onSetInactive(id: IpSetId): void {
    this.#sets.remove(id);
  }

  onMemberAdded(id: IpSetId, member: Cidr): void {
    this.#sets.addMember(id, member);
  }

  onMemberRemoved(id: IpSetId, member: Cidr): void {
    this.#sets.removeMember(id, member);
  }

  onPolicyUpdate(id: StoredId, tier: string, name: string, rules: RuleSet): void {
    this.#policies.desired.set(id, { type: 'policy-update', tier, name, rules });
  }

  onPolicyRemove(id: StoredId): void {
    this.#policies.desired.delete(id);
  }

  onProfileUpdate(name: string, rules: RuleSet, missing: boolean): void {
    this.#profiles.desired.set(name, { type: 'profile-update', name, rules, missing });
  }

  onProfileRemove(name: string): void {
    this.#profiles.desired.delete(name);
  }

  onEndpointUpdate(endpoint: LocalEndpoint): void {
    this.#endpoints.desired.set(endpoint.id, { type: 'workload-endpoint-update', endpoint });
  }

  onEndpointRemove(id: StoredId): void {
    this.#endpoints.desired.delete(id);
  }

  onPoolUpdate(cidr: Cidr, masquerade: boolean): void {
    this.#pools.desired.set(cidr, { type: 'pool-update', cidr, masquerade });
  }

  onPoolRemove(cidr: Cidr): void {
    this.#pools.desired.delete(cidr);
  }

  onEncapsulations(inUse: EncapsulationsInUse): void {
    if (isAnyInUse(inUse))
      this.#encapsulation.desired.set('encapsulation', { type: 'encapsulation-update', inUse });
    else this.#encapsulation.desired.delete('encapsulation');
  }

  onBgpModel(model: BgpModel | undefined): void {
    this.#bgp.desired.set('bgp', { type: 'bgp-update', model });
  }

  onOverlayModel(model: OverlayModel | undefined): void {
    if (model) this.#overlay.desired.set('overlay', { type: 'overlay-update', model });
    else this.#overlay.desired.delete('overlay');
  }

  /** The batch that leads from what the dataplane was last told to what it should know now. */
  flush(): DataplaneUpdate[] {
    return [
      ...updates(this.#settings),

      ...this.#sets.takeUpdates(),
      ...this.#sets.takeDeltas(),
      ...updates(this.#policies),
      ...updates(this.#profiles),
      ...updates(this.#endpoints),
      ...updates(this.#encapsulation),

      ...removals(this.#encapsulation, () => ({ type: 'encapsulation-update', inUse: NO_ENCAPSULATIONS })),
      ...removals(this.#endpoints, (id) => ({ type: 'workload-endpoint-remove', id })),
      ...removals(this.#profiles, (name) => ({ type: 'profile-remove', name })),
      ...removals(this.#policies, (_id, { tier, name }) => ({ type: 'policy-remove', tier, name })),
      ...this.#sets.takeRemovals(),

      ...updates(this.#pools),
      ...removals(this.#pools, (cidr) => ({ type: 'pool-remove', cidr })),

      ...updates(this.#bgp),
      ...updates(this.#overlay),
      ...removals(this.#overlay, () => ({ type: 'overlay-update', model: undefined })),
    ];
  }
}

function tracker<K, M extends DataplaneUpdate>(): DeltaTracker<K, M> {
  return new DeltaTracker<K, M>({ equal: isDeepStrictEqual });
}

/** What the dataplane does not know yet; from here on it does. */
function updates<K, M extends DataplaneUpdate>(messages: DeltaTracker<K, M>): readonly M[] {
  const pending = [...messages.pendingUpdates()].sort(byKey);
  for (const [key, message] of pending) messages.setActual(key, message);
  return pending.map(([, message]) => message);
}

function removals<K, M extends DataplaneUpdate>(
  messages: DeltaTracker<K, M>,
  removal: (key: K, message: M) => DataplaneUpdate,
): readonly DataplaneUpdate[] {
  const pending = [...messages.pendingDeletions()].sort(byKey);
  for (const [key] of pending) messages.setActual(key, undefined);
  return pending.map(([key, message]) => removal(key, message));
}

function byKey([a]: readonly [unknown, unknown], [b]: readonly [unknown, unknown]): number {
  return String(a) < String(b) ? -1 : 1;
}
