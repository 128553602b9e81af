/**
 * What goes wrong on the way from a model to a BIRD that runs it: each file, program and command of the speaker fails
 * once, before it has happened or after, and the speaker tries again, or dies there and another takes over.
 */
import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stopBird } from '../../src/agent/bgp/bird/bird-process.js';
import { readText } from '../../src/agent/bgp/bird/config-file.js';
import { DIGEST_PROTOCOL } from '../../src/agent/bgp/bird/render-config.js';
import type { ApplyReport } from '../../src/agent/dataplane/driver.js';
import { type EffectFault, FaultyEffects } from '../helpers/faulty-effects.js';
import { ip, requirePrivateNetns } from '../helpers/netns.js';
import type { NetworkText } from '../topology/topology-fixture.js';
import { allEstablished, applyToAll, connections, createLab, type Host, type Lab } from './bgp-fixture.js';

requirePrivateNetns();

const NODES = {
  h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' },
  h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64' },
};
const POOLS = { '10.65.0.0/16': {}, 'fd65::/48': {} };
const TWO: NetworkText = { nodes: NODES, pools: POOLS };
const THREE: NetworkText = { ...TWO, nodes: { ...NODES, h3: { v4: '10.99.0.3/24', v6: 'fd99::3/64' } } };

let lab: Lab<'h1' | 'h2' | 'h3'>;
/** The sessions between the first two, which are in all networks. */
let untouched: readonly string[];

test.before('two hosts with sessions, and one without a daemon', async () => {
  lab = await createLab({ h1: 1, h2: 2, h3: 3 });
  await applyToAll([lab.h1, lab.h2], TWO);
  for (const host of [lab.h1, lab.h2]) await allEstablished(host, 2);
  untouched = await connections(lab.h1);
});

test.after.always('nothing is left', async () => {
  await lab?.[Symbol.asyncDispose]();
});

interface Sweep {
  readonly host: Host;
  readonly when: EffectFault['when'];
  /** Who is to put it right; the first one died if it is the next. */
  readonly who: 'the same speaker' | 'the next speaker';
  /** Brings the host to where each attempt starts. */
  readonly begin: () => Promise<void>;
  /** What else must be so afterwards. */
  readonly check: (where: string) => Promise<void>;
}

/** From wherever `begin` leads to the network of three. Returns what failed, each time it was done. */
async function sweep(
  t: ExecutionContext,
  { host, when, who, begin, check }: Sweep,
): Promise<readonly string[]> {
  t.deepEqual((await host.applies(THREE)).failures, []);
  const wanted = await stateOf(host);
  using effects = new FaultyEffects(host.stateDir);
  const struck = new Set<string>();
  for (let number = 1; ; number += 1) {
    await begin();
    host.speaker.close();
    host.speaker = host.newSpeaker(effects.wrap(host.namespace.exec));
    let first: ApplyReport | undefined;
    const what = await effects.during({ number, when, dies: who === 'the next speaker' }, async () => {
      first = await host.applies(THREE);
    });
    const where = `effect ${number}, ${what}`;
    if (what === undefined) {
      t.deepEqual(first?.failures, []);
      return [...struck].sort();
    }
    struck.add(what);
    if (first?.failures.length === 0)
      t.is((await stateOf(host)).loaded, wanted.loaded, `${where}: nothing was said`);
    t.deepEqual((await succeed(host, who)).failures, [], where);
    t.deepEqual(await host.speaker.verify(), [], where);
    t.deepEqual(await stateOf(host), wanted, where);
    const now = await connections(lab.h1);
    t.is(untouched.length, 2);
    t.true(
      untouched.every((name) => now.includes(name)),
      where,
    );
    await check(where);
    t.true(number < 40);
  }
}

async function succeed(host: Host, who: Sweep['who']): Promise<ApplyReport> {
  if (who === 'the same speaker') return host.speaker.resync();
  host.speaker.close();
  host.speaker = host.newSpeaker();
  return host.applies(THREE);
}

/** The files of a host, and what its daemon says of the configuration that it runs. */
async function stateOf({ stateDir, namespace }: Host) {
  const socket = join(stateDir, 'bird.ctl');
  const asked = ['show', 'protocols', 'all', `"${DIGEST_PROTOCOL}"`];
  const { stdout } = await namespace.exec('birdc', ['-s', socket, ...asked]);
  return {
    files: (await readdir(stateDir)).sort(),
    config: await readText(join(stateDir, 'bird.conf')),
    loaded: /^ *Description: *(.*)$/m.exec(stdout)?.[1],
  };
}

async function daemonsOf({ namespace }: Host): Promise<number> {
  return (await ip(`netns pids ${namespace.name}`)).trim().split('\n').length;
}

const SHARED_EFFECTS = [
  ...['mkdir directory', 'rm bird.conf.new', 'open bird.conf.new', 'chown', 'write', 'sync', 'bird -p'],
  ...['rename bird.conf.new', 'open directory', 'connect', `show protocols all "${DIGEST_PROTOCOL}"`],
];
const WAYS = (['before', 'after'] as const).flatMap((when) => [
  { when, who: 'the same speaker' } as const,
  { when, who: 'the next speaker' } as const,
]);

for (const way of WAYS)
  test.serial(
    `a change gets there by ${way.who} after any effect failed ${way.when} it happened`,
    async (t) => {
      const { h1 } = lab;
      const pid = await h1.birdPid();
      const struck = await sweep(t, {
        host: h1,
        ...way,
        begin: async () => {
          // The disk of a test is small, and the daemon appends.
          await truncate(join(h1.stateDir, 'bird.log'));
          t.deepEqual((await h1.applies(TWO)).failures, []);
        },
        check: async (where) => void t.is(await h1.birdPid(), pid, where),
      });
      t.deepEqual(struck, [...SHARED_EFFECTS, 'chmod', 'configure'].sort());
    },
  );

for (const way of WAYS)
  test.serial(
    `a start gets there by ${way.who} after any effect failed ${way.when} it happened`,
    async (t) => {
      const { h3 } = lab;
      const struck = await sweep(t, {
        host: h3,
        ...way,
        begin: async () => {
          h3.speaker.close();
          await stopBird(h3.stateDir);
          // The log goes too, for the same reason.
          for (const name of ['bird.conf', 'bird.log']) await rm(join(h3.stateDir, name), { force: true });
        },
        check: async (where) => void t.is(await daemonsOf(h3), 1, where),
      });
      t.deepEqual(struck, [...SHARED_EFFECTS, 'bird -c'].sort());
    },
  );

test.serial('all sessions are there in the end', async (t) => {
  const hosts = [lab.h1, lab.h2, lab.h3];
  await applyToAll(hosts, THREE);
  for (const host of hosts) t.is((await allEstablished(host, 4)).length, 4);
});
