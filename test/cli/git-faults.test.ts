/**
 * Repositories that are broken by hand, behind a web server that breaks as well: what is wrong has a name in
 * `heddle status`, and the last good commit stays live, and is repaired.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { readClusterStatus } from '../../src/reconciler/status/cluster-status.js';
import { startEtcd } from '../helpers/etcd.js';
import { heddle, startHeddle } from '../helpers/heddle.js';
import { until } from '../helpers/until.js';
import { gitBackend, serve } from '../loader/sources/git-http-server.js';
import { makeRepository, type Repository, temporaryFolder } from '../loader/sources/repository.js';

const LAYOUT = createLayout();
const TIER_KEY = '/calico/v1/policy/tier/a/';

const tier = (order: number) =>
  `apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: a}\nspec: {order: ${order}}\n`;

/** What a server can do to an answer that holds a pack. */
type Damage = (answer: Buffer, response: ServerResponse, send: (answer: Buffer) => void) => void;

/** git's own server, until it is told to be a bad one. */
function moodyServer(folder: string) {
  const backend = gitBackend(folder);
  let mood: RequestListener = backend;
  return {
    listener: ((request, response) => mood(request, response)) satisfies RequestListener,
    answers(other: RequestListener) {
      mood = other;
    },
    damages(damage: Damage) {
      mood = (request, response) => {
        if (request.method === 'POST' && request.url?.endsWith('git-upload-pack')) spoil(response, damage);
        backend(request, response);
      };
    },
    behaves() {
      mood = backend;
    },
  };
}

/** Lists of refs go through; packs do not. */
function spoil(response: ServerResponse, damage: Damage): void {
  const end = response.end.bind(response);
  response.end = ((answer: Buffer) => {
    if (answer.includes('PACK')) damage(answer, response, end);
    else end(answer);
    return response;
  }) as typeof response.end;
}

interface Fault {
  readonly breaks: (repository: Repository, server: ReturnType<typeof moodyServer>) => void;
  readonly mends: (repository: Repository, server: ReturnType<typeof moodyServer>) => void;
  readonly reason: string;
  /** The next commit is pushed before the fault, and cannot be fetched. */
  readonly pushes?: true;
}

const behave: Fault['mends'] = (_, server) => server.behaves();

const faults: Record<string, Fault> = {
  'a server that is away': {
    breaks: (_, server) => server.answers((request) => request.socket.destroy()),
    mends: behave,
    reason: 'RepositoryAway',
  },
  'a server that refuses us': {
    breaks: (_, server) => server.answers((_request, response) => response.writeHead(401).end()),
    mends: behave,
    reason: 'AuthFailed',
  },
  'a repository that has moved away': {
    breaks: ({ bare }) => renameSync(bare, `${bare}.away`),
    mends: ({ bare }) => renameSync(`${bare}.away`, bare),
    reason: 'RepositoryNotFound',
  },
  'a repository that is empty now': {
    breaks: ({ bare }) => {
      renameSync(bare, `${bare}.away`);
      execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
    },
    mends: ({ bare }) => {
      rmSync(bare, { recursive: true });
      renameSync(`${bare}.away`, bare);
    },
    reason: 'EmptyRepository',
  },
  'a branch that is deleted': {
    breaks: (repository) => {
      repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/other');
      repository.git('--git-dir', repository.bare, 'update-ref', '-d', 'refs/heads/main');
    },
    mends: (repository) => void repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main'),
    reason: 'BranchGone',
  },
  'a pack with other bytes': {
    breaks: (_, server) =>
      server.damages((answer, _response, send) => {
        const bad = Buffer.from(answer);
        // Behind the header of the first object; the flush packet at the end stays.
        const at = bad.indexOf('PACK') + 14;
        bad.fill(0x5a, at, Math.min(at + 24, bad.length - 4));
        send(bad);
      }),
    mends: behave,
    reason: 'FetchCorrupt',
    pushes: true,
  },
  'a fetch that is torn': {
    breaks: (_, server) =>
      server.damages((answer, response) => {
        response.setHeader('content-length', answer.length);
        response.write(answer.subarray(0, answer.length >> 1), () => response.socket?.destroy());
      }),
    mends: behave,
    reason: 'RepositoryAway',
    pushes: true,
  },
};

test('status names each fault of a repository, and the last good commit stays live', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore(etcd.options);
  const repository = makeRepository(t);
  const server = moodyServer(dirname(repository.bare));
  const { origin } = await serve(t, server.listener);
  let live = repository.push({ 'a.yaml': tier(1) }, 'first');
  let order = 1;
  const ready = async () => {
    const [source] = (await readClusterStatus(store, LAYOUT)).sources;
    return {
      commit: source?.commit,
      condition: source?.conditions.find(({ type }) => type === 'SourceReady'),
    };
  };
  const reaches = (what: string, reason: string, commit: string) =>
    until(
      async () => {
        const { condition, commit: held } = await ready();
        return condition?.reason === reason && held === commit;
      },
      { what: `${what}: ${reason} at ${commit}`, timeoutMs: 60_000 },
    );
  await using _loop = startHeddle([
    ...['reconcile', '--interval', '150ms', '--repo', `${origin}/net.git`, '--etcd', etcd.endpoint],
    ...['--cache-dir', temporaryFolder(t)],
  ]);
  await reaches('the beginning', 'Read', live);

  for (const [what, { breaks, mends, reason, pushes }] of Object.entries(faults)) {
    const pushed = pushes && repository.push({ 'a.yaml': tier(order + 1) }, what);
    breaks(repository, server);
    await reaches(what, reason, live);
    await repairs(t, store, order, what);
    mends(repository, server);
    if (pushed !== undefined) [live, order] = [pushed, order + 1];
    await reaches(`${what}, mended`, 'Read', live);
  }

  const before = live;
  repository.git('commit', '--quiet', '--amend', '--message', 'the same, rewritten');
  repository.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main');
  live = repository.git('rev-parse', 'HEAD');
  await reaches('a force push', 'HistoryRewritten', live);
  const { stdout } = await heddle(['status', '--etcd', etcd.endpoint]);
  t.true(
    stdout.includes(`SourceReady=True HistoryRewritten: commit ${live} does not descend from ${before}`),
    stdout,
  );
  await reaches('the next commit', 'Read', repository.push({ 'a.yaml': tier(50) }, 'next'));
});

/** Somebody else changes what is live. */
async function repairs(
  t: ExecutionContext,
  store: ReturnType<typeof openEtcdDatastore>,
  order: number,
  what: string,
): Promise<void> {
  const value = async () => [...(await store.snapshot(TIER_KEY)).entries][0];
  const [key] = (await value()) ?? [];
  if (key === undefined) throw new Error('the tier has no key');
  await store.transact({ guards: [], writes: [{ write: { op: 'put', key, value: '{"order":9999}' } }] });
  await until(async () => JSON.parse((await value())?.[1].value ?? '{}').order === order, {
    what: `${what}: drift to be repaired`,
  });
  t.pass();
}
