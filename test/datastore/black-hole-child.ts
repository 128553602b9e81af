/**
 * Runs in a network namespace of its own: between a reader and its etcd, packets are dropped both ways, and the
 * connections stay open on both sides. The reader has the tuning of an agent; the writer goes another way.
 * Prints what was broken, as JSON. Fails when the reader has not noticed in time.
 */
import { stdout } from 'node:process';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { startEtcd } from '../helpers/etcd.js';
import { bringUpLoopback, run } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { brokenGuarantees } from '../helpers/watch-guarantees.js';
import { LoggingWriter, StoreHistory, WatchRecorder } from '../helpers/watch-recorder.js';
import { BreakableLink } from './breakable-link.js';
import { key, put, write } from './helpers.js';

/** 30 s of silence until a ping, 10 s until it counts as lost; the rest is for a slow machine. */
const NOTICED_MS = 60_000;

await bringUpLoopback();
await using etcd = await startEtcd();
const link = await BreakableLink.to(etcd.endpoint);
await using reader = openEtcdDatastore({ endpoints: [link.endpoint] });
await using other = openEtcdDatastore(etcd.options);
const history = new StoreHistory(other, '/w/', (await other.get(key('/w/'))).revision);
await using recorder = new WatchRecorder(reader, '/w/');
await using writer = new LoggingWriter(other, {
  paceMs: 100,
  writes: (round) => [{ op: 'put', key: key(`/w/${round % 5}`), value: String(round) }],
});
await until(() => recorder.count('events') > 3, { what: 'the reader to hear' });

const { port } = new URL(link.endpoint);
const ways = ['--dport', '--sport'].map((way) => ['OUTPUT', '-p', 'tcp', way, port, '-j', 'DROP']);
for (const way of ways) await run('iptables', ['-A', ...way]);
const heard = await settled();
await until(() => recorder.count('interrupted') > 0, { what: 'the reader to notice', timeoutMs: NOTICED_MS });
for (const way of ways) await run('iptables', ['-D', ...way]);

await writer[Symbol.asyncDispose]();
const missed = recorder.count('events') === heard ? writer.acknowledged.length - heard : 0;
const last = await write(other, put('/w/end', ''));
await recorder.reaches(last, 60_000);
await history.readTo(last);
const broken = recorder.records(history, writer).flatMap(brokenGuarantees);
await link.close();
stdout.write(JSON.stringify({ broken, revisions: history.revisions.size, missed }));

/** How much the reader has heard once nothing more comes of what was on its way to it. */
async function settled(): Promise<number> {
  for (;;) {
    const count = recorder.count('events');
    await writer.writes(5);
    if (recorder.count('events') === count) return count;
  }
}
