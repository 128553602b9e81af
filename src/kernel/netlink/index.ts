/**
 * The netlink transports by the name that `--netlink` takes.
 *
 * Each is loaded when it is opened: both need a native library, which `heddle validate` shall not wait for and
 * which need not be there.
 */
import type { NetlinkTransport } from './transport.js';

export interface NetlinkTransportOptions {
  /** NETLINK_*; default NETLINK_ROUTE. */
  readonly protocol?: number;
}

export interface NetlinkTransportFactory {
  /** @throws when its native library cannot be loaded, or the kernel refuses. */
  open(options?: NetlinkTransportOptions): Promise<NetlinkTransport>;
  /** Why it cannot be opened on this machine; undefined when it can. */
  available(): Promise<string | undefined>;
}

export const netlinkTransports = {
  koffi: {
    async open(options?: NetlinkTransportOptions) {
      return (await import('./koffi/koffi-transport.js')).openKoffiTransport(options);
    },
    async available() {
      return whyNot(() => import('./koffi/koffi-transport.js'));
    },
  },
  'node-netlink': {
    async open(options?: NetlinkTransportOptions) {
      return (await import('./node-netlink/node-netlink-transport.js')).openNodeNetlinkTransport(options);
    },
    async available() {
      return whyNot(() => import('./node-netlink/node-netlink-transport.js'));
    },
  },
} satisfies Record<string, NetlinkTransportFactory>;

export type NetlinkTransportName = keyof typeof netlinkTransports;

async function whyNot(load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
