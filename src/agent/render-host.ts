/**
 * What one host would be given, as text, without a host: `heddle render`.
 *
 * The calculation graph, the managers and the renderers are those of the agent. Only the drivers are missing: the
 * desired state that they would act upon is written down instead.
 */
import type { Layout } from '../layout/layout.js';
import { IP_FAMILIES, type IpFamily } from '../model/address.js';
import type { StoreKey } from '../model/store.js';
import { bgpModelFor } from '../topology/bgp.js';
import { BIRD_2, bird1 } from './bgp/bird/dialect.js';
import { renderBirdConfig } from './bgp/bird/render-config.js';
import type { speakers } from './bgp/index.js';
import { type PasswordOf, REDACTED } from './bgp/password-file.js';
import { type AgentSettings, DEFAULT_AGENT_SETTINGS } from './calc/agent-settings.js';
import { createCalcGraph } from './calc/calc-graph.js';
import type { DataplaneUpdate, DataplaneUpdateType, UpdateOf } from './calc/updates.js';
import { ipSetsText, iptablesText } from './dataplane/backends/iptables/render-text.js';
import { type RecordedFamily, recordDesired } from './dataplane/desired-record.js';
import { SMALLEST_METRIC } from './dataplane/drivers/route-table.js';
import type { Route } from './dataplane/intent.js';
import { createManagers } from './dataplane/managers/index.js';
import { ObjectAssembler } from './syncer/object-assembler.js';

export const RENDERED = ['bird', 'iptables', 'ipsets', 'routes'] as const;
export type RenderedPart = (typeof RENDERED)[number];
export type RenderedHost = Readonly<Record<RenderedPart, string>>;

export interface RenderHostOptions {
  readonly node: string;
  readonly layout: Layout;
  /** The store as it would be. */
  readonly entries: ReadonlyMap<StoreKey, { readonly value: string }>;
  readonly families: readonly IpFamily[];
  /** Default: bird. */
  readonly speaker?: keyof typeof speakers;
  /** Where BIRD would log to. */
  readonly birdLog: string;
  /** What stands where BIRD would be told a password. */
  readonly passwordOf?: PasswordOf;
}

export function renderHost(options: RenderHostOptions): RenderedHost {
  const { node, layout, entries, families } = options;
  const graph = createCalcGraph({ node, computeBgp: bgpModelFor });
  for (const update of new ObjectAssembler(layout).replace(entries)) graph.onUpdate(update);
  const updates = graph.flush();
  const settings = find(updates, 'settings-update')?.settings ?? DEFAULT_AGENT_SETTINGS;
  const shown = families.filter((family) => family === 4 || settings.ipv6Support);
  const desired = recordDesired(IP_FAMILIES.filter((family) => shown.includes(family)));
  const managers = createManagers(desired);
  for (const update of updates) managers.onUpdate(update);
  managers.completeDeferredWork();
  return {
    bird: birdText(updates, settings, options),
    iptables: desired.families.map(tablesOf).join('\n'),
    ipsets: desired.families.map(ipSetsText).join(''),
    routes: desired.families.map((family) => routesOf(family, settings)).join(''),
  };
}

function find<T extends DataplaneUpdateType>(
  updates: readonly DataplaneUpdate[],
  type: T,
): UpdateOf<T> | undefined {
  return updates.find((update): update is UpdateOf<T> => update.type === type);
}

function birdText(
  updates: readonly DataplaneUpdate[],
  settings: AgentSettings,
  options: RenderHostOptions,
): string {
  const model = find(updates, 'bgp-update')?.model;
  if (!model) return '';
  const { deviceRouteProtocol } = settings;
  const { speaker = 'bird', birdLog, passwordOf = REDACTED } = options;
  return DAEMONS[speaker]
    .map(({ heading, dialect }) => {
      const log = { to: 'file', path: birdLog } as const;
      return `${heading}${renderBirdConfig(model, { dialect, log, deviceRouteProtocol, passwordOf })}`;
    })
    .join('\n');
}

/** Each daemon has a file; where there are two, a line says whose each is. */
const DAEMONS = {
  bird: [{ heading: '', dialect: BIRD_2 }],
  bird1: [
    { heading: '# bird\n', dialect: bird1(4) },
    { heading: '# bird6\n', dialect: bird1(6) },
  ],
} as const;

function tablesOf(family: RecordedFamily): string {
  const program = family.family === 4 ? 'iptables-restore' : 'ip6tables-restore';
  return `# ${program} --noflush\n${iptablesText(family)}`;
}

/** As `ip route` and `ip -6 route` show them, but for the preference that the kernel gives those of IPv6. */
function routesOf({ family, routes }: RecordedFamily, { deviceRouteProtocol }: AgentSettings): string {
  const metric = family === 4 ? '' : ` metric ${SMALLEST_METRIC[family]}`;
  const line = ({ cidr, interfaceName, gateway }: Route) => {
    const via = gateway === undefined ? '' : ` via ${gateway}`;
    const dev = interfaceName === undefined ? '' : ` dev ${interfaceName}`;
    const type = via === '' && dev === '' ? 'blackhole ' : '';
    const scope = family === 4 && via === '' && dev !== '' ? ' scope link' : '';
    const flags = via !== '' && dev !== '' ? ' onlink' : '';
    const destination = cidr.replace(/\/(32|128)$/, '');
    return `${type}${destination}${via}${dev} proto ${deviceRouteProtocol}${scope}${metric}${flags}\n`;
  };
  return [...routes.values()].map(line).sort().join('');
}
