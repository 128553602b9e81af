/** The default transport, and what it alone can do: events, and overruns that it survives. */
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { NETLINK_NETFILTER, RTM, RTNLGRP } from '../../src/kernel/netlink/constants.js';
import { netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { decodeLink } from '../../src/kernel/netlink/link.js';
import type { NetlinkEvent } from '../../src/kernel/netlink/transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import type { LinkEvent } from '../../src/kernel/rtnetlink.js';
import { createVeth, ip, run, uniqueName } from '../helpers/netns.js';
import { netlinkConformance } from '../kernel/netlink-conformance.js';

netlinkConformance('koffi', netlinkTransports.koffi.open, { extendedAck: true });

test.serial('koffi: linkEvents() tells of a link that comes, changes and goes', async (t) => {
  await using rtnetlink = openRtNetlink(openKoffiTransport());
  const stop = new AbortController();
  const events = rtnetlink.linkEvents(stop.signal);
  if (!events) return t.fail('this transport has events');
  const name = uniqueName('ev');
  await ip(`link add ${name} type veth peer name ${uniqueName('ep')}`);
  await ip(`link set ${name} address 02:00:00:00:00:88`);
  await ip(`link delete ${name}`);

  const seen: LinkEvent[] = [];
  for await (const event of events) {
    if (event.type !== 'link' || event.link.name !== name) continue;
    seen.push(event);
    if (event.gone) break;
  }
  t.like(seen[0], { type: 'link', gone: false });
  t.true(seen.some((event) => event.type === 'link' && event.link.mac === '02:00:00:00:00:88'));
  t.like(seen.at(-1), { type: 'link', gone: true });
});

test.serial('koffi: an overrun is told, and events after it still arrive', async (t) => {
  await using transport = openKoffiTransport({ receiveBufferOctets: 4096 });
  const stop = new AbortController();
  const events = transport.subscribe?.([RTNLGRP.LINK], stop.signal);
  if (!events) return t.fail('this transport has events');
  await using veth = await createVeth();
  // One program, and the event loop does not turn while it runs: more than 4 KiB of events pile up.
  const burst = Array.from({ length: 40 }, (_, index) => `link set ${veth.name} mtu ${1400 + index}`).join(
    '\n',
  );
  t.is(spawnSync('ip', ['-batch', '-'], { input: burst }).status, 0);

  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return t.fail('the events ended without an overrun');
    if (value.type === 'overrun') break;
  }
  await run('ip', ['link', 'set', veth.name, 'mtu', '1300']);
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return t.fail('no event came after the overrun');
    if (value.type === 'message' && decodeLink(value.message)?.mtu === 1300) break;
  }
  stop.abort();
  t.deepEqual(await iterator.next(), { done: true, value: undefined });
});

test.serial(
  'koffi: answers that did not fit the receive buffer count as ENOBUFS, and the transport lives on',
  async (t) => {
    await using transport = openKoffiTransport({ receiveBufferOctets: 4096 });
    const payload = new Uint8Array(12);
    const refused = Array.from({ length: 128 }, () => ({ type: RTM.DELROUTE, flags: 0, payload }));
    const codes = (await transport.request(refused)).map((answer) => answer?.code);
    t.is(codes.at(-1), 'ENOBUFS');
    t.not(codes[0], undefined);
    t.true((await openRtNetlink(transport).links()).some(({ name }) => name === 'lo'));
  },
);

test.serial('koffi: events do not disturb dumps and requests of the same transport', async (t) => {
  await using transport = openKoffiTransport();
  const stop = new AbortController();
  const received: NetlinkEvent[] = [];
  const reading = (async () => {
    for await (const event of transport.subscribe?.([RTNLGRP.IPV4_ROUTE], stop.signal) ?? [])
      received.push(event);
  })();
  await using veth = await createVeth();
  const rtnetlink = openRtNetlink(transport);
  const batch = Array.from(
    { length: 2000 },
    (_, i) => `route add 10.30.${i >> 8}.${i & 255}/32 dev ${veth.name}`,
  );
  const [dumps] = await Promise.all([
    Promise.all(Array.from({ length: 30 }, () => rtnetlink.links())),
    run('ip', ['-batch', '-'], { input: batch.join('\n') }),
  ]);
  for (const links of dumps) t.true(links.some(({ name }) => name === veth.name));
  t.is(
    (await rtnetlink.routes(4)).filter(({ destination }) => destination.startsWith('10.30.')).length,
    2000,
  );
  stop.abort();
  await reading;
  t.true(received.every((event) => event.type === 'message'));
  t.true(
    received.filter((event) => event.type === 'message' && event.message.type === RTM.NEWROUTE).length >=
      2000,
  );
});

test.serial('koffi: close() ends subscriptions and fails what is not answered yet', async (t) => {
  const transport = openKoffiTransport();
  const events = transport.subscribe?.([RTNLGRP.LINK], new AbortController().signal);
  const next = events?.[Symbol.asyncIterator]().next();
  const links = openRtNetlink(transport).links();
  // The request goes out in a microtask of its own.
  await Promise.resolve();
  await transport.close();
  t.deepEqual(await next, { done: true, value: undefined });
  await t.throwsAsync(links, { message: /closed/ });
});

test.serial('koffi: a subscription that is aborted before it starts ends at once', async (t) => {
  await using transport = openKoffiTransport();
  const events = transport.subscribe?.([RTNLGRP.LINK], AbortSignal.abort());
  t.deepEqual(await events?.[Symbol.asyncIterator]().next(), { done: true, value: undefined });
});

test.serial('koffi: a group that does not exist is refused', async (t) => {
  await using transport = openKoffiTransport();
  const signal = new AbortController().signal;
  t.throws(() => transport.subscribe?.([100_000], signal), {
    name: 'SystemCallError',
    message: /setsockopt\(\): EINVAL/,
  });
});

test.serial(
  'koffi: other protocols can be spoken: netfilter refuses a message it does not know',
  async (t) => {
    await using transport = openKoffiTransport({ protocol: NETLINK_NETFILTER });
    const [refusal] = await transport.request([{ type: 0x0fff, flags: 0, payload: new Uint8Array(4) }]);
    t.like(refusal, { name: 'NetlinkError', code: 'EINVAL' });
  },
);
