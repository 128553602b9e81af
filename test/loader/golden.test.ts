/**
 * What a newcomer reads: manifests with the usual mistakes, and every word that is said of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { packageFolder } from '../../src/cli/package-folder.js';
import { formatHuman } from '../../src/loader/format-diagnostics.js';
import { matchesGolden } from '../helpers/golden.js';
import { faultsOf } from '../helpers/loader-faults.js';

const folder = new URL('test/golden/faults/', packageFolder());
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

for (const name of names) {
  test(`the mistakes of ${name} are told as in its golden`, async (t) => {
    const said = formatHuman(faultsOf({ [name]: readFileSync(new URL(name, folder)) }));
    await matchesGolden(t, `faults/${name.replace('.yaml', '.txt')}`, said);
  });
}

test('there are ten of them', (t) => t.is(names.length, 10));
