/** ExaBGP: it has no table, so what it hears goes to a process that writes it down, a line an update. What
 * that process says is taken for commands, and no answer must be given to those (`api.ack`). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FOREIGN,
  FOREIGN_AS,
  type ForeignSetup,
  type ForeignSpeaker,
  OURS,
  prefixesIn,
} from './foreign-speaker.js';

const HEARD = 'heard.jsonl';

interface UpdateLine {
  readonly neighbor?: {
    readonly message?: {
      readonly update?: {
        readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly { nlri: string }[]>>>>;
        readonly withdraw?: Readonly<Record<string, readonly { nlri: string }[]>>;
      };
    };
  };
}

export const exabgp: ForeignSpeaker = {
  supportsPassword: true,
  async prepare(setup) {
    const file = join(setup.folder, 'exabgp.conf');
    await writeFile(file, config(setup));
    await writeFile(join(setup.folder, HEARD), '');
    return [
      'env',
      ...[
        'exabgp.daemon.user=root',
        'exabgp.api.cli=false',
        'exabgp.api.ack=false',
        'exabgp.log.level=ERR',
        'exabgp',
        file,
      ],
    ];
  },
  async heard({ folder }) {
    const prefixes = new Set<string>();
    for (const line of (await readFile(join(folder, HEARD), 'utf8')).split('\n').slice(0, -1)) {
      const update = (JSON.parse(line) as UpdateLine).neighbor?.message?.update;
      for (const byNextHop of Object.values(update?.announce ?? {}))
        for (const list of Object.values(byNextHop)) for (const { nlri } of list) prefixes.add(nlri);
      for (const list of Object.values(update?.withdraw ?? {}))
        for (const { nlri } of list) prefixes.delete(nlri);
    }
    return prefixesIn(prefixes);
  },
};

function config({ folder, password, announces }: ForeignSetup): string {
  const neighbor = (peer: string, local: string, family: string, prefixes: readonly string[]) => `
neighbor ${peer} {
  router-id ${FOREIGN.v4};
  local-address ${local};
  local-as ${FOREIGN_AS};
  peer-as ${OURS.as};
${password === undefined ? '' : `  md5-password '${password}';\n  md5-base64 false;`}
  family { ${family} unicast; }
  api { processes [ listener ]; receive { parsed; update; } }
  static {
${prefixes.map((prefix) => `    route ${prefix} next-hop self;\n`).join('')}  }
}
`;
  return `process listener {
  run /usr/bin/tee ${join(folder, HEARD)};
  encoder json;
}
${neighbor(OURS.v4, FOREIGN.v4, 'ipv4', announces.v4)}${neighbor(OURS.v6, FOREIGN.v6, 'ipv6', announces.v6)}`;
}
