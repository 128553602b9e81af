/**
 * The registry of BGP speakers: adding one is a folder beside bird/ and a line here.
 */
import type { Exec } from '../../kernel/exec.js';
import type { Log } from '../../model/log.js';
import { createBirdSpeaker } from './bird/bird-speaker.js';
import { createBird1Speaker } from './bird1/bird1-speaker.js';
import { findRivals, withRivals } from './rival-daemons.js';
import type { BgpSpeaker } from './speaker.js';

/** managed: the agent runs the daemon. system: others do. none: this host is given policy and local routes only. */
export const BGP_MODES = ['managed', 'system', 'none'] as const;
export type BgpMode = (typeof BGP_MODES)[number];

export interface SpeakerOptions {
  readonly mode: BgpMode;
  /** A directory for the daemon's files alone; it has to outlive the agent. Its path has at most 98 bytes. */
  readonly stateDir: string;
  /** Where a daemon that others run has its files. Default: as Debian's bird2 package has them. */
  readonly system?: { readonly configFile: string; readonly controlSocket: string };
  /** Below which the passwords of sessions lie. */
  readonly secretsDir?: string | undefined;
  readonly exec: Exec;
  readonly log: Log;
}

export const speakers = { bird: createBirdSpeaker, bird1: createBird1Speaker } as const;

const DEBIAN_BIRD = { configFile: '/etc/bird/bird.conf', controlSocket: '/run/bird/bird.ctl' };

/** @throws {RangeError} when the state directory's path is too long. */
export function createBgpSpeaker(options: SpeakerOptions, name: keyof typeof speakers = 'bird'): BgpSpeaker {
  const { mode, stateDir, secretsDir, exec, log } = options;
  switch (mode) {
    case 'managed':
      return withRivals(speakers[name]({ daemon: { mode, stateDir }, secretsDir, exec, log }), () =>
        findRivals(stateDir),
      );
    case 'system':
      return speakers[name]({ daemon: { mode, ...(options.system ?? DEBIAN_BIRD) }, secretsDir, exec, log });
    case 'none':
      return NO_SPEAKER;
  }
}

/** Takes every model and does nothing: a daemon that runs already is left alone. */
const NO_SPEAKER: BgpSpeaker = {
  apply: async () => ({ changed: 0, failures: [] }),
  resync: async () => ({ changed: 0, failures: [] }),
  verify: async () => [],
  status: async () => ({ configured: 0, established: 0, sessions: [] }),
  close: () => {},
};
