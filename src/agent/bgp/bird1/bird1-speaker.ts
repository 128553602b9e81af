/**
 * BIRD 1.6 as a BGP speaker: two daemons, bird and bird6, each with the part of the model that is of its family.
 *
 * Each is kept by a BIRD speaker of its own, with files of its own; what one cannot do keeps nothing from the other.
 */
import { join } from 'node:path';
import { IP_FAMILIES, type IpFamily } from '../../../model/address.js';
import type { BgpModel } from '../../../topology/bgp-model.js';
import { type BirdDaemon, type BirdSpeakerOptions, createBirdSpeaker } from '../bird/bird-speaker.js';
import { bird1 } from '../bird/dialect.js';
import type { BgpSpeaker, BgpStatus } from '../speaker.js';

export interface Bird1SpeakerOptions extends Omit<BirdSpeakerOptions, 'program' | 'dialect'> {
  /** Where the programs lie; default: on the path. */
  readonly programsDir?: string;
}

const PROGRAMS = { 4: 'bird', 6: 'bird6' } as const;

/** @throws {RangeError} when the state directory's path is too long for a socket. */
export function createBird1Speaker({ daemon, programsDir, ...options }: Bird1SpeakerOptions): BgpSpeaker {
  const speakers = IP_FAMILIES.map((family) => ({
    family,
    speaker: createBirdSpeaker({
      ...options,
      daemon: daemonOf(family, daemon),
      program: programsDir === undefined ? PROGRAMS[family] : join(programsDir, PROGRAMS[family]),
      dialect: bird1(family),
    }),
  }));
  const each = <T>(ask: (speaker: BgpSpeaker, family: IpFamily) => Promise<T>) =>
    Promise.all(speakers.map(({ speaker, family }) => ask(speaker, family)));
  return {
    apply: async (model, settings) =>
      joined(await each((speaker, family) => speaker.apply(model && partOf(model, family), settings))),
    resync: async () => joined(await each((speaker) => speaker.resync())),
    verify: async () => (await each((speaker) => speaker.verify())).flat(),
    status: async () => summed(await each((speaker) => speaker.status())),
    close() {
      for (const { speaker } of speakers) speaker.close();
    },
  };
}

/** Files beside each other: `bird6.conf` beside `bird.conf`; or a folder for each below the state directory. */
function daemonOf(family: IpFamily, daemon: BirdDaemon): BirdDaemon {
  if (daemon.mode === 'managed') return { ...daemon, stateDir: join(daemon.stateDir, PROGRAMS[family]) };
  if (family === 4) return daemon;
  const six = (path: string) => path.replace(/bird(?=\.[^/]*$)/, 'bird6');
  return { ...daemon, configFile: six(daemon.configFile), controlSocket: six(daemon.controlSocket) };
}

function partOf(model: BgpModel, family: IpFamily): BgpModel {
  return { ...model, sessions: model.sessions.filter((session) => session.family === family) };
}

type Report = Awaited<ReturnType<BgpSpeaker['resync']>>;

function joined(reports: readonly Report[]): Report {
  return {
    changed: reports.reduce((sum, { changed }) => sum + changed, 0),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

function summed(statuses: readonly BgpStatus[]): BgpStatus {
  const problems = statuses.flatMap(({ problem }) => problem ?? []);
  return {
    configured: statuses.reduce((sum, { configured }) => sum + configured, 0),
    established: statuses.reduce((sum, { established }) => sum + established, 0),
    sessions: statuses.flatMap(({ sessions }) => sessions),
    ...(problems.length > 0 && { problem: problems.join('; ') }),
  };
}
