/** A lab says at once which programs it lacks, and they are those that are installed for it. */
import { readFile } from 'node:fs/promises';
import test from 'ava';
import { CliError } from '../../../src/cli/exit-codes.js';
import { LAB_PROGRAMS, requirePrograms } from '../../../src/cli/lab/require-programs.js';
import { packageFolder } from '../../../src/cli/package-folder.js';
import { folderOf } from '../../helpers/heddle.js';

test('all that are missing are named at once, with their packages', async (t) => {
  await using folder = await folderOf({});
  const error = await t.throwsAsync(requirePrograms({ environment: { PATH: `:${folder.path}:/nowhere` } }), {
    instanceOf: CliError,
  });
  t.regex(error?.message ?? '', /not in PATH: etcd, bird, iptables-nft, /);
  t.regex(error?.hint ?? '', /^apt-get install etcd-server bird2 iptables .*\/usr\/sbin/);
});

test('where all of them are there, nothing is said', (t) =>
  t.notThrowsAsync(requirePrograms({ environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })));

test('scripts/bootstrap.sh installs the packages of all of them', async (t) => {
  const script = await readFile(new URL('scripts/bootstrap.sh', packageFolder()), 'utf8');
  for (const [program, packageName] of LAB_PROGRAMS)
    t.regex(script, new RegExp(`[ "]${program}:${packageName}\\b`));
});
