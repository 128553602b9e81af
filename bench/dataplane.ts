/**
 * Programming a host: the packet filter of both families, iptables' nft variant, in the namespace of this run.
 *
 * The host has fifty policies that look into twenty sets of two hundred members, and endpoints each of which is in
 * two policies and a profile: about eighteen rules for each. The yardstick is what a person would do by hand: the
 * same sets and rules, ready as text, given to `ipset restore`, `iptables-restore` and `ip6tables-restore`. It does
 * not look at what came of it; heddle reads back what it wrote, and so says that it is live.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { CompiledRule, DataplaneUpdate, IpSetId } from '../src/agent/calc/updates.js';
import { backends } from '../src/agent/dataplane/backends/index.js';
import { ipSetsText, iptablesText } from '../src/agent/dataplane/backends/iptables/render-text.js';
import { createDataplane, type Dataplane } from '../src/agent/dataplane/dataplane.js';
import { recordDesired } from '../src/agent/dataplane/desired-record.js';
import { PolicedState } from '../src/agent/dataplane/flows/policed-state.js';
import { NO_DRIVERS } from '../src/agent/dataplane/kernel-kinds.js';
import { createManagers } from '../src/agent/dataplane/managers/index.js';
import { exec } from '../src/kernel/exec.js';
import { keepOpen } from '../src/kernel/kept-programs.js';
import { addressFromBits, type Cidr, hostCidr, IP_FAMILIES } from '../src/model/address.js';
import { PROTOCOL_NUMBERS } from '../src/model/rule.js';
import { endpoint, policy, ports, profile, rule, setId, settings } from '../test/agent/dataplane/batch.js';
import { requirePrivateNetns, run } from '../test/helpers/netns.js';
import type { Row } from './row.js';

const POLICIES = 50;
const SETS = 20;
const SET_MEMBERS = 200;
const SIZES = [100, 300, 1_000];

export const firstProgramming: Row = {
  name: 'host-first',
  work: 'program a host that has this many endpoints, from nothing, and read it back',
  sizes: SIZES,
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        await wipePacketFilter();
        const batch = host(size);
        const dataplane = openDataplane();
        return { work: () => converge(dataplane, batch), dispose: wipePacketFilter };
      },
    },
    {
      name: 'restore, by hand',
      async prepare(size) {
        await wipePacketFilter();
        const { sets, rules } = textsOf(host(size));
        return {
          async work() {
            await run('ipset', ['restore'], { input: sets });
            await restoreRules(rules);
          },
          dispose: wipePacketFilter,
        };
      },
    },
  ],
};

export const oneEndpoint: Row = {
  name: 'host-one-more',
  work: 'add one endpoint to a host that has this many, and read it back',
  sizes: SIZES,
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        await wipePacketFilter();
        const dataplane = openDataplane();
        await converge(dataplane, host(size));
        return { work: () => converge(dataplane, [endpointOf(size)]), dispose: wipePacketFilter };
      },
    },
    {
      name: 'restore, by hand',
      async prepare(size) {
        await wipePacketFilter();
        const dataplane = openDataplane();
        await converge(dataplane, host(size));
        const rules = additionTo(size);
        return { work: () => restoreRules(rules), dispose: wipePacketFilter };
      },
    },
  ],
};

export const oneRule: Row = {
  name: 'host-one-rule',
  work: 'change one rule of a policy on a host that has this many endpoints, and read it back',
  sizes: SIZES,
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        await wipePacketFilter();
        const dataplane = openDataplane();
        await converge(dataplane, host(size));
        // It is not its first change: the programs that stay open are there.
        await converge(dataplane, [policyOf(1, 8080)]);
        return { work: () => converge(dataplane, [changedPolicy()]), dispose: wipePacketFilter };
      },
    },
    {
      name: 'restore, by hand',
      async prepare(size) {
        await wipePacketFilter();
        await converge(openDataplane(), host(size));
        const rules = difference(host(size), [...host(size), changedPolicy()]);
        return { work: () => restoreRules(rules), dispose: wipePacketFilter };
      },
    },
  ],
};

/** For as long as this process lives. */
const programs = keepOpen(exec);

function openDataplane(): Dataplane {
  const wishes = recordDesired(IP_FAMILIES);
  return createDataplane({
    packetFilters: IP_FAMILIES.map((family) =>
      backends.iptables.open({ family, exec: programs.exec, pause: (ms) => pause(ms) }),
    ),
    kernel: { ...wishes, drivers: NO_DRIVERS, policed: new PolicedState(IP_FAMILIES) },
    now: () => performance.now(),
  });
}

async function converge(dataplane: Dataplane, batch: readonly DataplaneUpdate[]): Promise<void> {
  const { failures } = await dataplane.apply(batch);
  const [failure] = [...failures, ...(await dataplane.verify('changed'))];
  if (failure) throw new Error(`${failure.object}: ${failure.message}`);
}

interface HostTexts {
  readonly sets: string;
  /** In the order of families. */
  readonly rules: readonly string[];
}

function textsOf(batch: readonly DataplaneUpdate[]): HostTexts {
  const wishes = recordDesired(IP_FAMILIES);
  const managers = createManagers(wishes);
  for (const update of batch) managers.onUpdate(update);
  managers.completeDeferredWork();
  return { sets: wishes.families.map(ipSetsText).join(''), rules: wishes.families.map(iptablesText) };
}

/** The chains that differ once there is one endpoint more, as somebody would write them who knows which. */
function additionTo(size: number): readonly string[] {
  return difference(host(size), [...host(size), endpointOf(size)]);
}

function difference(old: readonly DataplaneUpdate[], now: readonly DataplaneUpdate[]): readonly string[] {
  const [before, after] = [textsOf(old).rules, textsOf(now).rules];
  return after.map((text, index) => {
    const known = new Set(before[index]?.split('\n'));
    const filter = text.slice(text.indexOf('*filter')).split('\n');
    const changed = new Set(filter.filter((line) => !known.has(line)).map(chainOf));
    return ['*filter', ...filter.filter((line) => changed.has(chainOf(line))), 'COMMIT', ''].join('\n');
  });
}

function chainOf(line: string): string | undefined {
  return /^(?::|-A )(cali-\S+)/.exec(line)?.[1];
}

async function restoreRules(rules: readonly string[]): Promise<void> {
  for (const [index, family] of IP_FAMILIES.entries())
    await run(`${family === 4 ? 'iptables' : 'ip6tables'}-nft-restore`, ['--noflush'], {
      input: rules[index] ?? '',
    });
}

export async function wipePacketFilter(): Promise<void> {
  requirePrivateNetns();
  for (const tool of ['iptables-nft-restore', 'ip6tables-nft-restore'])
    await run(tool, [], { input: '*raw\nCOMMIT\n*nat\nCOMMIT\n*filter\nCOMMIT\n' });
  await run('ipset', ['destroy']);
}

function host(endpoints: number): readonly DataplaneUpdate[] {
  return [
    settings(),
    ...Array.from({ length: SETS }, (_, number) => ipSet(number)),
    profile('open', { ingress: [], egress: [rule('Allow')] }),
    ...Array.from({ length: POLICIES }, (_, number) => policyOf(number)),
    ...Array.from({ length: endpoints }, (_, number) => endpointOf(number)),
  ];
}

function ipSet(number: number): DataplaneUpdate {
  const members = new Set<Cidr>(
    Array.from({ length: SET_MEMBERS }, (_, member) => addressOf(1_000_000 + number * SET_MEMBERS + member)),
  );
  return { type: 'ip-set-update', id: idOf(number), setType: 'hash:net', members };
}

/** The first one, with another port. */
function changedPolicy(): DataplaneUpdate {
  return policyOf(0, 8443);
}

function policyOf(number: number, port = 443): DataplaneUpdate {
  const allow = (to: number): CompiledRule =>
    rule('Allow', {
      protocol: PROTOCOL_NUMBERS.TCP,
      source: { sets: [idOf(number % SETS)] },
      destination: { ports: ports(to) },
    });
  return policy(`p${number}`, { ingress: [allow(80), allow(port)], egress: [rule('Allow')] });
}

function endpointOf(number: number): DataplaneUpdate {
  const policies = [`p${number % POLICIES}`, `p${(number + 7) % POLICIES}`];
  const direction = {
    tiers: [{ name: 'default', policies, endOfTier: 'Pass' }],
    profiles: ['open'],
    default: 'Deny',
  } as const;
  const name = `cali${((number * 2_654_435_761) >>> 0).toString(16).padStart(8, '0')}`;
  return endpoint(`w${number}`, name, {
    addresses: [addressFromBits(BigInt(0x0a000000 + number), 4)],
    ingress: direction,
    egress: direction,
  });
}

function addressOf(number: number): Cidr {
  return hostCidr(addressFromBits(BigInt(0x0a000000 + number), 4));
}

function idOf(set: number): IpSetId {
  return setId(`s:${'bench'.padEnd(20, '-')}${set}`);
}
