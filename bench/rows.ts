import { agentStart } from './agent-start.js';
import { apply } from './apply.js';
import { bgpBlocks, bgpChange, bgpMesh } from './bgp.js';
import { bgpMeshUp, bgpReflectedUp, bgpRoute } from './bgp-hosts.js';
import { calcChurn } from './calc-churn.js';
import { churn } from './churn.js';
import { firstProgramming, oneEndpoint, oneRule } from './dataplane.js';
import { fanOut } from './fan-out.js';
import { flows } from './flows.js';
import { load } from './load.js';
import { netlink } from './netlink.js';
import { pushToLive } from './push-to-live.js';
import type { Row } from './row.js';
import { verdict } from './verdict.js';
import { verify, verifyNaive, verifyOne, verifyPlan, verifyRich } from './verify.js';

/** Adding a row is one file and one line here. */
export const rows: readonly Row[] = [
  load,
  netlink,
  calcChurn,
  firstProgramming,
  oneEndpoint,
  oneRule,
  verdict,
  agentStart,
  apply,
  churn,
  fanOut,
  pushToLive,
  verify,
  verifyRich,
  verifyOne,
  verifyPlan,
  verifyNaive,
  flows,
  bgpMesh,
  bgpBlocks,
  bgpChange,
  bgpRoute,
  bgpMeshUp,
  bgpReflectedUp,
];
