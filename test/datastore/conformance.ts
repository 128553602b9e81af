/**
 * What every Datastore must do. Run for the memory store and for a real etcd, so that what is tested above them
 * with the one is true with the other.
 */
import type { ExecutionContext, TestFn } from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import type { Revision } from '../../src/model/store.js';
import { LEASES } from './conformance/leases.js';
import { READS } from './conformance/reads.js';
import { TRANSACTIONS } from './conformance/transactions.js';
import { WATCHES } from './conformance/watches.js';

/** A store to test: shared with other tests unless `isolated`, so each test has a prefix of its own. */
export interface Subject {
  /** A new client. */
  open(): Datastore;
  compact(at: Revision): Promise<void>;
  /** Lets the lease of a client that was closed run out. */
  expireLeases(): Promise<void>;
  close(): Promise<void>;
}

export type SubjectFactory = (options: { readonly isolated: boolean }) => Promise<Subject>;

export interface Case {
  readonly title: string;
  /** Compacts the store, and so needs one of its own. */
  readonly isolated?: boolean;
  run(t: ExecutionContext, store: Datastore, prefix: string, subject: Subject): Promise<void>;
}

const CASES: readonly Case[] = [...READS, ...TRANSACTIONS, ...WATCHES, ...LEASES];

export function runConformance(test: TestFn, name: string, factory: SubjectFactory): void {
  for (const [index, { title, isolated = false, run }] of CASES.entries())
    test(`${name}: ${title}`, async (t) => {
      const subject = await factory({ isolated });
      const store = subject.open();
      t.teardown(async () => {
        await store.close();
        await subject.close();
      });
      await run(t, store, `/test-${index}/`, subject);
    });
}
