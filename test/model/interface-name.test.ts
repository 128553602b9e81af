/** A workload's interface is named after its ids, so that nobody has to name it, and Linux takes the name. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { workloadInterfaceName } from '../../src/model/interface-name.js';

const ids = { orchestrator: 'heddle', workload: 'web', endpoint: 'eth0' };

test('an interface is named cali and 11 digits of SHA-1 of orchestrator/workload/endpoint', (t) => {
  const hash = createHash('sha1').update('heddle/web/eth0').digest('hex');
  t.is(workloadInterfaceName(ids), `cali${hash.slice(0, 11)}`);
});

test('no interface name is longer than the 15 characters that Linux allows', (t) => {
  for (const prefix of ['t', 'tap', 'veth', 'elevenchars']) {
    const name = workloadInterfaceName(ids, prefix);
    t.true(name.startsWith(prefix) && name.length > prefix.length && name.length <= 15, name);
  }
});
