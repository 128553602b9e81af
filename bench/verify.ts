import { networkFrom } from '../src/verify/network.js';
import { diffConnectivity } from '../src/verify/semantic-diff.js';
import type { Row } from './row.js';
import { verifyNetwork } from './verify-network.js';

const POLICIES_PER_ENDPOINT = 1 / 10;
const CHANGED_POLICIES = 5;

/** Who could then talk to whom, when five policies change, against reading the two networks alone. */
export const verify: Row = {
  name: 'verify',
  work: 'compare the connectivity of one endpoint, a policy for ten of them',
  sizes: [1_000, 10_000, 50_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const { before, after } = twoNetworks(size);
        return {
          work() {
            const { gained, lost } = diffConnectivity(networkFrom(before), networkFrom(after));
            if (gained.length === 0 || gained.length + lost.length > 100 * CHANGED_POLICIES)
              throw new Error(`${gained.length} gained and ${lost.length} lost`);
          },
        };
      },
    },
    {
      name: 'reading them alone',
      async prepare(size) {
        const { before, after } = twoNetworks(size);
        return {
          work() {
            for (const resources of [before, after])
              if (networkFrom(resources).endpoints.length !== size) throw new Error('Not all were read');
          },
        };
      },
    },
  ],
};

function twoNetworks(endpoints: number) {
  const size = { endpoints, policies: endpoints * POLICIES_PER_ENDPOINT };
  return { before: verifyNetwork(size), after: verifyNetwork(size, CHANGED_POLICIES) };
}
