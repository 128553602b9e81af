/** FRR: bgpd alone, without zebra, asked through vtysh(1). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FOREIGN,
  FOREIGN_AS,
  type ForeignSetup,
  type ForeignSpeaker,
  OURS,
  prefixesIn,
} from './foreign-speaker.js';

export const frr: ForeignSpeaker = {
  supportsPassword: true,
  async prepare(setup) {
    const { folder } = setup;
    const file = join(folder, 'bgpd.conf');
    await writeFile(file, config(setup));
    return [
      '/usr/lib/frr/bgpd',
      ...['--skip_runas', '--no_kernel', '--vty_port', '0', '--vty_socket', folder],
      ...['-f', file, '-i', join(folder, 'bgpd.pid'), '-z', join(folder, 'zserv.sock')],
    ];
  },
  async heard(setup) {
    const asked = await Promise.all(
      ['ipv4', 'ipv6'].map(async (family) => {
        const { routes } = JSON.parse(await vtysh(setup, `show bgp ${family} unicast json`));
        return Object.entries<readonly { peerId: string }[]>(routes)
          .filter(([, paths]) => paths.some(({ peerId }) => peerId === OURS.v4 || peerId === OURS.v6))
          .map(([prefix]) => prefix);
      }),
    );
    return prefixesIn(asked.flat());
  },
};

function vtysh({ namespace, folder }: ForeignSetup, command: string): Promise<string> {
  return namespace.run('vtysh', ['--vty_socket', folder, '-d', 'bgpd', '-c', command]);
}

function config({ password, announces }: ForeignSetup): string {
  const secret = (peer: string) =>
    password === undefined ? '' : `  neighbor ${peer} password ${password}\n`;
  const networks = (prefixes: readonly string[]) => prefixes.map((one) => `    network ${one}\n`).join('');
  return `router bgp ${FOREIGN_AS}
  bgp router-id ${FOREIGN.v4}
  no bgp ebgp-requires-policy
  no bgp network import-check
  no bgp default ipv4-unicast
  neighbor ${OURS.v4} remote-as ${OURS.as}
  neighbor ${OURS.v4} timers connect 1
${secret(OURS.v4)}  neighbor ${OURS.v6} remote-as ${OURS.as}
  neighbor ${OURS.v6} timers connect 1
${secret(OURS.v6)}  address-family ipv4 unicast
    neighbor ${OURS.v4} activate
${networks(announces.v4)}  exit-address-family
  address-family ipv6 unicast
    neighbor ${OURS.v6} activate
${networks(announces.v6)}  exit-address-family
`;
}
