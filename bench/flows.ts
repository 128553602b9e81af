/**
 * Judging flows again: one of 1,000 endpoints on a host loses an allow, and with it half of its flows. The yardstick
 * is conntrack(8), which is told what to delete and judges nothing.
 *
 * Runs in a network namespace of its own, over a table with `size` flows.
 */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { FlowTable } from '../src/agent/dataplane/drivers/flow-table.js';
import { PolicedState } from '../src/agent/dataplane/flows/policed-state.js';
import { NETLINK_NETFILTER } from '../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../src/kernel/open-conntrack.js';
import { type Address, addressFromBits } from '../src/model/address.js';
import { endpoint, ports, profile, rule, withProfiles } from '../test/agent/dataplane/batch.js';
import { requirePrivateNetns, run } from '../test/helpers/netns.js';

const ENDPOINTS = 1_000;
const [FIRST_ENDPOINT, FIRST_CLIENT] = [0x0a000000n, 0xc0000000n];
const [HTTP, HTTPS] = [80, 443];

export const flows = {
  name: 'flows',
  work: 'look at one flow of the host, when an endpoint lost an allow',
  sizes: [10_000, 100_000],
  contenders: [heddle(), conntrack()],
};

function heddle() {
  return {
    name: 'heddle',
    async prepare(size: number) {
      await fillTable(size);
      const kernel = openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
      const policed = new PolicedState([4]);
      const table = new FlowTable({ conntrack: kernel, policed, hostAddresses: () => new Set() });
      for (let number = 0; number < ENDPOINTS; number += 1) {
        policed.onUpdate(profileOf(number, HTTP, HTTPS));
        policed.onUpdate(
          endpoint(`w${number}`, `cali${number}`, {
            addresses: [addressOf(number)],
            ingress: withProfiles(`p${number}`),
          }),
        );
      }
      policed.completeDeferredWork();
      policed.acquit(policed.suspects);
      return {
        async work() {
          policed.onUpdate(profileOf(0, HTTP));
          policed.completeDeferredWork();
          const { changed, failures } = await table.applyDeletions();
          if (changed !== size / ENDPOINTS / 2 || failures.length > 0)
            throw new Error(`${changed} flows deleted, ${failures.length} failures`);
        },
        dispose: () => kernel.close(),
      };
    },
  };
}

function conntrack() {
  return {
    name: 'conntrack -D',
    async prepare(size: number) {
      await fillTable(size);
      const filter = ['-p', 'tcp', '-d', addressOf(0), '--dport', String(HTTPS)];
      return {
        async work() {
          await run('conntrack', ['-D', ...filter]);
        },
      };
    },
  };
}

/** Each endpoint has the same number of flows, half of them to either port. */
async function fillTable(size: number): Promise<void> {
  requirePrivateNetns();
  await run('conntrack', ['-F']);
  const lines = Array.from({ length: size }, (_, number) => {
    const client = addressFromBits(FIRST_CLIENT + BigInt(number), 4);
    const port = Math.floor(number / ENDPOINTS) % 2 === 0 ? HTTP : HTTPS;
    const ends = `-s ${client} -d ${addressOf(number % ENDPOINTS)} --sport 40000 --dport ${port}`;
    return `-I -p tcp ${ends} --state ESTABLISHED -u SEEN_REPLY -t 3600`;
  });
  const file = join(tmpdir(), `heddle-bench-flows-${pid}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  try {
    await run('conntrack', ['-R', file]);
  } finally {
    await rm(file);
  }
}

function profileOf(number: number, ...open: readonly number[]) {
  return profile(`p${number}`, {
    ingress: open.map((port) => rule('Allow', { protocol: 6, destination: { ports: ports(port) } })),
  });
}

function addressOf(number: number): Address {
  return addressFromBits(FIRST_ENDPOINT + BigInt(number), 4);
}
