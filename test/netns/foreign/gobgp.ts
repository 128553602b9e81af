/** GoBGP: configuration in TOML, everything else by gRPC through gobgp(1). */
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

const API_PORT = '50051';

export const gobgp: ForeignSpeaker = {
  supportsPassword: true,
  async prepare({ folder, password }) {
    const file = join(folder, 'gobgpd.toml');
    await writeFile(file, config(password));
    return ['gobgpd', '-f', file, '--api-hosts', `127.0.0.1:${API_PORT}`, '--log-level', 'error'];
  },
  async announce(setup) {
    for (const prefix of setup.announces.v4) await gobgpTool(setup, 'global', 'rib', 'add', prefix);
    for (const prefix of setup.announces.v6)
      await gobgpTool(setup, 'global', 'rib', '-a', 'ipv6', 'add', prefix, 'nexthop', FOREIGN.v6);
  },
  async heard(setup) {
    const v4 = JSON.parse(await gobgpTool(setup, 'neighbor', OURS.v4, 'adj-in', '-j'));
    const v6 = JSON.parse(await gobgpTool(setup, 'neighbor', OURS.v6, 'adj-in', '-a', 'ipv6', '-j'));
    return prefixesIn([...Object.keys(v4), ...Object.keys(v6)]);
  },
};

function gobgpTool({ namespace }: ForeignSetup, ...words: string[]): Promise<string> {
  return namespace.run('gobgp', ['-u', '127.0.0.1', '-p', API_PORT, ...words]);
}

function config(password: string | undefined): string {
  const neighbor = (peer: string, local: string, family: string) => `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${peer}"
    peer-as = ${OURS.as}
${password === undefined ? '' : `    auth-password = "${password}"`}
  [neighbors.transport.config]
    local-address = "${local}"
  [neighbors.timers.config]
    connect-retry = 1
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "${family}-unicast"
`;
  return `[global.config]
  as = ${FOREIGN_AS}
  router-id = "${FOREIGN.v4}"
${neighbor(OURS.v4, FOREIGN.v4, 'ipv4')}${neighbor(OURS.v6, FOREIGN.v6, 'ipv6')}`;
}
