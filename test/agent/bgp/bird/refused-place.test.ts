/**
 * Law 8 for text that nobody wrote: where BIRD complains of a line, the block and the peer are named. One
 * small file.
 */
import test from 'ava';
import { placeOf } from '../../../../src/agent/bgp/bird/refused-place.js';

const CONFIG = `router id 10.0.0.1;

filter heddle_import_4 {
  accept;
}

protocol bgp Mesh_10_0_0_2 from heddle_bgp_4 {
  description "host-2";
  neighbor nonsense;
}
`;

test('placeOf() names the block that BIRD complains of, and whom its session is with', (t) => {
  t.is(
    placeOf(CONFIG, 'bird: /x/bird.conf.new:9:12 syntax error'),
    ' (in protocol bgp Mesh_10_0_0_2 from heddle_bgp_4, "host-2")',
  );
  t.is(placeOf(CONFIG, 'bird: bird.conf:4:3 syntax error'), ' (in filter heddle_import_4)');
});

test('placeOf() says nothing of what is in no block, or of a complaint without a place', (t) => {
  t.is(placeOf(CONFIG, 'bird: bird.conf:1:3 syntax error'), '');
  t.is(placeOf(CONFIG, 'bird: Unable to open configuration file'), '');
});
