/**
 * What one host would be given, as text, without a host: `heddle render`.
 *
 * The calculation graph, the managers and the drivers are those of the agent. Only the kernel is missing: in its
 * place stands an empty one that takes everything and notes what it was told.
 */
import type { Exec } from '../kernel/exec.js';
import type { ProcSys } from '../kernel/proc-sys.js';
import type { Link, RouteOp, RtNetlink } from '../kernel/rtnetlink.js';
import type { Layout } from '../layout/layout.js';
import { IP_FAMILIES } from '../model/address.js';
import type { StoreKey } from '../model/store.js';
import type { SysctlPath } from '../model/sysctl.js';
import { bgpModelFor } from '../topology/bgp.js';
import { renderBirdConfig } from './bgp/bird/render-config.js';
import { type AgentSettings, DEFAULT_AGENT_SETTINGS } from './calc/agent-settings.js';
import { createCalcGraph } from './calc/calc-graph.js';
import type { DataplaneUpdate } from './calc/updates.js';
import type { Backend } from './dataplane/backends/backend.js';
import { createDataplane } from './dataplane/dataplane.js';
import { kernelDrivers } from './dataplane/drivers/kernel-drivers.js';
import { ObjectAssembler } from './syncer/object-assembler.js';

export const RENDERED = ['bird', 'iptables', 'ipsets', 'routes'] as const;
export type RenderedPart = (typeof RENDERED)[number];
export type RenderedHost = Readonly<Record<RenderedPart, string>>;

export interface RenderHostOptions {
  readonly node: string;
  readonly layout: Layout;
  /** The store as it would be. */
  readonly entries: ReadonlyMap<StoreKey, { readonly value: string }>;
  readonly backend: Backend;
  /** Where BIRD would log to. */
  readonly birdLog: string;
}

export async function renderHost(options: RenderHostOptions): Promise<RenderedHost> {
  const { node, layout, entries, backend } = options;
  const graph = createCalcGraph({ node, computeBgp: bgpModelFor });
  for (const update of new ObjectAssembler(layout).replace(entries)) graph.onUpdate(update);
  const updates = graph.flush();
  const settings = settingsOf(updates);
  const notes = new Notes(updates);
  const families = IP_FAMILIES.filter((family) => family === 4 || settings.ipv6Support);
  const pause = async () => {};
  const dataplane = createDataplane({
    packetFilters: families.map((family) => backend({ family, exec: notes.exec, pause })),
    paths: kernelDrivers({
      families,
      settings,
      exec: notes.exec,
      procSys: notes.procSys,
      rtnetlink: notes.rtnetlink,
    }),
    now: () => 0,
  });
  const { failures } = await dataplane.apply(updates);
  const [failure] = failures;
  if (failure) throw new Error(`${failure.object}: ${failure.message}`);
  return {
    bird: birdText(updates, settings, options.birdLog),
    iptables: notes.inputsOf(/^ip6?tables/),
    ipsets: notes.inputsOf(/^ipset/),
    routes: notes.routes(),
  };
}

function settingsOf(updates: readonly DataplaneUpdate[]): AgentSettings {
  const update = updates.find((one) => one.type === 'settings-update');
  return update?.type === 'settings-update' ? update.settings : DEFAULT_AGENT_SETTINGS;
}

function birdText(updates: readonly DataplaneUpdate[], settings: AgentSettings, logFile: string): string {
  const update = updates.find((one) => one.type === 'bgp-update');
  const model = update?.type === 'bgp-update' ? update.model : undefined;
  if (!model) return '';
  const { deviceRouteProtocol } = settings;
  return renderBirdConfig(model, { log: { to: 'file', path: logFile }, deviceRouteProtocol });
}

/** The kernel that is not there. */
class Notes {
  readonly #inputs: { readonly command: string; readonly input: string }[] = [];
  readonly #ops: RouteOp[] = [];
  readonly #sysctls = new Map<SysctlPath, string>();
  readonly #links: readonly Link[];

  constructor(updates: readonly DataplaneUpdate[]) {
    this.#links = updates
      .flatMap((update) =>
        update.type === 'workload-endpoint-update' ? [update.endpoint.interfaceName] : [],
      )
      .map((name, index) => ({ index: index + 1, name, mac: undefined, mtu: 1500, up: true, running: true }));
  }

  readonly exec: Exec = async (command, args, options) => {
    const program = command.split('/').at(-1) ?? command;
    const input = options?.input ?? '';
    if (input !== '') this.#inputs.push({ command: [program, ...args].join(' '), input });
    return { code: 0, stdout: '', stderr: '' };
  };

  readonly procSys: ProcSys = {
    read: async (path) => this.#sysctls.get(path),
    write: async (path, value) => {
      this.#sysctls.set(path, value);
    },
  };

  readonly rtnetlink: RtNetlink = {
    links: async () => this.#links,
    routes: async () => [],
    neighbors: async () => [],
    apply: async (ops) => {
      this.#ops.push(...ops);
      return ops.map(() => undefined);
    },
    linkEvents: () => undefined,
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };

  inputsOf(program: RegExp): string {
    return this.#inputs
      .filter(({ command }) => program.test(command))
      .map(({ command, input }) => `# ${command}\n${input.endsWith('\n') ? input : `${input}\n`}`)
      .join('\n');
  }

  /** As `ip route` would show them. */
  routes(): string {
    return this.#ops
      .flatMap((op) => (op.object === 'route' && op.op === 'replace' ? [op.route] : []))
      .map(({ destination, interfaceIndex, protocol }) => {
        const device = this.#links.find(({ index }) => index === interfaceIndex)?.name ?? '?';
        return `${destination} dev ${device} proto ${protocol} scope link\n`;
      })
      .join('');
  }
}
