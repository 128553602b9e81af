/**
 * The settings of this agent: AgentConfiguration `node.<name>` over `default` over what is built in, field by field.
 *
 * The store may hold what no manifest could say (other writers of the v1 model put raw strings there). A duration
 * that cannot be read counts as absent, and is named as a problem.
 */
import type { StoredId } from '../../layout/layout.js';
import { parseDurationMs } from '../../model/duration.js';
import type { ResourceOf } from '../../model/resource.js';
import { type AgentConfigurationSpec, type AgentSettings, DEFAULT_AGENT_SETTINGS } from './agent-settings.js';

export interface ResolvedSettings {
  readonly settings: AgentSettings;
  /** False: this host has no part in BGP. */
  readonly bgp: boolean;
}

const DURATIONS = [
  'iptablesRefreshInterval',
  'ipsetsRefreshInterval',
  'routeRefreshInterval',
  'reportingInterval',
] as const satisfies readonly (keyof AgentConfigurationSpec)[];

export class SettingsResolver {
  /** Weakest first. */
  readonly #names: readonly string[];
  readonly #listener: (resolved: ResolvedSettings) => void;
  readonly #specs = new Map<string, AgentConfigurationSpec>();
  readonly #problems = new Map<StoredId, string>();
  #dirty = true;

  constructor(node: string, listener: (resolved: ResolvedSettings) => void) {
    this.#names = ['default', `node.${node}`];
    this.#listener = listener;
  }

  onAgentConfiguration(
    id: StoredId,
    resource: ResourceOf<'AgentConfiguration'> | undefined,
    previous: ResourceOf<'AgentConfiguration'> | undefined,
  ): void {
    const name = (resource ?? previous)?.metadata.name;
    if (name === undefined || !this.#names.includes(name)) return;
    this.#dirty = true;
    this.#specs.delete(name);
    this.#problems.delete(id);
    if (!resource) return;
    const { readable, problems } = withoutUnreadable(resource.spec);
    this.#specs.set(name, readable);
    if (problems.length > 0) this.#problems.set(id, problems.join('; '));
  }

  get problems(): ReadonlyMap<StoredId, string> {
    return this.#problems;
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const spec: AgentConfigurationSpec = Object.assign(
      {},
      ...this.#names.map((name) => this.#specs.get(name)),
    );
    this.#listener({ settings: settingsFrom(spec), bgp: spec.bgpMode !== 'none' });
  }
}

function withoutUnreadable(spec: AgentConfigurationSpec) {
  const readable: { -readonly [K in keyof AgentConfigurationSpec]: AgentConfigurationSpec[K] } = { ...spec };
  const problems: string[] = [];
  for (const field of DURATIONS) {
    const text = spec[field];
    if (text === undefined || parseDurationMs(text) !== undefined) continue;
    delete readable[field];
    problems.push(`${field} ${JSON.stringify(text)} is not a duration and is ignored; write it as 90s or 2m`);
  }
  return { readable, problems };
}

function settingsFrom(spec: AgentConfigurationSpec): AgentSettings {
  const builtIn = DEFAULT_AGENT_SETTINGS;
  return {
    interfacePrefix: spec.interfacePrefix ?? builtIn.interfacePrefix,
    defaultEndpointToHostAction: spec.defaultEndpointToHostAction ?? builtIn.defaultEndpointToHostAction,
    noPolicyEgress: spec.noPolicyEgress ?? builtIn.noPolicyEgress,
    chainInsertMode: spec.chainInsertMode ?? builtIn.chainInsertMode,
    iptablesRefreshMs: refreshMs(spec.iptablesRefreshInterval) ?? builtIn.iptablesRefreshMs,
    ipsetsRefreshMs: refreshMs(spec.ipsetsRefreshInterval) ?? builtIn.ipsetsRefreshMs,
    routeRefreshMs: refreshMs(spec.routeRefreshInterval) ?? builtIn.routeRefreshMs,
    deviceRouteProtocol: spec.deviceRouteProtocol ?? builtIn.deviceRouteProtocol,
    ipv6Support: spec.ipv6Support ?? builtIn.ipv6Support,
    reportingMs: durationMs(spec.reportingInterval) ?? builtIn.reportingMs,
    iptablesMarkMask: spec.iptablesMarkMask ?? builtIn.iptablesMarkMask,
  };
}

/** The longest that a timer of Node can run; 24 days are as good as never. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** As for Felix, 0 means never. */
function refreshMs(text: string | undefined): number | undefined {
  const ms = durationMs(text);
  return ms === undefined ? undefined : Math.min(ms === 0 ? LONGEST_INTERVAL_MS : ms, LONGEST_INTERVAL_MS);
}

function durationMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDurationMs(text);
}
