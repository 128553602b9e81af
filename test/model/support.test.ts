/**
 * Law 5: a field that no agent enforces is found wherever it stands, unless its value means that it is off.
 * By example.
 */
import test from 'ava';
import type { Cidr } from '../../src/model/address.js';
import type { SelectorText } from '../../src/model/selector/selector.js';
import { unsupportedValues } from '../../src/model/support.js';

test('unsupportedValues() finds a field inside lists, and says where it stands', (t) => {
  const setPriority = { value: 5 };
  const found = unsupportedValues({
    kind: 'BGPFilter',
    spec: {
      importV4: [{ action: 'Reject' }, { action: 'Accept', operations: [{ setPriority }] }],
      exportV4: [{ action: 'Accept', operations: [{ setPriority }] }],
    },
  });
  t.deepEqual(
    found.map(({ path, value }) => ({ path, value })),
    [{ path: ['importV4', 1, 'operations', 0, 'setPriority'], value: setPriority }],
  );
});

test('unsupportedValues() accepts the values that mean that a feature is off', (t) => {
  const elsewhere = "rack == 'a'" as SelectorText;
  const pool = (nodeSelector: SelectorText) =>
    unsupportedValues({
      kind: 'IPPool',
      spec: {
        cidr: '10.0.0.0/8' as Cidr,
        natOutgoing: false,
        disabled: false,
        ipipMode: 'Always',
        vxlanMode: 'Never',
        nodeSelector,
        disableBGPExport: false,
      },
    });
  t.deepEqual(pool('all()' as SelectorText), []);
  t.deepEqual(
    pool(elsewhere).map(({ path, value }) => [path, value]),
    [[['nodeSelector'], elsewhere]],
  );
});
