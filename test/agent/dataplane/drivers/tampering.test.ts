/** Which news of routes and neighbours is somebody else's work and which our own: a table of events. */
import test from 'ava';
import { isTampering } from '../../../../src/agent/dataplane/drivers/tampering.js';
import type { KernelNeighbor, KernelRoute, PathEvent } from '../../../../src/kernel/rtnetlink.js';
import type { Address, Cidr } from '../../../../src/model/address.js';

const PROTOCOL = 80;
const [OURS, OTHER] = ['192.168.1.1/32' as Cidr, '192.168.1.2/32' as Cidr];
const wishes = {
  protocol: PROTOCOL,
  families: [
    { family: 4, routes: new Map([[OURS, {}]]) },
    { family: 6, routes: new Map() },
  ],
} as const;

const route = (gone: boolean, change: Partial<KernelRoute> = {}): PathEvent => {
  const links = {
    interfaceIndex: 3,
    gateway: undefined,
    table: 254,
    scope: 253,
    type: 1,
    priority: undefined,
  };
  return {
    type: 'route',
    gone,
    route: { family: 4, destination: OURS, protocol: PROTOCOL, ...links, ...change },
  };
};
const neighbor = (gone: boolean, change: Partial<KernelNeighbor> = {}): PathEvent => {
  const entry = { family: 4, address: '192.168.1.1' as Address, interfaceIndex: 3, state: 0x80 } as const;
  return { type: 'neighbor', gone, neighbor: { ...entry, mac: undefined, ...change } };
};

const CASES: readonly (readonly [title: string, event: PathEvent, expected: boolean])[] = [
  ['a route of ours that goes', route(true), true],
  ['a route of ours that goes because nobody wants it', route(true, { destination: OTHER }), false],
  ['a route of ours that comes', route(false), false],
  ['a route of others in the place of ours', route(false, { protocol: 4 }), true],
  ['a route with our mark that nobody wants', route(false, { destination: OTHER }), true],
  ['a route of others elsewhere', route(false, { protocol: 12, destination: OTHER }), false],
  ['a route of others elsewhere that goes', route(true, { protocol: 12, destination: OTHER }), false],
  ['a route in another table', route(true, { table: 100 }), false],
  ['a permanent entry of ours that goes', neighbor(true), true],
  ['one that is permanent no more', neighbor(false, { state: 0x4 }), true],
  ['a permanent entry of ours that comes', neighbor(false), false],
  ['an entry of others that ages', neighbor(false, { address: '10.0.0.1' as Address, state: 0x4 }), false],
  ['events that were lost', { type: 'overrun' }, true],
];
for (const [title, event, expected] of CASES)
  test(`isTampering() is ${expected} for ${title}`, (t) => {
    t.is(isTampering(event, wishes), expected);
  });
