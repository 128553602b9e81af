/**
 * The calculation graph: from objects of the store to what the dataplane of one host should know.
 *
 * Pure and synchronous. Updates flow through the nodes as they come; what is better done once per batch waits for the
 * flush. The output depends on the state that the updates lead to, never on their order or batching. An update costs what
 * it affects, not the size of the network; what BGP and an overlay are decided by (nodes, pools, blocks, and workloads in
 * encapsulated pools) is the exception: their models are worked out whole, once per flush.
 */
import type { StoredId } from '../../layout/layout.js';
import type { Update } from '../syncer/update.js';
import { ActiveRulesCalculator } from './active-rules-calculator.js';
import { BgpResolver, type ComputeBgp } from './bgp-resolver.js';
import { Dispatcher } from './dispatcher.js';
import { EventSequencer } from './event-sequencer.js';
import { HostGuard } from './host-guard.js';
import { IpSetIndex } from './ip-set-index.js';
import { LabelInheritance } from './label-inheritance.js';
import { LocalEndpointFilter } from './local-endpoint-filter.js';
import { OverlayResolver } from './overlay-resolver.js';
import { PolicyResolver } from './policy-resolver.js';
import { PoolTracker } from './pool-tracker.js';
import { ProfileRegistry } from './profile-registry.js';
import { RuleScanner } from './rule-scanner.js';
import { SettingsResolver } from './settings-resolver.js';
import type { DataplaneUpdate } from './updates.js';

export interface CalcGraphOptions {
  /** The name of this host. */
  readonly node: string;
  readonly computeBgp: ComputeBgp;
}

export interface CalcGraph {
  onUpdate(update: Update): void;
  /** What changed since the last flush; the first flush tells of everything. */
  flush(): DataplaneUpdate[];
  /** Objects that are not, or not wholly, in force on this host, and why. */
  problems(): ReadonlyMap<StoredId, string>;
}

/**
 * ```
 *              .--> settings resolver -----------------------------------> settings --.
 *              |       |  '---------------.                                           |
 *              |       v                  |                                           |
 * dispatcher --+--> policy nodes ---------|--> sets, policies, profiles, endpoints --.|
 *              |                          v                                          vv
 *              +--> nodes, pools, peers --> bgp resolver -----------> BGP model --> event sequencer --> dataplane
 *              |                                                                      ^
 *              +--> the same, blocks, workloads --> overlay resolver --> overlay -----|
 *              |                                                                      ^
 *              +--> nodes, pools --> host guard --> who may encapsulate, and how -----|
 *              |                                                                      ^
 *              '--> pool tracker ------------------------------------------> pools ---'
 * ```
 */
export function createCalcGraph({ node, computeBgp }: CalcGraphOptions): CalcGraph {
  const sequencer = new EventSequencer();
  const pools = new PoolTracker(sequencer);
  const guard = new HostGuard(sequencer);
  const bgp = new BgpResolver(node, computeBgp, (model) => sequencer.onBgpModel(model));
  const overlay = new OverlayResolver(node, (model) => sequencer.onOverlayModel(model));
  const { labels, local, profiles, activeRules, rules, resolver } = wirePolicyNodes(node, sequencer);
  const settings = new SettingsResolver(node, (resolved) => {
    sequencer.onSettings(resolved.settings);
    resolver.onNoPolicyEgress(resolved.settings.noPolicyEgress);
    bgp.onSettings(resolved);
    overlay.onSettings(resolved);
  });

  const dispatcher = new Dispatcher();
  dispatcher.register('AgentConfiguration', (...update) => settings.onAgentConfiguration(...update));
  dispatcher.register('AgentConfiguration', (_id, now, before) => bgp.onAgentConfiguration(now, before));
  dispatcher.register('BGPConfiguration', (_id, now, before) => bgp.onBgpConfiguration(now, before));
  dispatcher.register('BGPFilter', (_id, now, before) => bgp.onBgpFilter(now, before));
  dispatcher.register('BGPPeer', (id, now) => bgp.onBgpPeer(id, now));
  dispatcher.register('GlobalNetworkPolicy', (id, now) => activeRules.onPolicy(id, now));
  dispatcher.register('GlobalNetworkSet', (id, now) => labels.onResource(id, now));
  dispatcher.register('HostEndpoint', (id, now) => labels.onResource(id, now));
  dispatcher.register('IPPool', (_id, now, before) => pools.onPool(now, before));
  dispatcher.register('IPPool', (id, now) => bgp.onPool(id, now));
  dispatcher.register('IPPool', (id, now) => overlay.onPool(id, now));
  dispatcher.register('IPPool', (id, now) => guard.onPool(id, now));
  dispatcher.registerBlocks((id, block) => {
    bgp.onBlock(id, block);
    overlay.onBlock(id, block);
  });
  dispatcher.register('Node', (_id, now, before) => bgp.onNode(now, before));
  dispatcher.register('Node', (_id, now, before) => overlay.onNode(now, before));
  dispatcher.register('Node', (id, now) => guard.onNode(id, now));
  dispatcher.register('Profile', (_id, now, before) => profiles.onProfile(now, before));
  dispatcher.register('RouteReflector', (id, now) => bgp.onRouteReflector(id, now));
  dispatcher.register('Tier', (_id, now, before) => resolver.onTier(now, before));
  dispatcher.register('WorkloadEndpoint', (id, now) => labels.onResource(id, now));
  dispatcher.register('WorkloadEndpoint', (id, now) => overlay.onWorkload(id, now));

  return {
    onUpdate: (update) => dispatcher.onUpdate(update),
    flush() {
      settings.flush();
      rules.flush();
      resolver.flush();
      bgp.flush();
      overlay.flush();
      guard.flush();
      return sequencer.flush();
    },
    problems: () => new Map([...settings.problems, ...local.problems, ...dispatcher.problems]),
  };
}

/**
 * A node is given those that it speaks to, so the last of the drawing is made first.
 * ```
 * endpoints, sets --> label inheritance --.---------- members, labels, tags ---------> ip set index --> (sets)
 *                         ^               |                                                 ^
 *                         |               '--> local endpoint filter --.                    | sets in use
 *                         |                                            |                    |
 * profiles --> profile registry --.          .-------------------------+--.                 |
 *                                 v          v                            |                 |
 * policies ----------------> active rules calculator --- active rules ----|---------> rule scanner --> (rules)
 *                                            |                            |
 *                                            '--- matches ---.            |
 *                                                            v            v
 * tiers, settings ----------------------------------------> policy resolver ----------> (endpoints)
 * ```
 */
function wirePolicyNodes(node: string, sequencer: EventSequencer) {
  const profiles = new ProfileRegistry((name, profile, previous) => {
    labels.onProfile(name, profile, previous);
    activeRules.onProfile(name, profile);
  });
  const ipSets = new IpSetIndex(sequencer);
  const rules = new RuleScanner(ipSets, sequencer);
  const resolver = new PolicyResolver(profiles.byName, sequencer);
  const activeRules = new ActiveRulesCalculator(profiles.byName, rules, resolver);
  const local = new LocalEndpointFilter(node, (id, item) => {
    activeRules.onLocalEndpoint(id, item);
    resolver.onLocalEndpoint(id, item);
  });
  const labels = new LabelInheritance(profiles.byName, (id, item) => {
    ipSets.onItem(id, item);
    local.onItem(id, item);
  });
  return { labels, local, profiles, activeRules, rules, resolver };
}
