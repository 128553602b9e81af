/**
 * Addresses that are none and credentials that are half are refused when a store is opened, before anything
 * is sent.
 */
import test from 'ava';
import type { EtcdOptions } from '../../src/datastore/etcd/connection.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';

const refuses = test.macro({
  exec: (t, options: EtcdOptions, message: RegExp) => {
    t.throws(() => openEtcdDatastore(options), { code: 'invalid', message });
  },
  title: (_, options) => `openEtcdDatastore() refuses ${JSON.stringify(options)}`,
});

const URL = 'http://127.0.0.1:2379';
const TLS = 'https://127.0.0.1:2379';
test(refuses, { endpoints: [] }, /no etcd endpoint/);
test(
  refuses,
  { endpoints: ['127.0.0.1:2379'] },
  /^127\.0\.0\.1:2379: not an etcd endpoint; write http:\/\/HOST:PORT/,
);
test(refuses, { endpoints: ['ftp://h:1'] }, /not an etcd endpoint/);
test(refuses, { endpoints: [`${URL}/v3`] }, /not an etcd endpoint/);
test(refuses, { endpoints: ['http://h:70000'] }, /not an etcd endpoint/);
test(refuses, { endpoints: ['http://user@h:1'] }, /not an etcd endpoint/);
test(refuses, { endpoints: [URL, TLS] }, /mixes http and https/);
test(refuses, { endpoints: [URL], ca: 'x' }, /write https/);
test(refuses, { endpoints: [TLS], cert: 'x' }, /belong together/);
test(refuses, { endpoints: [TLS], key: 'x' }, /belong together/);
test(refuses, { endpoints: [URL], user: 'x' }, /belong together/);
test(refuses, { endpoints: [URL], password: 'x' }, /belong together/);

for (const endpoint of [
  'http://etcd',
  'http://[::1]:2379',
  'https://etcd.example.org/',
  'http://10.0.0.1:80',
])
  test(`openEtcdDatastore() takes ${endpoint}, where nobody may be, and is closed again`, async (t) => {
    const store = openEtcdDatastore({ endpoints: [endpoint] });
    await t.notThrowsAsync(store.close());
  });
