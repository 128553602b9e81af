/**
 * From `git push` to the moment at which three hosts say that the commit is in force: a whole lab of processes, each
 * host with a reconciler, an agent and a BIRD of its own, all on this machine.
 *
 * The yardstick is git alone: the same push, and a fetch by hand. What is between the two is the wait for the next
 * poll, the plan, etcd, and three kernels that are programmed and read back.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../src/kernel/exec.js';
import { runOrThrow } from '../src/kernel/namespaces.js';
import { exampleFolder, TestLab } from '../test/helpers/lab.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import type { Row } from './row.js';

export const pushToLive: Row = {
  name: 'push-to-live',
  work: 'push a commit of this many new policies, until three hosts say that it is live',
  sizes: [1, 10, 100],
  contenders: [
    {
      name: 'heddle',
      prepare: (size) => prepare(size, async (lab) => lab.live(await lab.push('policies'))),
    },
    {
      name: 'git push and fetch, alone',
      prepare: (size) =>
        prepare(size, async (lab) => {
          await lab.push('policies');
          await runOrThrow(exec, ['git', '-C', lab.state.workTree, 'fetch', '--force']);
        }),
    },
  ],
};

async function prepare(policies: number, work: (lab: TestLab) => Promise<void>) {
  await bringUpLoopback();
  const lab = await TestLab.start(exampleFolder('three-hosts'));
  await lab.live(await lab.head());
  const text = Array.from({ length: policies }, (_, number) => policy(number)).join('---\n');
  await writeFile(join(lab.state.workTree, 'policies.yaml'), text);
  return { work: () => work(lab), dispose: () => lab[Symbol.asyncDispose]() };
}

function policy(number: number): string {
  return `apiVersion: heddle/v1
kind: GlobalNetworkPolicy
metadata: {name: bench-${number}}
spec:
  order: ${1_000 + number}
  selector: all()
  ingress:
    - {action: Allow, protocol: TCP, source: {nets: [198.51.100.${number}/32]}, destination: {ports: [80]}}
    - {action: Pass}
`;
}
