/** The drivers of an agent that has an overlay and nothing else, on the real kernel. */
import { applySteps, runSteps } from '../../src/agent/dataplane/apply-steps.js';
import type { DriverFailure } from '../../src/agent/dataplane/driver.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { kernelDriversOf } from '../../src/agent/dataplane/kernel-kinds.js';
import { OverlayManager } from '../../src/agent/dataplane/managers/overlay-manager.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { IP_FAMILIES } from '../../src/model/address.js';
import type { OverlayModel } from '../../src/topology/overlay.js';
import { PREFIX, PROTOCOL } from '../agent/dataplane/drivers/driver-fixture.js';

export interface OverlayAgent extends AsyncDisposable {
  want(model: OverlayModel | undefined): void;
  /** Reads back, writes and sweeps; what failed, and what cannot be had. */
  apply(): Promise<readonly DriverFailure[]>;
  verify(): Promise<readonly DriverFailure[]>;
}

/** In the namespace of this process. */
export async function openOverlayAgent(model: OverlayModel | undefined): Promise<OverlayAgent> {
  const rtnetlink = openRtNetlink(await netlinkTransports.koffi.open());
  const conntrack = { flowsOf: async () => [], delete: async () => [] };
  const settings = { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX };
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    ...{ settings, rtnetlink, procSys, conntrack, hostAddresses },
  });
  const drivers = kernelDriversOf(wired.drivers);
  const steps = applySteps({ packetFilters: [], kernel: wired.drivers });
  const manager = new OverlayManager(wired);
  const want = (wanted: OverlayModel | undefined) => {
    manager.onUpdate({ type: 'overlay-update', model: wanted });
    manager.completeDeferredWork();
  };
  want(model);
  return {
    want,
    async apply(): Promise<readonly DriverFailure[]> {
      for (const driver of drivers) driver.queueResync();
      const { failures, impossible } = await runSteps(steps);
      return [...failures, ...impossible];
    },
    async verify(): Promise<readonly DriverFailure[]> {
      return (await Promise.all(drivers.map((driver) => driver.verify()))).flat();
    },
    [Symbol.asyncDispose]: () => rtnetlink.close(),
  };
}
