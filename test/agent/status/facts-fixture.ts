/** Facts of a host where all is well, and of one where something is not. */
import type { HostFacts } from '../../../src/agent/status/host-facts.js';
import type { Head } from '../../../src/layout/records.js';
import { type Address, parseAddress } from '../../../src/model/address.js';
import type { Revision } from '../../../src/model/store.js';

export const revision = (value: number): Revision => value as Revision;

export const HEAD: Head = {
  seq: 4,
  commit: 'c0ffee',
  tree: 'beef',
  author: 'Ada <ada@example.com>',
  message: 'open the shop',
  time: '2026-11-22T10:00:00Z',
};

export const PEER = address('10.0.0.2');

export const WELL: HostFacts = {
  node: 'host-1',
  datastoreAway: undefined,
  received: { revision: revision(7), ready: true },
  applied: { revision: revision(7), heads: new Map([['default', HEAD]]) },
  failures: [],
  verified: { revision: revision(7), at: Date.UTC(2026, 10, 22, 10, 0, 5), differences: [] },
  unenforced: [],
  bgp: {
    configured: 1,
    established: 1,
    sessions: [
      {
        name: 'Mesh_10_0_0_2',
        peerName: 'host-2',
        family: 4,
        peerAddress: PEER,
        established: true,
        state: 'Established',
        since: undefined,
        imported: 2,
        exported: 1,
        lastError: undefined,
      },
    ],
  },
  bgpUnconfirmed: false,
  counts: { localEndpoints: 3 },
};

export const SESSION_DOWN: HostFacts['bgp'] = {
  configured: 1,
  established: 0,
  sessions: WELL.bgp.sessions.map((session) => ({
    ...session,
    established: false,
    state: 'Active',
    lastError: 'Socket: Connection refused',
  })),
};

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`the fixture has no address: ${text}`);
  return parsed;
}
