/** OpenBGPD, portable: one file, asked through bgpctl(8). It has no TCP MD5 on Linux. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FOREIGN,
  FOREIGN_AS,
  type ForeignSetup,
  type ForeignSpeaker,
  OURS,
  prefixesIn,
} from './foreign-speaker.js';

/** Where its processes shut themselves in; its service makes it otherwise. */
const JAIL = '/run/openbgpd';

export const openbgpd: ForeignSpeaker = {
  supportsPassword: false,
  async prepare(setup) {
    const file = join(setup.folder, 'bgpd.conf');
    await writeFile(file, config(setup));
    await chmod(file, 0o600);
    await mkdir(JAIL, { recursive: true });
    return ['bgpd', '-d', '-f', file];
  },
  async heard({ namespace, folder }) {
    const asked = await Promise.all(
      [OURS.v4, OURS.v6].map((peer) =>
        namespace.run('bgpctl', ['-s', join(folder, 'ctl'), '-j', 'show', 'rib', 'in', 'neighbor', peer]),
      ),
    );
    return prefixesIn(
      asked.flatMap((text) => (JSON.parse(text).rib ?? []).map(({ prefix }: { prefix: string }) => prefix)),
    );
  },
};

function config({ folder, announces }: ForeignSetup): string {
  const neighbor = (peer: string, local: string, family: string) => `neighbor ${peer} {
  remote-as ${OURS.as}
  local-address ${local}
  announce ${family} unicast
}
`;
  return `AS ${FOREIGN_AS}
router-id ${FOREIGN.v4}
listen on ${FOREIGN.v4}
listen on ${FOREIGN.v6}
socket "${join(folder, 'ctl')}"
fib-update no
${[...announces.v4, ...announces.v6].map((prefix) => `network ${prefix}\n`).join('')}
${neighbor(OURS.v4, FOREIGN.v4, 'IPv4')}${neighbor(OURS.v6, FOREIGN.v6, 'IPv6')}
allow from any
allow to any
`;
}
