/**
 * Law 1 in the kernel: however a network came about, in whatever order and batches, its chains and sets are the same.
 */

import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { createCalcGraph } from '../../src/agent/calc/calc-graph.js';
import { type BackendName, backends } from '../../src/agent/dataplane/backends/index.js';
import { createDataplane } from '../../src/agent/dataplane/dataplane.js';
import { recordDesired } from '../../src/agent/dataplane/desired-record.js';
import { PolicedState } from '../../src/agent/dataplane/flows/policed-state.js';
import { NO_DRIVERS } from '../../src/agent/dataplane/kernel-kinds.js';
import type { Update } from '../../src/agent/syncer/update.js';
import { exec } from '../../src/kernel/exec.js';
import { IP_FAMILIES } from '../../src/model/address.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { storedId } from '../helpers/build-resources.js';
import { requirePrivateNetns, run } from '../helpers/netns.js';
import { HOST_NAME, hostManifests, loadText } from '../helpers/random-host.js';
import { variantOf, wipe } from './dataplane-world.js';
import { plainSave } from './plain-save.js';

requirePrivateNetns();

/** Ways to one network, each by way of others or straight. */
const WAYS = 3;

for (const backend of ['iptables', 'iptables-legacy'] satisfies BackendName[])
  test.serial(
    `${backend}: every order and batching of the same updates ends in the same chains and sets`,
    async (t) => {
      const plan = fc.tuple(
        hostManifests,
        fc.array(hostManifests, { minLength: WAYS, maxLength: WAYS }),
        fc.infiniteStream(fc.nat(1_000)),
      );
      let rules = 0;
      await fc.assert(
        fc.asyncProperty(plan, async ([end, beginnings, random]) => {
          const straight = await kernelAfter(backend, [updatesTo(end)]);
          rules += straight.length;
          for (const beginning of beginnings) {
            const steps = [
              ...inBatches(updatesTo(beginning), random),
              ...inBatches(updatesTo(end, beginning), random),
            ];
            t.deepEqual(await kernelAfter(backend, steps), straight);
          }
        }),
        { numRuns: 2, endOnFailure: true },
      );
      t.true(rules > 0);
    },
  );

/** What leads from one network, or from none, to another. */
function updatesTo(manifests: string, before?: string): readonly Update[] {
  const wanted = [...loadText(manifests).state.values()];
  const ids = new Set(wanted.map(storedId));
  const gone = before === undefined ? [] : [...loadText(before).state.values()];
  return [
    ...gone
      .filter((resource) => !ids.has(storedId(resource)))
      .map((resource) => ({ id: storedId(resource), kind: resource.kind, resource: undefined })),
    ...wanted.map((resource) => ({ id: storedId(resource), kind: resource.kind, resource })),
  ];
}

/** Shuffled, and cut into pieces of one to four. */
function inBatches(updates: readonly Update[], random: Iterator<number>): Update[][] {
  const draw = (): number => Number(random.next().value);
  const shuffled = updates
    .map((update) => ({ update, key: draw() }))
    .sort((a, b) => a.key - b.key)
    .map(({ update }) => update);
  const batches: Update[][] = [];
  while (shuffled.length > 0) batches.push(shuffled.splice(0, 1 + (draw() % 4)));
  return batches;
}

/** The kernel's chains and sets, after a host that had none was told of one batch after the other. */
async function kernelAfter(
  backend: BackendName,
  batches: readonly (readonly Update[])[],
): Promise<readonly string[]> {
  const lockFile = `/run/heddle-orders-${process.pid}.lock`;
  try {
    const wishes = recordDesired(IP_FAMILIES);
    const dataplane = createDataplane({
      packetFilters: IP_FAMILIES.map((family) =>
        backends[backend].open({ family, exec, pause: (ms) => pause(ms), lockFile }),
      ),
      kernel: { ...wishes, drivers: NO_DRIVERS, policed: new PolicedState(IP_FAMILIES) },
      now: () => performance.now(),
    });
    const graph = createCalcGraph({ node: HOST_NAME, computeBgp: bgpModelFor });
    for (const batch of batches) {
      for (const update of batch) graph.onUpdate(update);
      const { failures } = await dataplane.apply(graph.flush());
      if (failures[0]) throw new Error(`${failures[0].object}: ${failures[0].message}`);
    }
    return await saved(backend);
  } finally {
    await wipe(variantOf(backend));
    await rm(lockFile, { force: true });
  }
}

/** The chains and sets of both families. */
async function saved(backend: BackendName): Promise<readonly string[]> {
  const texts = await Promise.all([
    ...['iptables', 'ip6tables'].map((tool) => run(`${tool}-${variantOf(backend)}-save`, [])),
    run('ipset', ['save']),
  ]);
  return texts.flatMap((text, index) => plainSave(text).map((line) => `${index} ${line}`));
}
