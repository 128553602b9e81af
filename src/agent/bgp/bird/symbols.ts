/**
 * Names of BIRD protocols, as Calico's operators know them: Mesh_10_0_0_2, Node_fd00__7_port_1790.
 *
 * The name says why the session exists and whom it is with, so it is stable: a session that stays the same keeps its
 * name through every reconfiguration, and BIRD leaves it alone. At most 57 of the 64 characters that BIRD allows.
 */

import type { BgpSession } from '../../../topology/bgp-model.js';
import { DEFAULT_BGP_PORT } from '../../../topology/speaker.js';
import { type BirdText, symbol } from './bird-text.js';

/** Unlike addresses have unlike names: dots and colons never stand in one address together. */
export function sessionSymbol(session: Pick<BgpSession, 'origin' | 'peerAddress' | 'peerPort'>): BirdText {
  const port = session.peerPort === DEFAULT_BGP_PORT ? '' : `_port_${session.peerPort}`;
  return symbol(`${session.origin}_`, session.peerAddress.replace(/[.:]/g, '_') + port);
}
