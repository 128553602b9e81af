/**
 * Flows over any netlink transport of NETLINK_NETFILTER.
 *
 * The table is one for all network namespaces, and a listing walks it whole: 3 ms for its buckets, and near 2 ms for
 * each thousand flows that are handed out. Where a few IPv4 addresses are asked for the kernel picks their flows, which
 * leaves a tenth of that. What arrives is looked through all the same: an older kernel knows no filter.
 */
import {
  addressBytes,
  addressFromBytes,
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  familyOf,
  IP_FAMILIES,
  type IpFamily,
  prefixLength,
} from '../model/address.js';
import type { Conntrack, Flow } from './conntrack.js';
import {
  decodeFlow,
  decodeFlowEnd,
  encodeFlowDeletion,
  encodeFlowDump,
  encodeFlowDumpOf,
  type FlowEnd,
} from './netlink/flow.js';
import type { NetlinkMessage, NetlinkRequest, NetlinkTransport } from './netlink/transport.js';

/** Each takes two listings: with more, a single one of everything is sooner done. */
const ADDRESSES_ASKED_FOR = 2;

/** The transport is closed together with what is returned. */
export function openConntrack(transport: NetlinkTransport): Conntrack {
  return {
    async flowsOf(networks) {
      const flows: Flow[] = [];
      for (const family of IP_FAMILIES) {
        const wanted = networks.filter((network) => familyOf(network) === family);
        if (wanted.length > 0) flows.push(...(await listFlows(transport, family, wanted)));
      }
      return flows;
    },
    async delete(flows) {
      const answers = await transport.request(flows.map(encodeFlowDeletion));
      return answers.map((error) => (error?.code === 'ENOENT' ? undefined : error));
    },
    close: () => transport.close(),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

async function listFlows(
  transport: NetlinkTransport,
  family: IpFamily,
  networks: readonly Cidr[],
): Promise<readonly Flow[]> {
  const flows: Flow[] = [];
  for (const { request, isWanted } of listings(family, networks)) {
    for (const message of await transport.dump(request)) {
      const flow = isWanted(message) ? decodeFlow(message) : undefined;
      if (flow) flows.push(flow);
    }
  }
  return flows;
}

interface Listing {
  readonly request: NetlinkRequest;
  readonly isWanted: (message: NetlinkMessage) => boolean;
}

/** What to ask, and which of the answers to take: each flow once. */
function listings(family: IpFamily, networks: readonly Cidr[]): readonly Listing[] {
  const opened = hasEnd('opener', networks);
  const answered = hasEnd('answerer', networks);
  const areFew = networks.length <= ADDRESSES_ASKED_FOR && networks.every(isAddress);
  if (family === 6 || !areFew)
    return [{ request: encodeFlowDump(family), isWanted: (message) => opened(message) || answered(message) }];
  return networks.flatMap((network): Listing[] => {
    const address = addressPart(network);
    const answers = hasEnd('answerer', [network]);
    return [
      { request: encodeFlowDumpOf(address, 'opener'), isWanted: hasEnd('opener', [network]) },
      {
        request: encodeFlowDumpOf(address, 'answerer'),
        isWanted: (message) => answers(message) && !opened(message),
      },
    ];
  });
}

function isAddress(network: Cidr): boolean {
  return prefixLength(network) === addressLength(familyOf(network));
}

/** Compares octets: to write out the addresses of a hundred thousand flows takes longer than to list them. */
function hasEnd(end: FlowEnd, networks: readonly Cidr[]): (message: NetlinkMessage) => boolean {
  const addresses = new Set(
    networks.filter(isAddress).map((network) => text(addressBytes(addressPart(network)))),
  );
  const larger = networks.filter((network) => !isAddress(network));
  return (message) => {
    const octets = decodeFlowEnd(message, end);
    if (octets === undefined) return false;
    return (
      addresses.has(text(octets)) || larger.some((network) => cidrContains(network, addressFromBytes(octets)))
    );
  };
}

function text(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
