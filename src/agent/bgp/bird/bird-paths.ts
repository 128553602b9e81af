/** Where a managed BIRD keeps its files: all in one directory of the agent's state. */
import { join } from 'node:path';

export interface BirdPaths {
  readonly config: string;
  readonly controlSocket: string;
  readonly pidFile: string;
  readonly logFile: string;
}

/** The size of sun_path (unix(7)), less its final zero. */
const LONGEST_SOCKET_PATH = 107;

/** @throws {RangeError} when the directory's path leaves no room for a socket in it. */
export function birdPathsIn(stateDir: string): BirdPaths {
  const controlSocket = join(stateDir, 'bird.ctl');
  const length = Buffer.byteLength(controlSocket);
  if (length > LONGEST_SOCKET_PATH)
    throw new RangeError(
      `${controlSocket}: ${length} bytes, a socket's path has at most ${LONGEST_SOCKET_PATH}; use a shorter state directory`,
    );
  return {
    config: join(stateDir, 'bird.conf'),
    controlSocket,
    pidFile: join(stateDir, 'bird.pid'),
    logFile: join(stateDir, 'bird.log'),
  };
}
