/** When the monitor has the drivers read back. */
import test from 'ava';
import { monitorInterfaces } from '../../../../src/agent/dataplane/drivers/interface-monitor.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { until } from '../../../helpers/until.js';

const NEVER_MS = 3_600_000;

function start(rtnetlink: FakeRtNetlink, intervals: { resyncMs?: number; pollMs?: number } = {}) {
  const stop = new AbortController();
  const counts = { resyncs: 0, changes: 0 };
  const ended = monitorInterfaces({
    rtnetlink,
    interfacePrefix: 'cali',
    drivers: [{ queueResync: () => (counts.resyncs += 1) }],
    onChange: () => (counts.changes += 1),
    resyncMs: NEVER_MS,
    pollMs: NEVER_MS,
    ...intervals,
    signal: stop.signal,
  });
  return {
    counts,
    ended,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

test('monitorInterfaces() asks for a read-back when a workload interface comes, changes or goes', async (t) => {
  const rtnetlink = new FakeRtNetlink();
  const monitor = start(rtnetlink);
  const after = async (step: () => void, expected: number) => {
    step();
    await until(() => monitor.counts.resyncs === expected, { what: `${expected} resyncs` });
  };
  await after(() => rtnetlink.addLink('cali1'), 1);
  await after(() => rtnetlink.setUp('cali1', false), 2);
  await after(() => rtnetlink.setUp('cali1', true), 3);
  await after(() => rtnetlink.removeLink('cali1'), 4);
  await after(() => rtnetlink.emit({ type: 'overrun' }), 5);
  t.is(monitor.counts.changes, 5);
  await monitor.stop();
});

test('monitorInterfaces() ignores interfaces of others, and events that change nothing', async (t) => {
  const rtnetlink = new FakeRtNetlink();
  const monitor = start(rtnetlink);
  rtnetlink.addLink('eth0');
  const link = rtnetlink.addLink('cali1');
  rtnetlink.emit({ type: 'link', link: { ...link, running: false }, gone: false });
  rtnetlink.setUp('eth0', false);
  rtnetlink.removeLink('eth0');
  rtnetlink.removeLink('cali1');
  await until(() => monitor.counts.resyncs === 2, { what: 'cali1 to go' });
  await monitor.stop();
  t.is(monitor.counts.resyncs, 2);
});

test('monitorInterfaces() notices an interface that is renamed away', async (t) => {
  const rtnetlink = new FakeRtNetlink();
  const monitor = start(rtnetlink);
  const link = rtnetlink.addLink('cali1');
  rtnetlink.emit({ type: 'link', link: { ...link, name: 'eth1' }, gone: false });
  await until(() => monitor.counts.resyncs === 2, { what: 'the rename' });
  await monitor.stop();
  t.pass();
});

test('monitorInterfaces() lists the interfaces where there are no events', async (t) => {
  const rtnetlink = new FakeRtNetlink({ events: false });
  rtnetlink.addLink('cali1');
  const monitor = start(rtnetlink, { pollMs: 1 });
  rtnetlink.addLink('eth0');
  // The first listing is the one to compare with.
  await until(() => rtnetlink.listed >= 1);
  rtnetlink.removeLink('cali1');
  await until(() => monitor.counts.resyncs === 1, { what: 'cali1 to go' });
  rtnetlink.addLink('cali1');
  await until(() => monitor.counts.resyncs === 2, { what: 'cali1 to come back' });
  await monitor.stop();
  t.is(monitor.counts.changes, 2);
});

test('monitorInterfaces() asks for a read-back on a timer, whatever happens', async (t) => {
  const monitor = start(new FakeRtNetlink(), { resyncMs: 1 });
  await until(() => monitor.counts.resyncs >= 3, { what: 'three resyncs' });
  await monitor.stop();
  t.true(monitor.counts.changes >= 3);
});

test('monitorInterfaces() throws when the kernel cannot be watched any more', async (t) => {
  const rtnetlink = new FakeRtNetlink({ events: false });
  rtnetlink.failNext('links');
  await t.throwsAsync(start(rtnetlink, { pollMs: 1 }).ended, { code: 'EPERM' });
});
