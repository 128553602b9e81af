/** Certificates, users and tokens. */
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { startEtcd } from '../helpers/etcd.js';
import { until } from '../helpers/until.js';
import { contents, key, put, revision, WatchLog, write } from './helpers.js';
import { withEtcd } from './scene.js';

test('TLS with a client certificate carries reads, writes, watches and leases', async (t) => {
  const etcd = await startEtcd({ tls: true });
  const stranger = await startEtcd({ tls: true });
  const store = openEtcdDatastore(etcd.options);
  t.teardown(async () => {
    await store.close();
    await Promise.all([etcd.close(), stranger.close()]);
  });
  const log = new WatchLog(store, '/w/', revision(2));
  const lease = await store.grantLease(5);
  await log.reached(await write(store, put('/w/a', '1', undefined, lease.id)));
  t.deepEqual(await contents(store, '/w/'), { '/w/a': '1' });
  await lease.revoke();
  await until(() => log.lines.length === 2);
  await log.stop();

  const { cert: _cert, key: _key, ...anonymous } = etcd.options;
  const plain = { endpoints: [etcd.endpoint.replace('https', 'http')] };
  const { ca: _ca, ...publicAuthorities } = etcd.options;
  const { ca: otherCa } = stranger.options;
  for (const wrong of [
    anonymous,
    plain,
    publicAuthorities,
    { ...etcd.options, ...(otherCa && { ca: otherCa }) },
  ]) {
    const refused = openEtcdDatastore(wrong);
    await t.throwsAsync(refused.get(key('/w/a')), { code: 'unavailable', message: /--etcd-ca/ });
    await refused.close();
  }
});

test(
  'users: a wrong password, none, and a role that is too small have codes of their own',
  withEtcd({ auth: true }, async (t, { etcd, other }) => {
    await write(other, put('/w/a', '1'), put('/x/a', '1'));
    await etcd.ctl('role', 'add', 'reader');
    await etcd.ctl('role', 'grant-permission', '--prefix=true', 'reader', 'read', '/w/');
    await etcd.ctl('user', 'add', 'guest:secret');
    await etcd.ctl('user', 'grant-role', 'guest', 'reader');
    const { user: _user, password: _password, ...bare } = etcd.options;
    const unauthenticated = [
      bare,
      { ...bare, user: 'root', password: 'wrong' },
      { ...bare, user: 'nobody', password: 'x' },
    ];
    for (const options of unauthenticated) {
      const client = openEtcdDatastore(options);
      await t.throwsAsync(client.get(key('/w/a')), { code: 'unauthenticated', message: /--etcd-user/ });
      await t.throwsAsync(write(client, put('/w/a', '2')), { code: 'unauthenticated' });
      await client.close();
    }
    const guest = openEtcdDatastore({ ...bare, user: 'guest', password: 'secret' });
    t.deepEqual(await contents(guest, '/w/'), { '/w/a': '1' });
    await t.throwsAsync(guest.snapshot('/x/'), { code: 'permission-denied' });
    await t.throwsAsync(write(guest, put('/w/a', '2')), { code: 'permission-denied' });
    const log = new WatchLog(guest, '/w/', revision(2));
    await log.reached(revision(2));
    const forbidden = new WatchLog(guest, '/x/', revision(2));
    const interrupted = await forbidden.heard('interrupted');
    t.regex(interrupted.type === 'interrupted' ? interrupted.reason : '', /permission denied; grant a role/);
    await Promise.all([log.stop(), forbidden.stop()]);
    await guest.close();
  }),
);

test(
  'users: a nested transaction needs no permission beyond its own keys',
  withEtcd({ auth: true }, async (t, { etcd }) => {
    await etcd.ctl('role', 'add', 'writer');
    await etcd.ctl('role', 'grant-permission', '--prefix=true', 'writer', 'readwrite', '/w/');
    await etcd.ctl('user', 'add', 'agent:secret');
    await etcd.ctl('user', 'grant-role', 'agent', 'writer');
    const store = openEtcdDatastore({ ...etcd.options, user: 'agent', password: 'secret' });
    const writes = (lost: boolean) =>
      Array.from({ length: 300 }, (_, index) =>
        put(`/w/${index}`, '1', {
          key: key(lost && index === 299 ? '/w/0' : `/w/${index}`),
          check: 'absent',
        }),
      );
    t.true((await store.transact({ guards: [], writes: writes(false) })).ok);
    t.false((await store.transact({ guards: [], writes: writes(true) })).ok);
    await store.close();
  }),
);

const SHORT_TOKENS = ['--auth-token-ttl', '1'];

test(
  'tokens: a watch that reconnects after its token ran out is let in again',
  withEtcd({ auth: true, flags: SHORT_TOKENS }, async (t, { store, link, other }) => {
    const { revision: now } = await store.get(key('/w/a'));
    const log = new WatchLog(store, '/w/', revision(now + 1));
    await log.reached(await write(other, put('/w/a', '1')));
    link.break();
    await log.heard('interrupted');
    const cut = performance.now();
    await until(() => performance.now() - cut > 2500, { what: 'a token of one second to run out' });
    const last = await write(other, put('/w/a', '2'));
    link.mend();
    await log.reached(last);
    t.is(log.lines.length, 2);
    await t.notThrowsAsync(write(store, put('/w/b', '1')));
    await log.stop();
  }),
);

test(
  'tokens: a restarted server that forgot them is no obstacle',
  withEtcd({ auth: true }, async (t, { etcd, store }) => {
    const { revision: now } = await store.get(key('/w/a'));
    const log = new WatchLog(store, '/w/', revision(now + 1));
    await log.reached(await write(store, put('/w/a', '1')));
    await etcd.kill();
    await etcd.start();
    await log.heard('resumed');
    await log.reached(await write(store, put('/w/a', '2')));
    t.is(log.lines.length, 2);
    await log.stop();
  }),
);

test(
  'a user for an etcd that has none is said to be superfluous',
  withEtcd({}, async (t, { etcd }) => {
    const store = openEtcdDatastore({ ...etcd.options, user: 'root', password: 'root' });
    await t.throwsAsync(store.get(key('/a')), { code: 'unauthenticated', message: /leave both out/ });
    await store.close();
  }),
);
