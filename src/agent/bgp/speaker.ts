/**
 * What the agent asks of a BGP daemon, whichever it is.
 *
 * A speaker brings the daemon to a model and says how its sessions are. It never throws for what can go wrong on a
 * host: a failure is reported, the daemon goes on with what it has, and the next apply tries again (law 3).
 */
import type { Address, IpFamily } from '../../model/address.js';
import type { BgpModel } from '../../topology/bgp-model.js';
import type { AgentSettings } from '../calc/agent-settings.js';
import type { ApplyReport, DriverFailure } from '../dataplane/driver.js';

/** The part of the agent's settings that shapes the daemon's configuration. */
export type SpeakerSettings = Pick<AgentSettings, 'deviceRouteProtocol'>;

export interface SessionStatus {
  /** As the daemon calls it: Mesh_10_0_0_2. */
  readonly name: string;
  readonly peerName: string;
  readonly family: IpFamily;
  readonly peerAddress: Address;
  readonly established: boolean;
  /** The state of RFC 4271 section 8.2.2 (or the daemon's own word); `Unknown` when the daemon does not know it. */
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly since: string | undefined;
  /** Routes taken from the peer, and given to it. */
  readonly imported: number;
  readonly exported: number;
  readonly lastError: string | undefined;
}

export interface BgpStatus {
  /** Sessions that the model asks for. */
  readonly configured: number;
  readonly established: number;
  /** In the order of the model. */
  readonly sessions: readonly SessionStatus[];
  /** Why the daemon could not be asked, or which sessions cannot be made and why. */
  readonly problem?: string;
}

export interface BgpSpeaker {
  /** Brings the daemon to this model. undefined: this host takes no part in BGP. */
  apply(model: BgpModel | undefined, settings?: SpeakerSettings): Promise<ApplyReport>;
  /** Compares the daemon with what was applied last, and repairs it. Called on a timer. */
  resync(): Promise<ApplyReport>;
  /** Names what is not as it was applied last. Sessions that are down are not its concern, but status's. */
  verify(): Promise<readonly DriverFailure[]>;
  status(): Promise<BgpStatus>;
  /** Lets go of the daemon, which runs on with all its sessions (law 5). */
  close(): void;
}
