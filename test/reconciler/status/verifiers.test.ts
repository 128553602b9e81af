/**
 * Reconcilers that do not lead say whether the store holds what they have read themselves: a table of
 * records, and loops on a store in memory.
 */
import test from 'ava';
import { createMemoryDatastore } from '../../../src/datastore/memory/memory-datastore.js';
import type { Head, VerifierRecord } from '../../../src/layout/records.js';
import type { Source } from '../../../src/loader/sources/source.js';
import { readClusterStatus } from '../../../src/reconciler/status/cluster-status.js';
import { noReconciler, verified } from '../../../src/reconciler/status/verifiers.js';
import { until } from '../../helpers/until.js';
import { FakeSource } from '../fake-source.js';
import { smallNetwork } from '../manifests.js';
import { LAYOUT, RunningReconciler } from '../run-helpers.js';

const head: Head = {
  seq: 2,
  commit: 'b',
  tree: 't',
  author: 'a',
  message: 'm',
  time: '2026-11-22T10:00:00Z',
};

const one = (node: string, commit: string, reason?: string): VerifierRecord => ({
  node,
  commit,
  since: '2026-11-22T10:00:00Z',
  ...(reason === undefined ? { agrees: true } : { agrees: false, reason, message: `${reason} here` }),
});

const table: Record<string, [readonly VerifierRecord[], string | undefined]> = {
  'nobody verifies': [[], undefined],
  'all agree': [[one('1', 'b'), one('2', 'b')], 'True Agree 2 of 2 verifiers agree'],
  'one is behind': [[one('1', 'b'), one('2', 'a')], 'Unknown Verifying 1 of 2 verifiers agree'],
  'objects differ': [
    [one('1', 'b'), one('2', 'b', 'StoreDiffers')],
    'False StoreDiffers 1 of 2 verifiers agree; 2: StoreDiffers here',
  ],
  'a tree differs, which comes first': [
    [one('1', 'b', 'StoreDiffers'), one('2', 'b', 'TreeMismatch')],
    'False TreeMismatch 0 of 2 verifiers agree; 1: StoreDiffers here; 2: TreeMismatch here',
  ],
};

for (const [name, [records, expected]] of Object.entries(table)) {
  test(`verified(): ${name}`, (t) => {
    const [condition] = verified(records, head);
    const said = condition && `${condition.status} ${condition.reason} ${condition.message}`;
    t.is(said, expected);
  });
}

test('noReconciler() says since when nobody speaks for the source', (t) => {
  t.regex(noReconciler(head).message, /no reconciler leads; the last commit was applied 2026-11-22/);
});

/** The same commit, read from another folder of the repository. */
function elsewhere(source: FakeSource): Source {
  return {
    description: 'elsewhere',
    latest: () => source.latest(),
    async read(signal, commit) {
      const { files, version } = await source.read(signal, commit);
      return { files, version: { ...version, tree: 'another tree' } };
    },
  };
}

test('runReconciler(): who verifies says so, who has another tree says that, and who has gone says nothing', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  const status = async () => {
    const [report] = (await readClusterStatus(store, LAYOUT)).sources;
    return report?.conditions.find(({ type }) => type === 'Verified');
  };
  await using leader = new RunningReconciler(source, store);
  await leader.live(commit);
  {
    const never = { lead: 'never', node: 'host-2' } as const;
    await using verifier = new RunningReconciler(source, store.connect(), never);
    await verifier.live(commit);
    await until(async () => (await status())?.message === '2 of 2 verifiers agree', {
      what: 'both to agree',
    });
    await using _strange = new RunningReconciler(elsewhere(source), store.connect(), {
      ...never,
      node: 'host-3',
    });
    await until(async () => (await status())?.reason === 'TreeMismatch', { what: 'the mismatch' });
    t.regex(
      (await status())?.message ?? '',
      /^2 of 3 verifiers agree; host-3: commit .* has tree another tree/,
    );
  }
  await until(async () => (await status())?.message === '1 of 1 verifiers agree', {
    what: 'the others to go',
  });
  const next = source.commit(smallNetwork('Deny'));
  await leader.live(next);
  await until(async () => (await status())?.status === 'True', { what: 'the next commit to be verified' });
});

test('runReconciler(): a change that nobody repairs is said by who verifies', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  {
    await using leader = new RunningReconciler(source, store);
    await leader.live(commit);
  }
  await using verifier = new RunningReconciler(source, store, { lead: 'never' });
  await verifier.live(commit);
  const key = [...(await store.snapshot('/calico/v1/policy/profile/web/')).entries.keys()][0];
  if (key === undefined) throw new Error('the profile has no key');
  await store.transact({ guards: [], writes: [{ write: { op: 'put', key, value: '{}' } }] });
  await until(() => verifier.state.agreement?.agrees === false, { what: 'the difference' });
  t.like(verifier.state.agreement, { reason: 'StoreDiffers', commit });
  const [report] = (await readClusterStatus(store, LAYOUT)).sources;
  t.is(report?.conditions[0]?.reason, 'NoReconciler');
});
