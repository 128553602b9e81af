/**
 * A network of any size as the store holds it, for the rows that begin with one.
 *
 * A store is filled by a process of its own (fill-store.ts), so that the memory of whoever is measured is its own.
 */
import { execFile } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Datastore } from '../src/datastore/datastore.js';
import { createLayout } from '../src/layout/create-layout.js';
import type { KeyValue } from '../src/layout/layout.js';
import { addressFromBits } from '../src/model/address.js';
import type { Resource } from '../src/model/resource.js';
import { policy, resource, selector, workload } from '../test/helpers/build-resources.js';

export const NODE = 'host-0';
const LOCAL_ENDPOINTS = 100;
const HOSTS = 1_000;
const APPLICATIONS = 50;
const KEYS_PER_BATCH = 1_000;

export const layout = createLayout();

/** About one key for each endpoint; every policy lets one application into another. */
export function* network(endpoints: number): Iterable<Resource> {
  yield resource('Profile', 'open', {
    ingress: [],
    egress: [{ action: 'Allow' }],
    tags: [],
    labelsToApply: {},
  });
  for (let number = 0; number < APPLICATIONS; number += 1)
    yield policy(`p${number}`, {
      selector: selector(`app == 'a${number}'`),
      types: ['Ingress'],
      ingress: [
        { action: 'Allow', source: { selector: selector(`app == 'a${(number + 1) % APPLICATIONS}'`) } },
      ],
    });
  for (let number = 0; number < endpoints; number += 1) yield endpoint(number);
}

/** With another `generation` its application is another. The first hundred are on our host. */
export function endpoint(number: number, generation = 0): Resource {
  return workload(number.toString(16).padStart(8, '0'), {
    node: number < LOCAL_ENDPOINTS ? NODE : `host-${1 + (number % HOSTS)}`,
    addresses: [addressFromBits(BigInt(0x0a000000 + number), 4)],
    profiles: ['open'],
    labels: { app: `a${(number + generation) % (20 * APPLICATIONS)}`, zone: `z${number % 7}` },
  });
}

/** Puts a network into a store, and calls it ready. */
export async function fill(store: Datastore, endpoints: number): Promise<void> {
  let batch: KeyValue[] = [{ key: layout.keys.ready, value: 'true' }];
  const flush = async () => {
    const writes = batch.map(({ key, value }) => ({ write: { op: 'put', key, value } as const }));
    if (!(await store.transact({ guards: [], writes })).ok) throw new Error('The store took no keys');
    batch = [];
  };
  for (const object of network(endpoints)) {
    batch.push(...layout.encode(object, { pools: [] }));
    if (batch.length >= KEYS_PER_BATCH) await flush();
  }
  await flush();
}

export async function fillElsewhere(etcd: string, endpoints: number): Promise<void> {
  const program = fileURLToPath(new URL('fill-store.js', import.meta.url));
  await promisify(execFile)(execPath, [program, etcd, String(endpoints)]);
}
