/**
 * Who may bring the host a packet inside a packet, through the chains as netfilter goes them.
 */
import test from 'ava';
import type { DataplaneUpdate } from '../../../../src/agent/calc/updates.js';
import { CHAINS } from '../../../../src/agent/dataplane/rules/chain-names.js';
import { IP_FAMILIES, type IpFamily } from '../../../../src/model/address.js';
import type { EncapsulationsInUse } from '../../../../src/model/encapsulation.js';
import { address, cidr, endpoint, setId, settings } from '../batch.js';
import { desiredOf } from '../goldens.js';
import { type SimulatedPacket, simulate } from '../simulator.js';

const HOST = { 4: '10.99.0.2', 6: 'fd99::2' } as const;
const STRANGER = { 4: '203.0.113.9', 6: '2001:db8::9' } as const;
const WORKLOAD = { 4: '10.65.0.1', 6: 'fd65::1' } as const;
const VXLAN = { protocol: 17, port: 4789 };
const IPIP = { protocol: 4 };
const DNS = { protocol: 17, port: 53 };

/** A host that lets its one workload send whatever it wants, also to itself. */
function batch(
  inUse: EncapsulationsInUse,
  members: readonly string[] = Object.values(HOST),
): DataplaneUpdate[] {
  return [
    settings({ defaultEndpointToHostAction: 'Accept' }),
    {
      type: 'ip-set-update',
      id: setId('all-hosts-net'),
      setType: 'hash:net',
      members: new Set(members.map((text) => cidr(`${text}/${text.includes(':') ? 128 : 32}`))),
    },
    { type: 'encapsulation-update', inUse },
    endpoint('w1', 'cali1', { egress: { tiers: [], profiles: [], default: 'Allow' } }),
  ];
}

interface Way {
  readonly hook: 'input' | 'forward';
  readonly from: string;
  readonly inInterface: string;
  readonly conntrack?: SimulatedPacket['conntrack'];
}

function verdictOf(
  updates: readonly DataplaneUpdate[],
  family: IpFamily,
  { hook, from, inInterface, conntrack = 'NEW' }: Way,
  { protocol, port }: { readonly protocol: number; readonly port?: number },
): string {
  const wished = desiredOf(updates).families.find((each) => each.family === family);
  const ends = port === undefined ? [{}, {}] : [{ port: 40_000 }, { port }];
  const packet = {
    ...{ family, protocol, conntrack, inInterface, mark: 0 },
    outInterface: 'eth0',
    source: { address: address(from), ...ends[0] },
    destination: { address: address(HOST[family]), ...ends[1] },
  };
  const filter = [...(wished?.chains.values() ?? [])].filter(({ table }) => table === 'filter');
  const sets = new Map([...(wished?.sets ?? [])].map(([id, { members }]) => [id, members]));
  return simulate(filter, CHAINS[hook], packet, sets).verdict;
}

const BOTH: EncapsulationsInUse = { 4: ['vxlan', 'ipip'], 6: ['vxlan'] };
const ways = (family: IpFamily) => ({
  ofHost: { hook: 'input', from: HOST[family], inInterface: 'eth0' } as const,
  ofStranger: { hook: 'input', from: STRANGER[family], inInterface: 'eth0' } as const,
  toOwnHost: { hook: 'input', from: WORKLOAD[family], inInterface: 'cali1' } as const,
  toOthers: { hook: 'forward', from: WORKLOAD[family], inInterface: 'cali1' } as const,
});

for (const family of IP_FAMILIES) {
  const { ofHost, ofStranger, toOwnHost, toOthers } = ways(family);
  const outer = family === 4 ? [VXLAN, IPIP] : [VXLAN];

  test(`of encapsulated packets those of hosts go on, all others are dropped, IPv${family}`, (t) => {
    for (const header of outer) {
      t.is(verdictOf(batch(BOTH), family, ofHost, header), 'return');
      t.is(verdictOf(batch(BOTH), family, ofStranger, header), 'drop');
      t.is(verdictOf(batch(BOTH), family, toOwnHost, header), 'drop');
      t.is(verdictOf(batch(BOTH), family, toOthers, header), 'drop');
    }
    t.is(verdictOf(batch(BOTH), family, ofStranger, DNS), 'return');
    t.is(verdictOf(batch(BOTH), family, toOwnHost, DNS), 'accept');
    t.is(verdictOf(batch(BOTH), family, toOthers, DNS), 'accept');
  });

  test(`a workload with the address of a host is dropped all the same, IPv${family}`, (t) => {
    t.is(verdictOf(batch(BOTH), family, { ...toOwnHost, from: HOST[family] }, VXLAN), 'drop');
    t.is(verdictOf(batch(BOTH), family, { ...toOthers, from: HOST[family] }, VXLAN), 'drop');
  });

  test(`what a workload encapsulated before counts for nothing, IPv${family}`, (t) => {
    for (const way of [toOwnHost, toOthers])
      t.is(verdictOf(batch(BOTH), family, { ...way, conntrack: 'ESTABLISHED' }, VXLAN), 'drop');
  });

  test(`law 5: while no host is known, nobody may encapsulate, IPv${family}`, (t) => {
    t.is(verdictOf(batch(BOTH, []), family, ofHost, VXLAN), 'drop');
  });

  test(`what hosts do not encapsulate with is a packet like others, IPv${family}`, (t) => {
    const other: EncapsulationsInUse = family === 4 ? { 4: [], 6: ['vxlan'] } : { 4: ['vxlan'], 6: [] };
    for (const header of [VXLAN, IPIP]) {
      t.is(verdictOf(batch(other), family, ofStranger, header), 'return');
      t.is(verdictOf(batch(other), family, toOwnHost, header), 'accept');
      t.is(verdictOf(batch(other), family, toOthers, header), 'accept');
    }
  });
}

test('VXLAN closes no IPIP, and IPIP no VXLAN', (t) => {
  const { toOthers, ofStranger } = ways(4);
  t.is(verdictOf(batch({ 4: ['vxlan'], 6: [] }), 4, toOthers, IPIP), 'accept');
  t.is(verdictOf(batch({ 4: ['ipip'], 6: [] }), 4, toOthers, VXLAN), 'accept');
  t.is(verdictOf(batch({ 4: ['ipip'], 6: [] }), 4, ofStranger, IPIP), 'drop');
});

test('a host that joins is an address more, and the rules stay as they are', (t) => {
  const chainsOf = (members: readonly string[]) =>
    desiredOf(batch(BOTH, members)).families.map(({ chains }) => [...chains]);
  t.deepEqual(chainsOf([HOST[4], '10.99.0.3']), chainsOf([HOST[4]]));
  const guards = desiredOf(batch(BOTH)).families.map(({ chains }) =>
    [...chains.values()].find(({ name }) => name === CHAINS.encapsulatedToHost),
  );
  for (const guard of guards)
    t.deepEqual(guard?.setUses?.get(setId('all-hosts-net')), { joining: false, leaving: true });
});
