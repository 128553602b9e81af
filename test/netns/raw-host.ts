/**
 * This namespace as a host with three workloads and a way out, all of whose far ends are the test's own: thousands of
 * packets in a second, of any protocol, and the test sees where each comes out.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_AGENT_SETTINGS } from '../../src/agent/calc/agent-settings.js';
import { createCalcGraph } from '../../src/agent/calc/calc-graph.js';
import { type BackendName, backends } from '../../src/agent/dataplane/backends/index.js';
import { createDataplane, type Dataplane } from '../../src/agent/dataplane/dataplane.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { ObjectAssembler } from '../../src/agent/syncer/object-assembler.js';
import { exec } from '../../src/kernel/exec.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { keepOpen } from '../../src/kernel/kept-programs.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { IP_FAMILIES } from '../../src/model/address.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { address } from '../helpers/build-resources.js';
import { createVeth, ip, run } from '../helpers/netns.js';
import { addressBytes, carryingBytes, numberIn, packetBytes, readPacket } from '../helpers/packet-bytes.js';
import {
  HOST_NAME,
  loadText,
  PEER,
  PLACES,
  type Place,
  type Sent,
  WORKLOADS,
} from '../helpers/random-host.js';
import { FAR_MAC, HostWire, NEAR_MAC, onOneCpu, RawWire } from '../helpers/raw-wire.js';
import { until } from '../helpers/until.js';
import { AsyncStack, variantOf, wipe } from './dataplane-world.js';

/** ICMP and ICMPv6, TCP, UDP, SCTP, UDP-Lite, IPIP, GRE, ESP. */
const HOST_PROTOCOLS = { 4: [1, 6, 17, 132, 136, 4, 47, 50], 6: [58, 6, 17, 132, 136, 4, 47, 50] };
/** Of the tunnels of the host, where manifests give it this hardware address. */
const TUNNEL = { network: 4096, mac: NEAR_MAC };
/** Beyond the host on either side, where nobody polices: who comes through last shows that all have. */
const SENTINEL: Sent = {
  from: 'outside',
  to: 'outside',
  packet: {
    family: 4,
    protocol: 17,
    source: { address: PLACES.outside[4], port: 9 },
    destination: { address: address('198.51.100.9'), port: 9 },
  },
};

export interface RawHost extends AsyncDisposable {
  /** Has the host enforce manifests, whatever it enforced before. @throws when something cannot be written */
  enforce(manifests: string): Promise<void>;
  /** Sends all, and says by their numbers in the list which came to where they were sent. */
  send(packets: readonly Sent[]): Promise<ReadonlySet<number>>;
}

export async function createRawHost(backend: BackendName): Promise<RawHost> {
  const stack = new AsyncStack();
  try {
    return await build(stack, backend);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(stack: AsyncStack, backend: BackendName): Promise<RawHost> {
  stack.defer(() => wipe(variantOf(backend)));
  // The kernel checks UDP-Lite as if it were UDP, and takes every good checksum for a bad one (udplite_error()).
  await run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_checksum=0']);
  const wires = new Map<Place, RawWire>();
  for (const name of WORKLOADS) wires.set(name, await wireOf(stack, `cali${name}`));
  const outside = await wireOf(stack, 'uplink');
  wires.set('outside', outside).set('elsewhere', outside);
  for (const family of IP_FAMILIES) {
    const [prefix, gateway] = family === 4 ? ['24', '192.0.2.254'] : ['64', 'fd99::fe'];
    await ip(`addr add ${PLACES.host[family]}/${prefix} dev uplink${family === 6 ? ' nodad' : ''}`);
    for (const neighbor of [gateway, PEER[family]])
      await ip(`neigh replace ${neighbor} lladdr ${FAR_MAC} dev uplink`);
    await ip(`-${family} route add default via ${gateway}`);
  }
  const host = new HostWire(HOST_PROTOCOLS);
  stack.defer(async () => host[Symbol.dispose]());
  const dataplane = openDataplane(stack, backend);
  const layout = createLayout();
  const assembler = new ObjectAssembler(layout);
  const graph = createCalcGraph({ node: HOST_NAME, computeBgp: bgpModelFor });
  let sent = 0;
  return {
    async enforce(manifests) {
      const entries = [...compileState(loadText(manifests).state, layout).objects.values()].flatMap(
        (object) => object.entries,
      );
      const store = new Map(entries.map(({ key, value }) => [key, { value }]));
      for (const update of assembler.replace(store)) graph.onUpdate(update);
      const { failures } = await dataplane.apply(graph.flush());
      const [failure] = failures;
      if (failure) throw new Error(`${failure.object}: ${failure.message}`);
    },
    async send(packets) {
      await exec('conntrack', ['-F']);
      const first = sent;
      const numbered = [...packets, SENTINEL, SENTINEL];
      sent += numbered.length;
      const put = (index: number, { from, packet, carries }: Sent) => {
        const bytes = carries
          ? carryingBytes(packet, { packet: carries, ...TUNNEL }, first + index)
          : packetBytes(packet, first + index);
        if (from === 'host') host.send(bytes, packet.destination.address);
        else wires.get(from)?.send(bytes);
      };
      const arrived = new Set<number>();
      const comesThrough = (index: number) =>
        until(
          () => {
            for (const number of arrivals(wires, host, numbered, first)) arrived.add(number);
            return arrived.has(index);
          },
          { what: 'the last packet to come through' },
        );
      const [last, later] = [packets.length, packets.length + 1];
      onOneCpu(() => {
        for (const [index, packet] of [...packets, SENTINEL].entries()) put(index, packet);
      });
      await comesThrough(last);
      // What a tunnel has unpacked waits in a queue once more than the first sentinel did.
      onOneCpu(() => put(later, SENTINEL));
      await comesThrough(later);
      return new Set([...arrived].filter((index) => index < packets.length));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What has come to where it was sent since the last look. */
function* arrivals(
  wires: ReadonlyMap<Place, RawWire>,
  host: HostWire,
  packets: readonly Sent[],
  first: number,
): Generator<number, void> {
  for (const wire of new Set(wires.values()))
    for (const bytes of wire.received()) {
      const seen = readPacket(bytes);
      const sent = seen && packets[seen.number - first];
      if (!sent || wires.get(sent.to) !== wire) continue;
      const isThat = ({ family, protocol, destination }: Sent['packet']): boolean =>
        seen.protocol === protocol && seen.destination.equals(addressBytes(destination.address, family));
      // What carries the packet in an error message goes elsewhere.
      if (isThat(sent.packet) || (sent.carries && isThat(sent.carries))) yield seen.number - first;
    }
  for (const bytes of host.received()) {
    const number = numberIn(bytes);
    if (number !== undefined && packets[number - first]?.to === 'host') yield number - first;
  }
}

async function wireOf(stack: AsyncStack, name: string): Promise<RawWire> {
  const { peer } = stack.use(await createVeth({ name, mac: NEAR_MAC }));
  await run('sysctl', ['-qw', `net.ipv6.conf.${peer}.disable_ipv6=1`]);
  const wire = await RawWire.open(peer);
  stack.defer(async () => wire[Symbol.dispose]());
  return wire;
}

function openDataplane(stack: AsyncStack, backend: BackendName): Dataplane {
  const lockFile = `/run/heddle-raw-${process.pid}.lock`;
  stack.defer(() => rm(lockFile, { force: true }));
  const programs = keepOpen(exec);
  stack.defer(async () => programs[Symbol.dispose]());
  const rtnetlink = stack.use(openRtNetlink(openKoffiTransport()));
  const conntrack = stack.use(openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER })));
  const { interfacePrefix, deviceRouteProtocol } = DEFAULT_AGENT_SETTINGS;
  return createDataplane({
    packetFilters: IP_FAMILIES.map((family) =>
      backends[backend].open({ family, exec: programs.exec, pause: (ms) => pause(ms), lockFile }),
    ),
    kernel: kernelDrivers({
      families: IP_FAMILIES,
      settings: { interfacePrefix, deviceRouteProtocol },
      rtnetlink,
      procSys,
      conntrack,
      hostAddresses,
    }),
    now: () => performance.now(),
  });
}
