/** A datastore that was closed keeps no process alive: a process of its own, with a real etcd. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { withEtcd } from './scene.js';

const CHILD = fileURLToPath(new URL('./exit-child.js', import.meta.url));

for (const auth of [false, true])
  test(
    `a process ends by itself once its datastore is closed, ${auth ? 'with' : 'without'} a user`,
    withEtcd({ auth }, async (t, { etcd }) => {
      const child = spawn(process.execPath, [CHILD, etcd.endpoint, ...(auth ? ['root'] : [])], {
        stdio: ['ignore', 'inherit', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (text: Buffer) => {
        said += text.toString();
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      const [code, signal] = await once(child, 'exit');
      clearTimeout(timer);
      t.deepEqual([code, signal, said], [0, null, '']);
    }),
  );
