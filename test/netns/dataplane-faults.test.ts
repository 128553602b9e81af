/**
 * What goes wrong while rules are written: programs that fail, agents that die, locks, names that are no names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { IpSetId } from '../../src/agent/calc/updates.js';
import type { PacketFilter } from '../../src/agent/dataplane/backends/backend.js';
import type { BackendName } from '../../src/agent/dataplane/backends/index.js';
import type { ChainName } from '../../src/agent/dataplane/intent.js';
import { DROP, jump, RETURN, rule } from '../../src/agent/dataplane/rules/chain-rule.js';
import { type Exec, ExecError } from '../../src/kernel/exec.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { cidr } from '../agent/dataplane/batch.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import {
  applyAll,
  createHost,
  type Host,
  unwishChain,
  verifyAll,
  wishChain,
  wishHook,
} from './dataplane-fixture.js';
import { plainSave } from './plain-save.js';

requirePrivateNetns();

const SET = 's:members' as IpSetId;
const OTHER = 's:others' as IpSetId;
const UNUSED = 's:unused' as IpSetId;

const lookInto = (id: IpSetId) => rule([{ type: 'ip-set', end: 'source', id, negated: false }], DROP);
const to = (name: string) => rule([], jump(name as ChainName));

/** From one state of the wishes to another, which takes several calls. */
interface Change {
  readonly before: (filter: PacketFilter) => void;
  readonly after: (filter: PacketFilter) => void;
}

function wishBefore(filter: PacketFilter): void {
  wishSet(filter, SET, ['10.0.0.0/8', 'fd00::/8']);
  wishHook(filter);
  wishChain(filter, 'cali-FORWARD', [to('cali-a'), to('cali-b')]);
  wishChain(filter, 'cali-a', [lookInto(SET)]);
  wishChain(filter, 'cali-b', [rule([], RETURN)]);
}

/** A chain goes, one comes, one changes together with its set, and a set comes. */
function wishAfter(filter: PacketFilter): void {
  filter.ipSets.replace(SET, 'hash:net', []);
  filter.ipSets.replace(OTHER, 'hash:ip', []);
  wishHook(filter);
  wishHook(filter, 'first', 'OUTPUT');
  wishChain(filter, 'cali-FORWARD', [to('cali-a'), to('cali-c')]);
  wishChain(filter, 'cali-a', [rule([], RETURN), lookInto(SET)]);
  wishChain(filter, 'cali-c', [lookInto(OTHER)]);
  unwishChain(filter, 'cali-b');
}

/** A set goes, one comes, and one has other members while the rule that denies by it stays: nothing is built anew. */
function setsChange(before: readonly string[], after: readonly string[]): Change {
  const wishRules = (filter: PacketFilter): void => {
    wishHook(filter);
    const denies = new Map([[SET, { joining: true, leaving: false }]]);
    wishChain(filter, 'cali-FORWARD', [lookInto(SET)], 'filter', denies);
  };
  return {
    before(filter) {
      wishSet(filter, SET, before);
      wishSet(filter, UNUSED, ['10.1.0.0/16', 'fd01::/16']);
      wishRules(filter);
    },
    after(filter) {
      wishSet(filter, SET, after);
      filter.ipSets.delete(UNUSED);
      wishSet(filter, OTHER, ['10.2.0.0/16', 'fd02::/16']);
      wishRules(filter);
    },
  };
}

const FEW = ['10.3.0.0/16', 'fd03::/16'];
const MORE = [...FEW, '10.4.0.0/16', '10.5.0.0/16', 'fd04::/16', 'fd05::/16'];

function wishSet(filter: PacketFilter, id: IpSetId, nets: readonly string[]): void {
  const members = nets.filter((net) => net.includes(':') === (filter.family === 6));
  filter.ipSets.replace(id, 'hash:net', members.map(cidr));
}

interface Fault {
  readonly number: number;
  /** Whether the program has done its work. */
  readonly when: 'before' | 'after';
  /** `refused`: the program says no. `lost`: nobody hears how it ended. */
  readonly kind: 'refused' | 'lost';
}

interface Sweep extends Omit<Fault, 'number'> {
  readonly change: Change;
  readonly backend: BackendName;
  readonly family: IpFamily;
  /** Who is to put it right. */
  readonly who: 'the same agent' | 'the next agent';
}

/** Lets the call with this number go wrong, before or after the program has done its work. */
function faultAt({ number, when, kind }: Fault) {
  let calls = 0;
  let struck: string | undefined;
  return {
    wrap:
      (exec: Exec): Exec =>
      async (command, args, options) => {
        calls += 1;
        if (calls !== number) return exec(command, args, options);
        struck = command === 'ipset' ? `ipset ${args[0]}` : command;
        if (when === 'after') await exec(command, args, options);
        if (kind === 'lost') throw new ExecError(command, 'timeout', 'injected fault');
        return { code: 1, stdout: '', stderr: 'injected fault' };
      },
    /** The program that it struck; undefined: there was no such call. */
    get struck() {
      return struck;
    },
  };
}

/** The kernel after a change that nothing went wrong with. */
async function kernelAfter(change: Change, backend: BackendName, family: IpFamily) {
  await using host = await createHost(backend, family);
  for (const wish of [change.before, change.after]) {
    const filter = host.start();
    wish(filter);
    await applyAll(filter);
  }
  return await kernelOf(host);
}

async function kernelOf({ ns, tool }: Host): Promise<readonly string[]> {
  return [await ns.run(`${tool}-save`, []), await ns.run('ipset', ['save'])].flatMap(plainSave);
}

/** Fails each call once, and returns the programs that failed. */
async function sweep(t: ExecutionContext, options: Sweep): Promise<ReadonlySet<string>> {
  const { change, backend, family, who } = options;
  const wanted = await kernelAfter(change, backend, family);
  const struck = new Set<string>();
  for (let number = 1; ; number += 1) {
    await using host = await createHost(backend, family);
    const first = host.start();
    change.before(first);
    t.deepEqual((await applyAll(first)).failures, []);

    const fault = faultAt({ ...options, number });
    const second = host.start(fault.wrap);
    change.before(second);
    await second.prepare();
    change.after(second);
    await applyAll(second);
    if (fault.struck === undefined) return struck;
    struck.add(fault.struck);

    // Nobody tells the same one to read back: it has to know what it does not know.
    const last = who === 'the same agent' ? second : host.start();
    if (last !== second) change.after(last);
    const where = `call ${number}, ${fault.struck}`;
    t.deepEqual((await applyAll(last)).failures, [], where);
    t.deepEqual(await verifyAll(last), [], where);
    t.deepEqual(await kernelOf(host), wanted, where);
    t.true(number < 30);
  }
}

interface Swept {
  readonly what: string;
  readonly change: Change;
  readonly targets: readonly (readonly [BackendName, IpFamily])[];
  /** Whether the tables are written too. */
  readonly writesRules: boolean;
}

const SWEPT: readonly Swept[] = [
  {
    what: 'rules',
    change: { before: wishBefore, after: wishAfter },
    targets: IP_FAMILIES.flatMap((family) => [
      ['iptables', family],
      ['iptables-legacy', family],
    ]),
    writesRules: true,
  },
  // The sets of both backends are the same driver's.
  {
    what: 'a set that grows',
    change: setsChange(FEW, MORE),
    targets: [['iptables', 4]],
    writesRules: false,
  },
  {
    what: 'a set that shrinks',
    change: setsChange(MORE, FEW),
    targets: [['iptables', 6]],
    writesRules: false,
  },
];

function programsOf(backend: BackendName, family: IpFamily, writesRules: boolean): readonly string[] {
  const tool = family === 4 ? 'iptables' : 'ip6tables';
  const written = `${tool}-${backend === 'iptables' ? 'nft' : 'legacy'}-restore`;
  return [
    ...['ipset restore', 'ipset save', `${tool}-legacy-save`, `${tool}-nft-save`],
    ...(writesRules ? [written] : []),
  ].sort();
}

// An agent that is told no tries again at once, and leaves nothing for the next one.
const WAYS = (['before', 'after'] as const).flatMap((when) => [
  { when, kind: 'refused', who: 'the same agent' } as const,
  { when, kind: 'lost', who: 'the same agent' } as const,
  { when, kind: 'lost', who: 'the next agent' } as const,
]);

for (const { what, change, targets, writesRules } of SWEPT)
  for (const [backend, family] of targets)
    for (const way of WAYS)
      test.serial(
        `${backend}, IPv${family}: ${way.who} converges after any call for ${what} was ${way.kind} ${way.when} its work`,
        async (t) => {
          const struck = await sweep(t, { change, backend, family, ...way });
          t.deepEqual([...struck].sort(), programsOf(backend, family, writesRules));
        },
      );

test.serial('iptables-legacy: a lock that another program holds is waited for', async (t) => {
  await using host = await createHost('iptables-legacy', 4);
  const holder = spawn('flock', [host.lockFile, 'sh', '-c', 'echo held; exec sleep 60'], { detached: true });
  await once(holder.stdout, 'data');
  const filter = host.start();
  wishBefore(filter);
  let isApplied = false;
  const applying = applyAll(filter).finally(() => {
    isApplied = true;
  });
  await until(() => host.calls().some((call) => call.startsWith('iptables-legacy-restore')));
  t.false(isApplied);
  if (holder.pid !== undefined) process.kill(-holder.pid);
  t.deepEqual((await applying).failures, []);
  t.deepEqual(await verifyAll(filter), []);
});

test.serial(
  'a chain with a name in it that no kernel may be given drops, and is a problem until it changes',
  async (t) => {
    await using host = await createHost('iptables', 4);
    const filter = host.start();
    wishBefore(filter);
    wishChain(filter, 'cali-b', [rule([{ type: 'in-interface', name: 'cali1+', prefix: false }], RETURN)]);
    const { failures } = await applyAll(filter);
    t.deepEqual(failures, [
      {
        object: 'chain cali-b of iptables-4-filter',
        message: 'Not an interface name that iptables can be given: "cali1+"',
      },
    ]);
    t.regex((await host.save('filter')).filter((line) => line.startsWith('-A cali-b')).join(), /-j DROP$/);
    t.is((await verifyAll(filter)).length, 1);
    wishBefore(filter);
    t.deepEqual((await applyAll(filter)).failures, []);
    t.deepEqual(await verifyAll(filter), []);
  },
);

test.serial(
  'a refused chain in any table does not keep the others waiting, nor close the host',
  async (t) => {
    await using host = await createHost('iptables', 4);
    const filter = host.start();
    const nowhere = 's:nowhere' as IpSetId;
    wishBefore(filter);
    wishHook(filter, 'first', 'INPUT', 'cali-INPUT');
    wishChain(filter, 'cali-INPUT', [lookInto(nowhere)]);
    wishChain(filter, 'cali-nat-outgoing', [rule([], RETURN), lookInto(nowhere)], 'nat');
    wishChain(filter, 'cali-POSTROUTING', [to('cali-nat-outgoing')], 'nat');
    const { failures } = await applyAll(filter);
    t.deepEqual(
      failures.map(({ object }) => object),
      [
        'chain cali-nat-outgoing of iptables-4-nat',
        'chain cali-INPUT of iptables-4-filter',
        'chain INPUT of iptables-4-filter',
      ],
    );
    const rules = [...(await host.save('filter')), ...(await host.save('nat'))];
    t.false(rules.some((line) => line.startsWith('-A INPUT') || line.startsWith(':cali-INPUT')));
    t.true(rules.some((line) => line.startsWith('-A FORWARD')));
    t.true(rules.some((line) => line.startsWith('-A cali-POSTROUTING')));
    t.false(filter.inForce);
    filter.ipSets.replace(nowhere, 'hash:ip', []);
    t.deepEqual((await applyAll(filter)).failures.length, 1, 'nat takes no drop');
    t.true(filter.inForce);
  },
);
