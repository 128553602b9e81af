/**
 * The strongest proof: what `trace` says of random networks is what becomes of real packets.
 *
 * Manifests go the whole way that they go on a host: loader, keys of the store, calculation graph, dataplane, kernel.
 * One host is led from network to network, so that it is also asked whether changes lead to the same rules. Each
 * network meets some hundred packets of every protocol, in both families, between workloads, their host and others.
 *
 * HEDDLE_SOAK is how long it goes on for each variant of iptables, in seconds; HEDDLE_SEED draws the same networks
 * again. What fails is shrunk, and printed as manifests and as questions for `heddle trace --batch`.
 */
import { env } from 'node:process';
import test from 'ava';
import fc from 'fast-check';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import { networkFrom } from '../../src/verify/network.js';
import type { Question } from '../../src/verify/question.js';
import { createTracer, type Trace } from '../../src/verify/trace.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import {
  hostManifests,
  isLocal,
  isPooled,
  loadText,
  PLACES,
  POSSIBLE_PACKETS,
  type Sent,
} from '../helpers/random-host.js';
import { SEED } from '../helpers/seed.js';
import { prepareHost } from './dataplane-world.js';
import { createRawHost, type RawHost } from './raw-host.js';

requirePrivateNetns();
test.before(prepareHost);

const SOAK_MS = Number(env.HEDDLE_SOAK ?? 8) * 1_000;
/** Of all packets, each network meets every so many-th. */
const STRIDE = 2;
const NETWORKS_PER_DRAW = 3;

for (const backend of ['iptables', 'iptables-legacy'] satisfies BackendName[])
  test.serial(`${backend}: packets in random networks meet what trace says of them`, async (t) => {
    t.log(`HEDDLE_SEED=${SEED}`);
    await using host = await createRawHost(backend);
    const counts = { networks: 0, allow: 0, deny: 0 };
    const property = fc.asyncProperty(hostManifests, fc.nat(STRIDE - 1), async (manifests, offset) => {
      const packets = withoutAnswers(packetsFor(manifests).filter((_, index) => index % STRIDE === offset));
      const wrong = await mismatches(host, manifests, packets, counts);
      if (wrong.length > 0) throw new Error(report(manifests, wrong));
    });
    const start = performance.now();
    for (let draw = 0; draw === 0 || performance.now() - start < SOAK_MS; draw += 1) {
      const { failed, errorInstance } = await fc.check(property, {
        seed: SEED + draw,
        numRuns: NETWORKS_PER_DRAW,
      });
      if (!failed) continue;
      t.fail(
        `HEDDLE_SEED=${SEED + draw}: ${errorInstance instanceof Error ? errorInstance.message : errorInstance}`,
      );
      return;
    }
    t.log(`${counts.networks} networks, ${counts.allow} packets that pass, ${counts.deny} that do not`);
    t.true(counts.allow > 0 && counts.deny > 0);
  });

/** Between those who are there: an interface that nobody told of has no address to send from. */
function packetsFor(manifests: string): readonly Sent[] {
  const names = new Set([...loadText(manifests).state.values()].map(({ metadata }) => metadata.name));
  const isThere = (place: Sent['from']): boolean => !isLocal(place) || names.has(place);
  return POSSIBLE_PACKETS.filter(({ from, to }) => isThere(from) && isThere(to));
}

/**
 * Without what conntrack would take for a part of another packet's connection: the way back between the same ends is
 * an answer, and without ports two ends have one connection only. A packet that may be masqueraded counts under both
 * of its senders.
 */
function withoutAnswers(packets: readonly Sent[]): readonly Sent[] {
  const seen = new Set<string>();
  return packets.filter(({ from, to, packet: { family, protocol, source, destination, icmp } }) => {
    if (icmp) return true;
    const flow = (...ends: (typeof source)[]): string =>
      [protocol, ...ends.map(({ address, port }) => `${address} ${port}`)].join(' ');
    const isMasqueradable = isPooled(from) && !isPooled(to);
    const senders = [source, ...(isMasqueradable ? [{ ...source, address: PLACES.host[family] }] : [])];
    const flows = senders.map((sender) => flow(sender, destination));
    const others = senders.map((sender) => flow(destination, sender));
    if (source.port === undefined) others.push(...flows);
    if (others.some((other) => seen.has(other))) return false;
    for (const one of flows) seen.add(one);
    return true;
  });
}

interface Mismatch {
  readonly question: Question;
  readonly said: 'allow' | 'deny';
}

async function mismatches(
  host: RawHost,
  manifests: string,
  packets: readonly Sent[],
  counts: { networks: number; allow: number; deny: number },
): Promise<readonly Mismatch[]> {
  const { state } = loadText(manifests);
  const trace = createTracer(networkFrom(state.values()));
  await host.enforce(manifests);
  const arrived = await host.send(packets);
  counts.networks += 1;
  return packets.flatMap((sent, index) => {
    const question = questionOf(sent);
    const answer = trace(question);
    if (!answer.ok) throw new Error(answer.error.message);
    const said = verdictHere(sent, answer.value);
    counts[said] += 1;
    return (said === 'allow') === arrived.has(index) ? [] : [{ question, said }];
  });
}

/** Of a packet to or from elsewhere, this host judges one side only. */
function verdictHere({ from, to }: Sent, { verdict, egress, ingress }: Trace): 'allow' | 'deny' {
  if (isLocal(from) && isLocal(to)) return verdict;
  if (from === 'elsewhere') return ingress?.verdict ?? 'allow';
  return to === 'elsewhere' ? (egress?.verdict ?? 'allow') : verdict;
}

function questionOf({ packet: { family, protocol, source, destination, icmp } }: Sent): Question {
  return {
    src: source.address,
    dst: destination.address,
    protocol,
    family,
    ...(icmp && { icmp }),
    ...(destination.port !== undefined && { port: destination.port }),
    ...(source.port !== undefined && { srcPort: source.port }),
  };
}

/** As a file of manifests, and as lines that `heddle trace --batch FILE` takes. */
function report(manifests: string, wrong: readonly Mismatch[]): string {
  const lines = wrong.slice(0, 5).map(({ question: { icmp, ...rest }, said }) => {
    const types = icmp && { icmpType: icmp.type, icmpCode: icmp.code };
    return `# trace says ${said}, the kernel does not\n${JSON.stringify({ ...rest, ...types })}`;
  });
  return `${wrong.length} packets met another verdict\n\n${manifests}\n${lines.join('\n')}\n`;
}
