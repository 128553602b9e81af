/** What the dataplane of a host is made of, beyond its parts: the watch over interfaces, and what becomes of it. */
import test from 'ava';
import { DEFAULT_AGENT_SETTINGS } from '../../src/agent/calc/agent-settings.js';
import { openDataplane } from '../../src/agent/open-dataplane.js';
import type { Nftables, NftablesEvent } from '../../src/kernel/open-nftables.js';
import { FakeConntrack } from '../helpers/fake-conntrack.js';
import { FakeRtNetlink } from '../helpers/fake-rtnetlink.js';
import { address, endpoint } from './dataplane/batch.js';
import { toyBackend } from './dataplane/toy-backend.js';
import { ManualClock } from './status/manual-clock.js';

function open({
  nftables,
  announcesChanges = true,
}: {
  nftables?: Pick<Nftables, 'events'>;
  announcesChanges?: boolean;
} = {}) {
  const stop = new AbortController();
  const clock = new ManualClock();
  const rtnetlink = new FakeRtNetlink();
  const requests = { repairs: 0, resyncs: 0 };
  const logged: string[] = [];
  const log = (message: string) => logged.push(message);
  const applies: number[] = [];
  const sysctls = new Map<string, string>();
  const dataplane = openDataplane({
    settings: DEFAULT_AGENT_SETTINGS,
    backend: { ...toyBackend(() => undefined), announcesChanges },
    kernel: {
      rtnetlink,
      procSys: {
        read: async (path) => sysctls.get(path) ?? '1',
        write: async (path, value) => void sysctls.set(path, value),
      },
      conntrack: new FakeConntrack(),
      hostAddresses: () => new Set(),
      exec: async () => ({ code: 0, stdout: '', stderr: '' }),
      ...(nftables && { nftables }),
    },
    inbox: {
      requestRepair: () => (requests.repairs += 1),
      requestResync: () => (requests.resyncs += 1),
    },
    clock,
    log: { debug: log, info: log, warn: log, error: log },
    onApply: (_seconds, failures) => applies.push(failures),
    signal: stop.signal,
  });
  return { dataplane, clock, rtnetlink, requests, logged, applies, stop: () => stop.abort() };
}

test('openDataplane() has a workload interface that comes looked at', async (t) => {
  const { rtnetlink, clock, requests, stop } = open();
  rtnetlink.addLink('cali1');
  await clock.advance(0);
  t.deepEqual(requests, { repairs: 1, resyncs: 0 });
  stop();
});

test('openDataplane() says in the log what waits for an interface, until it is there', async (t) => {
  const { dataplane, rtnetlink, logged, stop } = open();
  const { failures, waiting } = await dataplane.apply([
    endpoint('w1', 'cali1', { addresses: [address('10.65.0.1')] }),
  ]);
  t.deepEqual(failures, []);
  t.deepEqual(waiting.map(({ object }) => object).sort(), [
    'neighbor 10.65.0.1 dev cali1',
    'route 10.65.0.1/32 dev cali1',
  ]);
  t.deepEqual(logged, ['objects wait for their interfaces']);
  rtnetlink.addLink('cali1');
  t.deepEqual((await dataplane.apply([])).waiting, []);
  t.is(logged.length, 1);
  stop();
});

test('openDataplane() has everything read back when somebody else changed the packet filter', async (t) => {
  const { clock, requests, stop } = open({ nftables: { events: changeOfOthers } });
  await clock.advance(0);
  t.deepEqual(requests, { repairs: 0, resyncs: 1 });
  stop();
});

test('openDataplane() hears of no change where the packet filter announces none', async (t) => {
  const { clock, requests, stop } = open({
    nftables: { events: changeOfOthers },
    announcesChanges: false,
  });
  await clock.advance(0);
  t.deepEqual(requests, { repairs: 0, resyncs: 0 });
  stop();
});

async function* changeOfOthers(): AsyncGenerator<NftablesEvent> {
  yield { type: 'change', pid: 4711 };
}

test('openDataplane() counts a broken watch over interfaces as a failure until it is mended', async (t) => {
  const { dataplane, rtnetlink, clock, requests, logged, applies, stop } = open();
  t.deepEqual((await dataplane.apply([])).failures, []);
  rtnetlink.breakEvents(new Error('broken'));
  await clock.advance(0);
  t.deepEqual(logged, ['interfaces are not watched']);
  t.is(requests.repairs, 1, 'the agent is to look, and finds the failure');
  t.deepEqual((await dataplane.apply([])).failures, [
    { object: 'interfaces', message: 'not watched, will be tried again: broken' },
  ]);
  await clock.advance(100);
  t.is(requests.repairs, 2);
  t.deepEqual((await dataplane.apply([])).failures, []);
  t.deepEqual(applies, [0, 1, 0]);
  t.deepEqual(await dataplane.verify(), []);
  stop();
});
