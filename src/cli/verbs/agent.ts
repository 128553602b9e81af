/**
 * `heddle agent`: keeps this host as the store says. Wires everything that runs on a host.
 */
import { mkdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type AgentOptions as RunAgentOptions, runAgent } from '../../agent/agent.js';
import { BGP_MODES, type BgpMode, createBgpSpeaker, speakers } from '../../agent/bgp/index.js';
import type { BgpSpeaker } from '../../agent/bgp/speaker.js';
import { backends } from '../../agent/dataplane/backends/index.js';
import { gatewayProblems } from '../../agent/gateway-route.js';
import { openDataplane } from '../../agent/open-dataplane.js';
import { NodeRegistrar } from '../../agent/register-node.js';
import { systemClock } from '../../agent/status/clock.js';
import { LoopWatch, readiness } from '../../agent/status/health.js';
import { startHealthServer } from '../../agent/status/health-server.js';
import type { HostFacts } from '../../agent/status/host-facts.js';
import { hostSessions, hostStatus } from '../../agent/status/host-status.js';
import { AgentMetrics } from '../../agent/status/metrics.js';
import { StateLog } from '../../agent/status/state-log.js';
import { StatusReporter } from '../../agent/status/status-reporter.js';
import type { Conntrack } from '../../kernel/conntrack.js';
import { type Exec, exec } from '../../kernel/exec.js';
import { hostAddresses, readHostInterfaces } from '../../kernel/host-addresses.js';
import { keepOpen, type Programs } from '../../kernel/kept-programs.js';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../../kernel/netlink/constants.js';
import { type NetlinkTransportName, netlinkTransports } from '../../kernel/netlink/index.js';
import { openConntrack } from '../../kernel/open-conntrack.js';
import { type Nftables, openNftables } from '../../kernel/open-nftables.js';
import { openRtNetlink } from '../../kernel/open-rtnetlink.js';
import { type ProcSys, procSys } from '../../kernel/proc-sys.js';
import type { RtNetlink } from '../../kernel/rtnetlink.js';
import { type Address, familyOf, type IpFamily, parseAddress } from '../../model/address.js';
import type { Log } from '../../model/log.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import type { CliContext } from '../context.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';
import { requireRoot } from '../require-root.js';

interface AgentOptions extends CommonOptions, EtcdOptions {
  readonly node: string;
  readonly backend: keyof typeof backends;
  readonly netlink: NetlinkTransportName;
  readonly bgp: BgpMode;
  readonly speaker: keyof typeof speakers;
  readonly stateDir: string;
  readonly secretsDir?: string;
  readonly metricsListen?: ListenAddress;
  readonly xtablesLock?: string;
  readonly ip?: Address;
  readonly ip6?: Address;
}

interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The doors through which an agent reaches the kernel. */
export interface KernelDoors {
  readonly procSys: ProcSys;
  openPrograms(): Programs;
  openRtNetlink(transport: NetlinkTransportName): Promise<RtNetlink>;
  openConntrack(transport: NetlinkTransportName): Promise<Conntrack>;
  openNftables(transport: NetlinkTransportName): Promise<Nftables>;
}

export const KERNEL_DOORS: KernelDoors = {
  procSys,
  openPrograms: () => keepOpen(exec),
  openRtNetlink: async (name) => openRtNetlink(await openTransport(name, NETLINK_ROUTE)),
  openConntrack: async (name) => openConntrack(await openTransport(name, NETLINK_NETFILTER)),
  openNftables: async (name) => openNftables(await openTransport(name, NETLINK_NETFILTER)),
};

export const agent: Verb = (context) => agentThrough(KERNEL_DOORS, context);

/** The verb, with other doors: those of a test stand in for a kernel that fails. */
export function agentThrough(doors: KernelDoors, context: CliContext): Command {
  const { environment } = context;
  const add = (flags: string, description: string) => flag(environment, flags, description);
  return addEtcdOptions(
    verb(context, 'agent', 'keep this host as the store says', { logLevel: 'info' }),
    context,
  )
    .addOption(
      add('--node <name>', 'the Node that this host is').default(hostname().toLowerCase(), "the host's name"),
    )
    .addOption(add('--backend <name>', 'packet filter').choices(Object.keys(backends)).default('iptables'))
    .addOption(
      add('--netlink <name>', 'netlink transport').choices(Object.keys(netlinkTransports)).default('koffi'),
    )
    .addOption(
      add('--bgp <mode>', 'managed: run BIRD; system: configure the BIRD of this host; none: policy only')
        .choices(BGP_MODES)
        .default('managed'),
    )
    .addOption(
      add(
        '--ip <address>',
        'IPv4 address to register for a Node without one; else found on the host',
      ).argParser(parseOf(4)),
    )
    .addOption(add('--ip6 <address>', 'IPv6 address, likewise').argParser(parseOf(6)))
    .addOption(
      add('--speaker <name>', 'bird: BIRD 2; bird1: bird and bird6 of BIRD 1.6')
        .choices(Object.keys(speakers))
        .default('bird'),
    )
    .addOption(add('--state-dir <dir>', 'where BIRD keeps its files').default('/var/lib/heddle'))
    .addOption(add('--secrets-dir <dir>', 'where the files of secrets lie'))
    .addOption(
      add('--metrics-listen <host:port>', '/metrics, /readiness and /liveness').argParser(parseListen),
    )
    .addOption(add('--xtables-lock <file>', 'a lock file of its own, for hosts that share a file system'))
    .action((options: AgentOptions) => run(context, options, doors));
}

async function run(context: CliContext, options: AgentOptions, doors: KernelDoors): Promise<void> {
  requireRoot('heddle agent programs routes and packet filters');
  const { node, stateDir } = options;
  const log = createLog(options.logLevel, { node });
  await mkdir(stateDir, { recursive: true });
  await requireFolder(options.secretsDir);
  await using opened = await openStore(options, log);
  await using rtnetlink = await doors.openRtNetlink(options.netlink);
  await using conntrack = await doors.openConntrack(options.netlink);
  await using nftables = await doors.openNftables(options.netlink);
  const metrics = new AgentMetrics();
  using programs = doors.openPrograms();
  const countingExec = metrics.countingExec(programs.exec);
  const speaker = openSpeaker(options, countingExec, log);
  const reporter = new StatusReporter({ ...opened, node, log, clock: systemClock });
  await using reports = await openReports(options, metrics, reporter, new StateLog(log));
  log.info('agent started', { backend: options.backend, netlink: options.netlink, bgp: options.bgp });
  const { store, layout } = opened;
  const kernel = {
    ...{ conntrack, nftables, hostAddresses, procSys: doors.procSys, exec: countingExec },
    rtnetlink: metrics.timingRoutes(rtnetlink),
  };
  const { signal } = context;
  const registrar = new NodeRegistrar({
    ...{ store, layout, log, hostAddresses, hostInterfaces: () => readHostInterfaces(rtnetlink) },
    givenAddresses: [options.ip, options.ip6].flatMap((given) => given ?? []),
  });
  try {
    await Promise.all([
      reporter.run(signal),
      runAgent({
        ...{ node, store, layout, speaker, log, signal, clock: systemClock, report: reports.report },
        checkNode: (ours, prefix) => registrar.check(ours, prefix),
        checkGateway: () => gatewayProblems(exec),
        onCalculated: (seconds, updates) => metrics.observeCalculation(seconds, updates),
        openDataplane: (settings, inbox, life) =>
          openDataplane({
            ...{ settings, inbox, kernel, log, signal: life, clock: systemClock },
            backend: backends[options.backend],
            ...(options.xtablesLock !== undefined && { lockFile: options.xtablesLock }),
            onApply: (...seen) => metrics.observeApply(...seen),
          }),
      }),
    ]);
  } finally {
    speaker.close();
    log.info('agent stopped; routes, rules and BIRD stay as they are');
  }
}

function openSpeaker(options: AgentOptions, countingExec: Exec, log: Log): BgpSpeaker {
  const { bgp: mode, stateDir, secretsDir, speaker } = options;
  return createBgpSpeaker(
    { mode, stateDir: join(stateDir, 'bird'), secretsDir, exec: countingExec, log },
    speaker,
  );
}

/** Tells of each turn: in metrics and health checks, which are served until it is disposed of, and in the store. */
async function openReports(
  options: AgentOptions,
  metrics: AgentMetrics,
  reporter: StatusReporter,
  states: StateLog,
): Promise<Pick<RunAgentOptions, 'report'> & AsyncDisposable> {
  const loop = new LoopWatch(systemClock);
  let facts: HostFacts | undefined;
  const server = await listen(options, metrics, loop, () => facts);
  return {
    report(now, settings) {
      facts = now;
      loop.turned();
      metrics.setFacts(now);
      const status = hostStatus(now);
      states.report(status);
      reporter.report(status, hostSessions(now));
      reporter.setFelixInterval(settings?.reportingMs ?? 0);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function openTransport(name: NetlinkTransportName, protocol: number) {
  const { available, open } = netlinkTransports[name];
  const reason = await available();
  if (reason !== undefined) {
    throw new CliError(
      EXIT.unexpected,
      `netlink transport ${name} cannot be loaded: ${reason}`,
      'try another --netlink',
    );
  }
  return open({ protocol });
}

async function listen(
  { metricsListen }: AgentOptions,
  metrics: AgentMetrics,
  loop: LoopWatch,
  facts: () => HostFacts | undefined,
): Promise<AsyncDisposable> {
  if (!metricsListen) return { [Symbol.asyncDispose]: async () => {} };
  const starting = [{ code: 'not-in-sync', message: 'the agent has just started' }] as const;
  return startHealthServer({
    ...metricsListen,
    metrics,
    readiness: () => {
      const now = facts();
      return now ? readiness(now) : starting;
    },
    stuck: () => loop.stuck(),
  });
}

async function requireFolder(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw new CliError(EXIT.invalidInput, `--secrets-dir ${folder} is not a folder`);
}

function parseOf(family: IpFamily): (text: string) => Address {
  return (text) => {
    const parsed = parseAddress(text);
    if (!parsed || familyOf(parsed) !== family)
      throw new InvalidArgumentError(`"${text}" is not an IPv${family} address.`);
    return parsed;
  };
}

function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new InvalidArgumentError(`"${text}" is not an address: write 127.0.0.1:9091 or [::1]:9091.`);
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
