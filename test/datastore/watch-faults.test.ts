/**
 * The nine guarantees of a watch (test/helpers/watch-guarantees.ts) while everything happens to etcd that can.
 *
 * A writer writes all the time, a reader follows, and in the end the store is asked what happened. Scenarios run
 * beside each other, because each spends most of its time waiting.
 */
import { execFile } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import type { Revision, WriteOp } from '../../src/model/store.js';
import { leaderOf, startEtcdCluster } from '../helpers/etcd.js';
import { until } from '../helpers/until.js';
import { brokenGuarantees } from '../helpers/watch-guarantees.js';
import { LoggingWriter, StoreHistory, WatchRecorder } from '../helpers/watch-recorder.js';
import { key, put, writeEventually } from './helpers.js';
import { type Scene, type SceneOptions, withEtcd } from './scene.js';

const PREFIX = '/w/';
const PROGRESS = ['--experimental-watch-progress-notify-interval', '100ms'];
const PACE_MS = 4;

/** Updates, deletions, creations, revisions of many keys, and some below another prefix. */
function mixedWrites(round: number): readonly WriteOp[] {
  const value = String(round);
  const elsewhere: WriteOp = { op: 'put', key: key('/elsewhere'), value };
  if (round % 10 === 9) return [elsewhere];
  const many = round % 50 === 0 ? Array.from({ length: 200 }, (_, index) => key(`/w/many/${index}`)) : [];
  const going = key(`/w/short-lived/${round % 3}`);
  return [
    { op: 'put', key: key(`/w/${round % 5}`), value },
    { op: 'put', key: key('/w/last'), value },
    round % 2 === 0 ? { op: 'put', key: going, value } : { op: 'delete', key: going },
    ...many.map((name): WriteOp => ({ op: 'put', key: name, value })),
    elsewhere,
  ];
}

interface Watched extends Scene {
  readonly recorder: WatchRecorder;
  readonly writer: LoggingWriter;
  readonly history: StoreHistory;
  /** Breaks the link, and waits until the reader knows. */
  breakLink(): Promise<void>;
}

/** A reader behind the link and a writer beside it, with an etcd of their own. */
function watched(
  options: SceneOptions & {
    readonly writes?: (round: number) => readonly WriteOp[];
    readonly paceMs?: number;
  },
  run: (t: ExecutionContext, scene: Watched) => Promise<void>,
) {
  return withEtcd({ ...options, flags: [...PROGRESS, ...(options.flags ?? [])] }, async (t, scene) => {
    const { store, other, link } = scene;
    const { revision: first } = await other.get(key(PREFIX));
    const recorder = new WatchRecorder(store, PREFIX);
    const { writes = mixedWrites, paceMs = PACE_MS } = options;
    const writer = new LoggingWriter(other, { writes, paceMs });
    const history = new StoreHistory(other, PREFIX, first);
    const breakLink = async (): Promise<void> => {
      const before = recorder.count('interrupted');
      link.break();
      await until(() => recorder.count('interrupted') > before, { what: 'the reader to notice' });
    };
    t.teardown(() => Promise.all([recorder[Symbol.asyncDispose](), writer[Symbol.asyncDispose]()]));
    await writer.writes(20);
    await run(t, { ...scene, recorder, writer, history, breakLink });
  });
}

/** Ends the writing, waits until the reader has heard it all, and checks every record of this store. */
async function check(
  t: ExecutionContext,
  scene: Omit<Watched, keyof Scene | 'breakLink'> & { readonly other: Datastore },
  fromEra = 0,
) {
  const { other, recorder, writer, history } = scene;
  await writer[Symbol.asyncDispose]();
  const last = await writeEventually(other, put(`${PREFIX}end`, ''));
  await recorder.reaches(last);
  await history.readTo(last);
  checkEras(t, scene, fromEra, recorder.eras.length);
}

function checkEras(
  t: ExecutionContext,
  { recorder, writer, history }: Pick<Watched, 'recorder' | 'writer' | 'history'>,
  from: number,
  to: number,
) {
  const records = recorder.records(history, writer, from, to);
  t.deepEqual(records.flatMap(brokenGuarantees).slice(0, 9), []);
  t.true(history.revisions.size > 20, `${history.revisions.size} revisions`);
}

test(
  'kill -9 in a loop: before the backlog, in the middle of it, and after',
  watched({}, async (t, scene) => {
    const { etcd, recorder, writer } = scene;
    for (let round = 0; round < 8; round += 1) {
      const resumed = recorder.count('resumed');
      await etcd.kill();
      await etcd.start();
      await until(() => recorder.count('resumed') > resumed, { what: 'the reader to be back' });
      await writer.writes(round % 2 === 0 ? 1 : 40);
    }
    await check(t, scene);
    t.is(recorder.eras.length, 1);
    t.true(recorder.count('interrupted') >= 8);
  }),
);

const NERVOUS = { callTimeoutMs: 500, keepaliveMs: 300, keepaliveTimeoutMs: 300 };

test(
  'SIGSTOP, until the reader gives up on the connection',
  watched({ tuning: NERVOUS, flags: ['--grpc-keepalive-min-time', '10ms'] }, async (t, scene) => {
    const { etcd, recorder, writer } = scene;
    for (let round = 0; round < 4; round += 1) {
      const [interrupted, resumed] = [recorder.count('interrupted'), recorder.count('resumed')];
      etcd.freeze();
      await until(() => recorder.count('interrupted') > interrupted, { what: 'the reader to notice' });
      etcd.thaw();
      await until(() => recorder.count('resumed') > resumed, { what: 'the reader to be back' });
      await writer.writes(20);
    }
    await check(t, scene);
    t.is(recorder.eras.length, 1);
  }),
);

test(
  'compaction under the reader, and while it is away',
  watched({}, async (t, scene) => {
    const { etcd, other, link, recorder, writer, history, breakLink } = scene;
    for (let round = 1; round <= 3; round += 1) {
      const era = recorder.eras.length;
      await until(() => recorder.eras.at(-1)?.heard.some(({ type }) => type === 'events'));
      await recorder.reaches(await compact());
      t.is(recorder.eras.length, era, 'who is there need not begin anew');
      await breakLink();
      await writer.writes(20);
      await compact();
      link.mend();
      await until(() => recorder.eras.length > era, { what: 'the reader to begin anew' });
      t.regex(recorder.eras.at(-1)?.reason ?? '', /etcd was compacted at/);
    }
    await check(t, scene);
    async function compact(): Promise<Revision> {
      const { revision: now } = await other.get(key(PREFIX));
      await history.readTo(now);
      await etcd.ctl('compaction', String(now));
      return now;
    }
  }),
);

for (const [title, token] of [
  ['an earlier backup of the same cluster, which has gone further since', undefined],
  ['an earlier backup as another cluster', 'another'],
] as const)
  test(
    `restored from ${title}: a gap, and the new history from its beginning`,
    watched({}, async (t, scene) => {
      const { etcd, other, link, recorder, writer, history, breakLink } = scene;
      const file = await etcd.backup();
      const { revision: saved } = await other.get(key(PREFIX));
      await writer.writes(60);
      await writer[Symbol.asyncDispose]();
      const lost = await writeEventually(other, put(`${PREFIX}lost`, ''));
      await recorder.reaches(lost);
      await history.readTo(lost);
      await breakLink();
      await etcd.kill();
      await etcd.restore(file, token);
      await etcd.start();
      const again = new StoreHistory(other, PREFIX, saved);
      await using rewriter = new LoggingWriter(other, { writes: mixedWrites, paceMs: PACE_MS });
      await until(async () => token !== undefined || (await other.get(key(PREFIX))).revision > lost + 10);
      link.mend();
      await until(() => recorder.eras.length === 2, { what: 'the reader to begin anew' });
      t.regex(recorder.eras[1]?.reason ?? '', /^another store answers/);
      await rewriter.writes(30);
      checkEras(t, scene, 0, 1);
      await check(t, { other, recorder, writer: rewriter, history: again }, 1);
    }),
  );

const LARGE = 'x'.repeat(300_000);

test(
  'a backlog of 12 MB, and etcd is killed while it is read',
  watched(
    {
      paceMs: 20,
      writes: (round) => [0, 1].map((n) => ({ op: 'put', key: key(`/w/${n}`), value: `${round} ${LARGE}` })),
    },
    async (t, scene) => {
      const { etcd, link, recorder, writer, breakLink } = scene;
      await breakLink();
      await writer.writes(20);
      for (let round = 0; round < 4; round += 1) {
        const [resumed, at] = [recorder.count('resumed'), recorder.revision];
        link.mend();
        await until(() => recorder.count('resumed') > resumed, { what: 'the reader to be back' });
        if (round % 2 === 1) await until(() => recorder.revision > at + 2, { what: 'the backlog to begin' });
        await etcd.kill();
        await etcd.start();
      }
      await check(t, scene);
      t.is(recorder.eras.length, 1);
    },
  ),
);

test('three members whose leader is killed in a loop', async (t) => {
  const members = await startEtcdCluster(3, {
    flags: [...PROGRESS, '--heartbeat-interval', '20', '--election-timeout', '200'],
  });
  const endpoints = members.map(({ endpoint }) => endpoint);
  // A proposal that dies with its leader is never answered.
  const options = { endpoints, tuning: { callTimeoutMs: 1_000 } };
  const [store, other] = [openEtcdDatastore(options), openEtcdDatastore(options)];
  t.teardown(() => Promise.all([store.close(), other.close(), ...members.map((member) => member.close())]));
  const first = await writeEventually(other, put('/elsewhere', ''));
  await using recorder = new WatchRecorder(store, PREFIX);
  await using writer = new LoggingWriter(other, { writes: mixedWrites, paceMs: PACE_MS });
  const history = new StoreHistory(other, PREFIX, first);
  for (let round = 0; round < 8; round += 1) {
    await writer.writes(20);
    const leader = await leaderOf(members);
    await leader.kill();
    await writer.writes(5);
    await leader.start();
  }
  await check(t, { other, recorder, writer, history });
  t.is(recorder.eras.length, 1);
});

test('a black hole is noticed by keepalive with its default times, within 40 s, and nothing is lost in it', async (t) => {
  const child = fileURLToPath(new URL('black-hole-child.js', import.meta.url));
  const { stdout } = await promisify(execFile)('unshare', ['--net', execPath, child]);
  const { broken, revisions, missed } = JSON.parse(stdout);
  t.deepEqual(broken, []);
  t.true(missed > 20 && revisions > missed, `${missed} of ${revisions}`);
});
