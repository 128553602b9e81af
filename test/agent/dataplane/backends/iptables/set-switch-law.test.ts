/**
 * Law 7: whatever lines a batch is written in, a packet that comes between two of them meets the old rules or the new.
 */

import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../../../../src/agent/calc/calc-graph.js';
import type { CompiledRule, DataplaneUpdate, IpSetId } from '../../../../../src/agent/calc/updates.js';
import { backends } from '../../../../../src/agent/dataplane/backends/index.js';
import {
  type ChangingSet,
  type Half,
  planSets,
} from '../../../../../src/agent/dataplane/backends/iptables/set-generations.js';
import { createDataplane } from '../../../../../src/agent/dataplane/dataplane.js';
import { recordDesired } from '../../../../../src/agent/dataplane/desired-record.js';
import { PolicedState } from '../../../../../src/agent/dataplane/flows/policed-state.js';
import { NO_DRIVERS } from '../../../../../src/agent/dataplane/kernel-kinds.js';
import { createManagers } from '../../../../../src/agent/dataplane/managers/index.js';
import { CHAINS } from '../../../../../src/agent/dataplane/rules/chain-names.js';
import { policyChain } from '../../../../../src/agent/dataplane/rules/rule-chains.js';
import { NO_USE, setUses } from '../../../../../src/agent/dataplane/rules/set-uses.js';
import { loadManifests } from '../../../../../src/loader/load.js';
import type { Cidr } from '../../../../../src/model/address.js';
import type { Resource } from '../../../../../src/model/resource.js';
import { DIRECTIONS, type Direction } from '../../../../../src/model/rule.js';
import type { Packet } from '../../../../../src/policy/match-rule.js';
import { bgpModelFor } from '../../../../../src/topology/bgp.js';
import { address, storedId } from '../../../../helpers/build-resources.js';
import { CHURN_FILE, CHURN_GROUND, FIRST_COMMIT, randomCommits } from '../../../../helpers/churn.js';
import {
  arbitraryFamily,
  arbitraryPacket,
  arbitraryRule,
  arbitrarySets,
  compileRule,
} from '../../arbitraries.js';
import { MARKS } from '../../marks.js';
import { type IpSets, simulate } from '../../simulator.js';
import { RecordedKernel } from './recorded-kernel.js';

const HOST = 'host-2';
const FAMILY = 4;
const [LOCAL, REMOTE] = [
  ['192.168.2.1', '192.168.2.2', '192.168.2.3'],
  ['192.168.1.1', '192.168.1.2', '192.168.1.3'],
];
const PORTS = [7777, 7778];

test('between two lines of a commit, each packet of a host meets the old verdict or the new one', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
      t.deepEqual(await mixedVerdicts(seed, 6), []);
    }),
    { numRuns: 15 },
  );
});

/** A set that no changing rule looked into gained a member before the rules of another endpoint had changed. */
test('a set opens ingress only when the rules that open egress have gone', async (t) => {
  t.deepEqual(await mixedVerdicts(48_441, 26), []);
});

test('sets too large to be built anew may close for a moment, and never let through what both states deny', (t) => {
  const seen = { inPlace: 0, lost: 0 };
  fc.assert(
    fc.property(arbitraryChange, ({ packet, before, after }) => {
      const ids = [...new Set([...before.sets.keys(), ...after.sets.keys()])];
      const isOld = (direction: Direction) => before.rules[direction] === after.rules[direction];
      const changing = DIRECTIONS.filter((direction) => !isOld(direction));
      const names = (state: State) =>
        new Set(changing.flatMap((each) => [...setUses(state.rules[each]).keys()]));
      const uses = setUses(DIRECTIONS.flatMap((direction) => after.rules[direction]));
      const changes = ids.flatMap((id): ChangingSet[] => {
        const { added, removed } = difference(before.sets.get(id), after.sets.get(id));
        if (added.length + removed.length === 0) return [];
        return [{ id, name: id, changes: { added: added.length, removed: removed.length, members: 1e6 } }];
      });
      const chains = changing.map(
        () => ({ kind: 'rules', before: names(before), after: names(after) }) as const,
      );
      const { regenerate, opening } = planSets(changes, chains, (id) => uses.get(id) ?? NO_USE);
      seen.inPlace += opening.size;

      const [denied, kept] = [
        !allows(before, packet) && !allows(after, packet),
        allows(before, packet) && allows(after, packet),
      ];
      for (const state of states(before, after, regenerate, opening)) {
        if (denied) t.false(allows(state, packet));
        if (kept && !allows(state, packet)) seen.lost += 1;
      }
    }),
    { numRuns: 2_000 },
  );
  t.true(seen.inPlace > 1_000, JSON.stringify(seen));
  t.log(`${seen.inPlace} sets changed in place, ${seen.lost} packets would have been lost`);
});

interface State {
  readonly rules: Readonly<Record<Direction, readonly CompiledRule[]>>;
  readonly sets: IpSets;
}

/** Of each direction, the rules stay or change. */
const arbitraryChange = arbitraryFamily.chain((family) => {
  const rules = fc
    .array(arbitraryRule(family), { minLength: 1, maxLength: 2 })
    .map((all) => all.map(compileRule));
  const change = fc
    .tuple(rules, fc.option(rules, { freq: 1 }))
    .map(([old, next]) => [old, next ?? old] as const);
  return fc
    .tuple(arbitraryPacket(family), change, change, arbitrarySets, arbitrarySets)
    .map(([packet, ingress, egress, setsBefore, setsAfter]) => ({
      packet,
      before: { rules: { ingress: ingress[0], egress: egress[0] }, sets: setsBefore },
      after: { rules: { ingress: ingress[1], egress: egress[1] }, sets: setsAfter },
    }));
});

/** What the kernel holds after each member, and after the COMMIT. */
function* states(
  before: State,
  after: State,
  regenerated: ReadonlySet<IpSetId>,
  opening: ReadonlyMap<IpSetId, Half>,
): Generator<State> {
  const sets = new Map([...before.sets].map(([id, members]) => [id, new Set(members)]));
  let { rules } = before;
  const write = function* (isOpening: boolean): Generator<State> {
    for (const [id, half] of opening) {
      const { added, removed } = difference(before.sets.get(id), after.sets.get(id));
      for (const member of (half === 'added') === isOpening ? added : []) {
        sets.get(id)?.add(member);
        yield { rules, sets };
      }
      for (const member of (half === 'removed') === isOpening ? removed : []) {
        sets.get(id)?.delete(member);
        yield { rules, sets };
      }
    }
  };
  yield* write(false);
  rules = after.rules;
  for (const id of regenerated) sets.set(id, new Set(after.sets.get(id)));
  yield { rules, sets };
  yield* write(true);
}

function difference(before: ReadonlySet<Cidr> = new Set(), after: ReadonlySet<Cidr> = new Set()) {
  const added = [...after].filter((member) => !before.has(member));
  return { added, removed: [...before].filter((member) => !after.has(member)) };
}

function allows({ rules, sets }: State, packet: Packet): boolean {
  return DIRECTIONS.every((direction) => {
    const policy = { tier: 'default', name: 'p', rules: { ...NOTHING, [direction]: rules[direction] } };
    const chain = policyChain(direction, policy, { family: packet.family, marks: MARKS });
    const outcome = simulate([chain], chain.name, { ...packet, conntrack: 'NEW', mark: 0 }, sets);
    return outcome.verdict === 'return' && (outcome.mark & MARKS.accept) !== 0;
  });
}

const NOTHING = { ingress: [], egress: [] };

interface Probe {
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

/** Runs through commits of the churn; says which packets met what no commit says. */
async function mixedVerdicts(seed: number, count: number): Promise<readonly string[]> {
  const found: string[] = [];
  let check: (line: string) => void = () => {};
  const kernel = new RecordedKernel(FAMILY, (line) => check(line));
  const host = new Host(kernel);
  const commits = randomCommits(seed);
  await host.apply(FIRST_COMMIT);
  for (let number = 1; number <= count; number += 1) {
    const before = host.verdicts();
    const between: { readonly line: string; readonly verdicts: ReadonlyMap<Probe, string> }[] = [];
    check = (line) => between.push({ line, verdicts: host.verdicts() });
    await host.apply(commits.next().value);
    check = () => {};
    const after = host.verdicts();
    for (const { line, verdicts } of between)
      for (const [probe, verdict] of verdicts)
        if (verdict !== before.get(probe) && verdict !== after.get(probe))
          found.push(`commit ${number}, after ${line}: ${JSON.stringify(probe)} meets ${verdict}`);
  }
  return found;
}

/** An agent's way from manifests to the kernel, of one family. */
class Host {
  readonly #graph = createCalcGraph({ node: HOST, computeBgp: bgpModelFor });
  readonly #kernel: RecordedKernel;
  readonly #wishes = recordDesired([FAMILY]);
  readonly #managers = createManagers(this.#wishes);
  readonly #dataplane;
  #network: readonly Resource[] = [];
  /** Interfaces of the host's addresses. */
  readonly #interfaces = new Map<string, string>();
  readonly #probes: readonly Probe[] = [...LOCAL.map((from) => ({ from, others: [...LOCAL, ...REMOTE] }))]
    .concat(REMOTE.map((from) => ({ from, others: LOCAL })))
    .flatMap(({ from, others }) =>
      others.filter((to) => to !== from).flatMap((to) => PORTS.map((port) => ({ from, to, port }))),
    );

  constructor(kernel: RecordedKernel) {
    this.#kernel = kernel;
    const wishes = recordDesired([FAMILY]);
    this.#dataplane = createDataplane({
      packetFilters: [backends.iptables.open({ family: FAMILY, exec: kernel.exec, pause: async () => {} })],
      kernel: { ...wishes, drivers: NO_DRIVERS, policed: new PolicedState([FAMILY]) },
      now: () => 0,
    });
  }

  async apply(manifests: string): Promise<void> {
    const network = networkOf(manifests);
    const present = new Set(network.map(storedId));
    for (const old of this.#network)
      if (!present.has(storedId(old)))
        this.#graph.onUpdate({ id: storedId(old), kind: old.kind, resource: undefined });
    for (const resource of network)
      this.#graph.onUpdate({ id: storedId(resource), kind: resource.kind, resource });
    this.#network = network;
    const batch = this.#graph.flush();
    this.#expect(batch);
    await this.#dataplane.apply(batch);
  }

  verdicts(): ReadonlyMap<Probe, string> {
    const { chains, sets } = this.#kernel;
    const verdictOf = ({ from, to, port }: Probe) =>
      chains.length === 0
        ? 'none'
        : simulate(
            chains,
            CHAINS.forward,
            {
              family: FAMILY,
              protocol: 17,
              source: { address: address(from), port: 40_000 },
              destination: { address: address(to), port },
              inInterface: this.#interfaces.get(from) ?? 'eth0',
              outInterface: this.#interfaces.get(to) ?? 'eth0',
              conntrack: 'NEW',
              mark: 0,
            },
            sets,
          ).verdict;
    return new Map(this.#probes.map((probe) => [probe, verdictOf(probe)]));
  }

  #expect(batch: readonly DataplaneUpdate[]): void {
    for (const update of batch) this.#managers.onUpdate(update);
    this.#managers.completeDeferredWork();
    for (const update of batch)
      if (update.type === 'workload-endpoint-update')
        for (const own of update.endpoint.addresses) this.#interfaces.set(own, update.endpoint.interfaceName);
    const [wished] = this.#wishes.families;
    if (!wished) throw new Error('There is one family');
    const chains = [...wished.chains.values()].filter(({ table }) => table === 'filter');
    this.#kernel.expect(chains, wished.sets.keys());
  }
}

function networkOf(manifests: string): readonly Resource[] {
  const file = (path: string, text: string) => ({
    path,
    blobId: text,
    bytes: new TextEncoder().encode(text),
  });
  const { state } = loadManifests([file(CHURN_FILE, manifests), file('ground.yaml', CHURN_GROUND)]);
  return [...state.values()];
}
