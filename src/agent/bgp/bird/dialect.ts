/**
 * In what the configuration languages of BIRD 2 and BIRD 1.6 differ, and nothing else of it.
 *
 * BIRD 2 is one daemon for both families, and what concerns one family of a protocol stands in a channel. BIRD 1.6,
 * which the documents of Calico v1 and v2 have, is a daemon for each (bird and bird6): what would stand in the channel
 * stands in the protocol, and where it listens is said once for all sessions.
 */
import { IP_FAMILIES, type IpFamily } from '../../../model/address.js';
import type { BgpModel, BgpSession } from '../../../topology/bgp-model.js';
import { address, type BirdText, bird, block, quotedPath } from './bird-text.js';

export interface BirdDialect {
  /** What one daemon speaks. */
  readonly families: readonly IpFamily[];
  /** Statements about one family, where they stand in a protocol. */
  channel(family: IpFamily, ...body: readonly (BirdText | undefined)[]): readonly (BirdText | undefined)[];
  /** That a protocol without statements of its own has this family. */
  channelOf(family: IpFamily): readonly BirdText[];
  /** Between all protocols. */
  preamble(model: Pick<BgpModel, 'listenPort' | 'bindsToAddress' | 'sessions'>): readonly BirdText[];
  /** Of a file that does not grow without end, where the daemon can see to that. */
  logFile(path: string): BirdText;
  /** A burst of a thousand routes overflows the default buffer, and then waits for the next scan. */
  readonly kernelOptions: readonly BirdText[];
  /** Of a daemon that takes no part in BGP. */
  readonly idleOptions: readonly BirdText[];
  /** In the template of sessions. */
  bind(model: Pick<BgpModel, 'bindsToAddress'>): BirdText | undefined;
  /** The two ends of a session. */
  ends(
    session: BgpSession,
    model: Pick<BgpModel, 'listenPort' | 'bindsToAddress'>,
  ): readonly (BirdText | undefined)[];
}

export const BIRD_2: BirdDialect = {
  families: IP_FAMILIES,
  channel: (family, ...body) => [bird`${block(bird`ipv${family}`, ...body)};`],
  channelOf: (family) => [bird`ipv${family};`],
  preamble: () =>
    [bird`log`, bird`base`, bird`protocol`].map(
      (what) => bird`timeformat ${what} "%Y-%m-%dT%H:%M:%S.%3f%z";`,
    ),
  logFile: (path) => bird`${quotedPath(path)} 1048576 ${quotedPath(`${path}.1`)}`,
  kernelOptions: [bird`netlink rx buffer 16777216;`],
  idleOptions: [],
  bind: ({ bindsToAddress }) => (bindsToAddress ? bird`strict bind on;` : undefined),
  ends: (
    { localAddress, localAs, peerAddress, peerPort, peerAs, sourceAddress },
    { listenPort, bindsToAddress },
  ) => {
    const source = sourceAddress === 'None' ? bird`` : bird` ${address(localAddress)}`;
    return [
      // BIRD has no address to bind to then, and refuses.
      sourceAddress === 'None' && bindsToAddress ? bird`strict bind off;` : undefined,
      bird`local${source} port ${listenPort} as ${localAs};`,
      bird`neighbor ${address(peerAddress)} port ${peerPort} as ${peerAs};`,
    ];
  },
};

/** The daemon of one family. */
export function bird1(family: IpFamily): BirdDialect {
  return {
    families: [family],
    channel: (_, ...body) => body,
    channelOf: () => [],
    preamble: ({ listenPort, bindsToAddress, sessions }) => {
      const own = sessions.find((session) => session.family === family)?.localAddress;
      const at = bindsToAddress && own !== undefined ? bird` address ${address(own)}` : bird``;
      return [bird`timeformat protocol "%Y-%m-%dT%H:%M:%S%z";`, bird`listen bgp${at} port ${listenPort};`];
    },
    logFile: quotedPath,
    kernelOptions: [],
    // bird6 finds none by itself, and does not start without.
    idleOptions: [bird`router id 127.0.0.1;`],
    bind: () => undefined,
    ends: ({ localAddress, localAs, peerAddress, peerPort, peerAs, sourceAddress }) => [
      bird`local as ${localAs};`,
      sourceAddress === 'None' ? undefined : bird`source address ${address(localAddress)};`,
      bird`neighbor ${address(peerAddress)} port ${peerPort} as ${peerAs};`,
    ],
  };
}
