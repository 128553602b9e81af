/**
 * The managers of a host, and which of them hears which message.
 *
 * Managers turn what the calculation graph says into desired state: pure, and with nothing in hand but the desired side of
 * the drivers. A kind of message that nobody listens to does not compile.
 */
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { DataplaneUpdate, DataplaneUpdateType, UpdateOf } from '../../calc/updates.js';
import type { DriverFailure } from '../driver.js';
import type { DesiredDataplane } from '../intent.js';
import { EndpointManager } from './endpoint-manager.js';
import { IpSetManager } from './ip-set-manager.js';
import { MasqueradeManager } from './masquerade-manager.js';
import { OverlayManager } from './overlay-manager.js';
import { PolicyManager } from './policy-manager.js';
import { shareView } from './share-view.js';
import { StaticManager } from './static-manager.js';
import { builtInSettings, usableSettings } from './usable-settings.js';

export interface Managers {
  onUpdate(update: DataplaneUpdate): void;
  /** Turns what a batch has changed as a whole into desired state. */
  completeDeferredWork(): void;
  /** What was asked for and cannot be had. */
  problems(): readonly DriverFailure[];
}

type Routes = { readonly [T in DataplaneUpdateType]: (update: UpdateOf<T>) => void };

/** The desired state of a host without endpoints is there from the start, with the settings that are built in. */
export function createManagers(desired: DesiredDataplane): Managers {
  let usable = builtInSettings();
  const statics = new StaticManager(desired, usable.settings);
  const policies = new PolicyManager(desired, usable.marks);
  const { workloads, overlays } = sharedPaths(desired);
  const endpoints = new EndpointManager(workloads, usable);
  const overlay = new OverlayManager(overlays);
  const ipSets = new IpSetManager(desired);
  const pools = new MasqueradeManager(desired);

  const onSettings = ({ settings }: { readonly settings: AgentSettings }): void => {
    usable = usableSettings(settings, usable);
    statics.onSettings(usable.settings);
    policies.onMarks(usable.marks);
    endpoints.onSettings(usable);
  };

  const routes: Routes = {
    'settings-update': onSettings,
    'ip-set-update': (update) => ipSets.onUpdate(update),
    'ip-set-delta': (update) => ipSets.onDelta(update),
    'ip-set-remove': (update) => ipSets.onRemove(update),
    'profile-update': (update) => policies.onProfileUpdate(update),
    'profile-remove': (update) => policies.onProfileRemove(update),
    'policy-update': (update) => policies.onPolicyUpdate(update),
    'policy-remove': (update) => policies.onPolicyRemove(update),
    'workload-endpoint-update': (update) => endpoints.onEndpointUpdate(update),
    'workload-endpoint-remove': (update) => endpoints.onEndpointRemove(update),
    'pool-update': (update) => pools.onPoolUpdate(update),
    'pool-remove': (update) => pools.onPoolRemove(update),
    'encapsulation-update': (update) => statics.onEncapsulations(update),
    // The agent hands it to its BGP speaker.
    'bgp-update': () => {},
    'overlay-update': (update) => overlay.onUpdate(update),
  };

  onSettings(usable);
  return {
    onUpdate: (update) => deliver(routes, update),
    completeDeferredWork() {
      endpoints.completeDeferredWork();
      overlay.completeDeferredWork();
      pools.completeDeferredWork();
    },
    problems: () => [...usable.problems, ...endpoints.problems],
  };
}

/** Routes and neighbour entries have two managers, of whom workloads come first. */
function sharedPaths(desired: DesiredDataplane): {
  readonly workloads: DesiredDataplane;
  readonly overlays: DesiredDataplane;
} {
  const families = desired.families.map((family) => {
    const [routes, neighbors] = [shareView(family.routes), shareView(family.neighbors)];
    return {
      workloads: { ...family, routes: routes.first, neighbors: neighbors.first },
      overlays: { ...family, routes: routes.second, neighbors: neighbors.second },
    };
  });
  return {
    workloads: { ...desired, families: families.map(({ workloads }) => workloads) },
    overlays: { ...desired, families: families.map(({ overlays }) => overlays) },
  };
}

function deliver<T extends DataplaneUpdateType>(routes: Pick<Routes, T>, update: UpdateOf<T>): void {
  const route: (update: UpdateOf<T>) => void = routes[update.type];
  route(update);
}
