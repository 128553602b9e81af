/**
 * A host is `live` only when it was read back after its last write and differs in nothing: a table of facts
 * that make it something else. A BGP session that is down does not.
 */
import test from 'ava';
import type { HostFacts } from '../../../src/agent/status/host-facts.js';
import { hostSessions, hostStatus, summarize } from '../../../src/agent/status/host-status.js';
import type { HostState } from '../../../src/layout/records.js';
import { HEAD, revision, SESSION_DOWN, WELL } from './facts-fixture.js';

test('hostStatus() of a host that was read back and is as the commit wants it is live', (t) => {
  t.deepEqual(hostStatus(WELL), {
    node: 'host-1',
    state: 'live',
    sources: { default: { seq: 4, commit: 'c0ffee' } },
    revision: 7,
    verifiedAt: '2026-11-22T10:00:05.000Z',
    counts: { localEndpoints: 3 },
    bgp: { configured: 1, established: 1 },
  });
});

test('hostSessions() says how each session is, and what went wrong last', (t) => {
  t.deepEqual(hostSessions(WELL), {
    node: 'host-1',
    sessions: [
      { name: 'Mesh_10_0_0_2', peer: 'host-2', family: 4, state: 'Established', imported: 2, exported: 1 },
    ],
  });
  t.like(hostSessions({ ...WELL, bgp: SESSION_DOWN }).sessions[0], {
    state: 'Active',
    lastError: 'Socket: Connection refused',
  });
});

const ROUTE = { object: 'route 10.65.0.1/32', message: 'no such device' };
const CHAIN = { object: 'chain filter/cali-FORWARD', message: 'not in the kernel' };
const TIER = { object: '/calico/v1/policy/tier/a', message: 'not supported yet' };

const judged = test.macro({
  exec(t, change: Partial<HostFacts>, state: HostState, error: RegExp | undefined) {
    const status = hostStatus({ ...WELL, ...change });
    t.is(status.state, state);
    if (error) t.regex(status.error ?? '', error);
    else t.is(status.error, undefined);
  },
  title: (title, _change, state) => `hostStatus() is ${state} ${title}`,
});

test(
  'when an object could not be written',
  judged,
  { failures: [ROUTE] },
  'failed',
  /^route 10.65.0.1\/32: no such device$/,
);
test(
  'even if the datastore is away as well, when an object could not be written',
  judged,
  { failures: [ROUTE], datastoreAway: 'connection refused' },
  'failed',
  /no such device/,
);
test(
  'when the datastore is away',
  judged,
  { datastoreAway: 'connection refused' },
  'held',
  /connection refused/,
);
test(
  'when Ready is not true',
  judged,
  { received: { revision: revision(7), ready: false } },
  'held',
  /not ready/,
);
test(
  'before the first state has come',
  judged,
  { received: undefined, applied: undefined, verified: undefined },
  'applying',
  undefined,
);
test(
  'while a newer state waits to be written',
  judged,
  { received: { revision: revision(8), ready: true } },
  'applying',
  undefined,
);
test('until the kernel has been read back', judged, { verified: undefined }, 'applying', undefined);
test(
  'until the kernel has been read back after the last write',
  judged,
  {
    received: { revision: revision(8), ready: true },
    applied: { revision: revision(8), heads: new Map([['default', HEAD]]) },
  },
  'applying',
  undefined,
);
test(
  'when the kernel is not as desired',
  judged,
  { verified: { revision: revision(7), at: 0, differences: [CHAIN] } },
  'degraded',
  /^chain filter\/cali-FORWARD: not in the kernel$/,
);
test(
  'when the store holds what is not enforced',
  judged,
  { unenforced: [TIER] },
  'degraded',
  /not supported yet/,
);
test(
  'when the BGP daemon cannot be asked',
  judged,
  { bgp: { configured: 1, established: 0, sessions: [], problem: 'no BIRD listens' } },
  'degraded',
  /^BGP: no BIRD listens$/,
);
test('also while a BGP session is down, which is counted', judged, { bgp: SESSION_DOWN }, 'live', undefined);

test('hostStatus() has no verifiedAt when the read-back found differences', (t) => {
  const status = hostStatus({ ...WELL, verified: { revision: revision(7), at: 0, differences: [CHAIN] } });
  t.false('verifiedAt' in status);
});

test('hostStatus() of a host that has written nothing names no source', (t) => {
  t.like(hostStatus({ ...WELL, applied: undefined }), { sources: {}, revision: 0 });
});

test('summarize() names three failures and counts the rest', (t) => {
  const failures = [1, 2, 3, 4, 5].map((n) => ({ object: `route ${n}`, message: 'no' }));
  t.is(summarize(failures), 'route 1: no; route 2: no; route 3: no (and 2 more)');
  t.is(summarize(failures.slice(0, 3)), 'route 1: no; route 2: no; route 3: no');
  t.true(summarize([{ object: 'x', message: 'y'.repeat(10_000) }]).length < 400);
});
