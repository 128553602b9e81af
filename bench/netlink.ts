/**
 * Installing routes: our default transport, the optional one, and `ip -batch` as the yardstick.
 *
 * Runs in a network namespace of its own. docs/decisions/0001 argues with these figures.
 */

import { RT_SCOPE, RT_TABLE_MAIN, RTN } from '../src/kernel/netlink/constants.js';
import { type NetlinkTransportName, netlinkTransports } from '../src/kernel/netlink/index.js';
import { openRtNetlink } from '../src/kernel/open-rtnetlink.js';
import type { KernelRoute, RouteOp } from '../src/kernel/rtnetlink.js';
import { addressFromBits, hostCidr } from '../src/model/address.js';
import { createVeth, requirePrivateNetns, run } from '../test/helpers/netns.js';

const FIRST_ADDRESS = 0x0a000000n;

export const netlink = {
  name: 'netlink',
  work: 'install one /32 route',
  sizes: [10_000],
  contenders: [transport('koffi'), transport('node-netlink'), ipBatch()],
};

function transport(name: NetlinkTransportName) {
  return {
    name,
    unavailable: () => netlinkTransports[name].available(),
    async prepare(size: number) {
      requirePrivateNetns();
      const veth = await createVeth();
      const rtnetlink = openRtNetlink(await netlinkTransports[name].open());
      const link = (await rtnetlink.links()).find((candidate) => candidate.name === veth.name);
      const ops = Array.from({ length: size }, (_, host) => create(host, link?.index));
      return {
        async work() {
          const refusal = (await rtnetlink.apply(ops)).find((answer) => answer !== undefined);
          if (refusal) throw refusal;
        },
        async dispose() {
          await rtnetlink.close();
          await veth[Symbol.asyncDispose]();
        },
      };
    },
  };
}

function ipBatch() {
  return {
    name: 'ip -batch',
    async prepare(size: number) {
      requirePrivateNetns();
      const veth = await createVeth();
      const lines = Array.from(
        { length: size },
        (_, host) => `route add ${create(host, 1).route.destination} dev ${veth.name} scope link proto 80`,
      );
      const input = lines.join('\n');
      return {
        async work() {
          await run('ip', ['-batch', '-'], { input });
        },
        dispose: () => veth[Symbol.asyncDispose](),
      };
    },
  };
}

function create(host: number, interfaceIndex: number | undefined): RouteOp & { readonly route: KernelRoute } {
  return {
    op: 'create',
    object: 'route',
    route: {
      family: 4,
      destination: hostCidr(addressFromBits(FIRST_ADDRESS + BigInt(host), 4)),
      interfaceIndex,
      gateway: undefined,
      table: RT_TABLE_MAIN,
      protocol: 80,
      scope: RT_SCOPE.LINK,
      type: RTN.UNICAST,
      priority: undefined,
    },
  };
}
