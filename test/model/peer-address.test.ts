/** What a peerIP may be, and the one text for each: a table. */
import test from 'ava';
import { parsePeerAddress } from '../../src/model/peer-address.js';

const reads = test.macro({
  exec(t, given: string, address: string, port: number | undefined, text: string) {
    const found = parsePeerAddress(given);
    t.deepEqual(
      { address: String(found?.address), port: found?.port, text: found?.text },
      { address, port, text },
    );
  },
  title: (_ = '', given) => `parsePeerAddress() reads ${given}`,
});
test(reads, '192.0.2.1', '192.0.2.1', undefined, '192.0.2.1');
test(reads, '192.0.2.1:1790', '192.0.2.1', 1790, '192.0.2.1:1790');
test(reads, '2001:DB8::1', '2001:db8::1', undefined, '2001:db8::1');
test(reads, '[2001:DB8::1]', '2001:db8::1', undefined, '2001:db8::1');
test(reads, '[2001:db8:0::1]:1790', '2001:db8::1', 1790, '[2001:db8::1]:1790');

const refuses = test.macro({
  exec(t, given: string) {
    t.is(parsePeerAddress(given), undefined);
  },
  title: (_ = '', given) => `parsePeerAddress() refuses ${JSON.stringify(given)}`,
});
for (const given of ['', '192.0.2.1/24', '192.0.2.1:0', '192.0.2.1:65536', '192.0.2.1:', '[192.0.2.1]:179'])
  test(refuses, given);
for (const given of ['peer:179', '[2001:db8::1', '2001:db8::1]:179', '192.0.2.1:179:1']) test(refuses, given);
