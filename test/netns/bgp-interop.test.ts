/**
 * Our BIRD and the daemons of others: FRR, GoBGP, OpenBGPD and ExaBGP each come up with it in both families, are told of
 * our workloads and of nothing else, and are believed what lies outside our pools.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createNamespace, createVeth, ip, requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import type { NetworkText } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  createFabric,
  createHost,
  type Fabric,
  type Host,
  refusedImports,
} from './bgp-fixture.js';
import { exabgp } from './foreign/exabgp.js';
import { FOREIGN, FOREIGN_AS, type ForeignSpeaker, startForeign } from './foreign/foreign-speaker.js';
import { frr } from './foreign/frr.js';
import { gobgp } from './foreign/gobgp.js';
import { openbgpd } from './foreign/openbgpd.js';

requirePrivateNetns();

const PASSWORD = 'correct-horse';
const WORKLOADS = ['10.65.1.1/32', 'fd65::1:1/128'];
/** Theirs to announce, and not. */
const OUTSIDE = { v4: ['203.0.113.0/24'], v6: ['2001:db8:f00::/48'] };
const OURS_TO_ANNOUNCE = { v4: ['10.65.9.9/32', '10.65.0.0/17', '0.0.0.0/0'], v6: ['fd65::9/128', '::/0'] };

const speakers: Readonly<Record<string, ForeignSpeaker>> = {
  FRR: frr,
  GoBGP: gobgp,
  OpenBGPD: openbgpd,
  ExaBGP: exabgp,
};

let fabric: Fabric;
let host: Host;

test.before('a host on a bridge, with a workload', async () => {
  fabric = await createFabric();
  host = await createHost(fabric, 'h1', 1);
  for (const workload of WORKLOADS) await host.namespace.ip(`route add ${workload} dev cali1 proto 80`);
  await writeFile(join(host.stateDir, 'foreign'), PASSWORD);
});

test.after.always('nothing is left', async () => {
  await host?.[Symbol.asyncDispose]();
  await fabric?.[Symbol.asyncDispose]();
});

for (const [name, speaker] of Object.entries(speakers)) {
  const how = speaker.supportsPassword ? 'with a password' : 'without a password';
  test.serial(
    `${name}, ${how}: established in both families, exactly the right prefixes each way`,
    async (t) => {
      await using place = await createNamespace('foreign');
      await using veth = await createVeth({ peer: 'eth0', peerNamespace: place });
      await ip(`link set ${veth.name} master ${fabric.bridge}`);
      await place.ip(`addr add ${FOREIGN.v4}/24 dev eth0`);
      await place.ip(`addr add ${FOREIGN.v6}/64 dev eth0 nodad`);
      const announces = {
        v4: [...OUTSIDE.v4, ...OURS_TO_ANNOUNCE.v4],
        v6: [...OUTSIDE.v6, ...OURS_TO_ANNOUNCE.v6],
      };
      const password = speaker.supportsPassword ? PASSWORD : undefined;
      await using running = await startForeign(speaker, { namespace: place, password, announces });
      // What another one said would stay for the time of a graceful restart.
      await host.applies({ ...networkWith(speaker), peers: {} });
      await until(async () => (await learned()).length === 0, { what: 'nothing to be known of others' });
      t.deepEqual((await host.applies(networkWith(speaker))).failures, []);
      await allEstablished(host, 2);
      await until(
        () =>
          running.announce().then(
            () => true,
            () => false,
          ),
        { what: `${name} to announce` },
      );

      for (const prefix of [...OUTSIDE.v4, ...OUTSIDE.v6]) await appears(host, prefix);
      const forbidden = OURS_TO_ANNOUNCE.v4.length + OURS_TO_ANNOUNCE.v6.length;
      await until(async () => (await refusedImports(host)) >= forbidden, {
        what: `${name} to announce what it is not to`,
      });
      await until(async () => (await running.heard()).length >= WORKLOADS.length, {
        what: `${name} to hear of us`,
      });
      t.deepEqual(await running.heard(), WORKLOADS);
      t.deepEqual(await learned(), [...OUTSIDE.v4, ...OUTSIDE.v6]);
    },
  );
}

function networkWith({ supportsPassword }: ForeignSpeaker): NetworkText {
  const peer = { asNumber: FOREIGN_AS, ...(supportsPassword && { password: { file: 'foreign' } }) };
  return {
    nodes: { h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' } },
    pools: { '10.65.0.0/16': {}, 'fd65::/64': {} },
    peers: { v4: { peerIP: FOREIGN.v4, ...peer }, v6: { peerIP: FOREIGN.v6, ...peer } },
  };
}

/** What the host's kernel knows by BGP. */
async function learned(): Promise<readonly string[]> {
  const [v4, v6] = await Promise.all(
    ['-4', '-6'].map((family) => host.namespace.ip(`${family} route show proto bird`)),
  );
  return [...prefixesOf(v4 ?? ''), ...prefixesOf(v6 ?? '')];
}

function prefixesOf(routes: string): readonly string[] {
  return routes
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((prefix) => prefix !== '');
}
