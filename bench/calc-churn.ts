/**
 * The calculation graph of one host, up to Felix's design target: 100,000 endpoints and 2,000 policies.
 *
 * Measured is the steady state: a thousand times, an endpoint of another host changes its labels and its address,
 * and the graph is flushed. The yardstick is a graph built anew, once, for the same network: what a single change
 * would cost if the graph were not incremental.
 */
import { createCalcGraph } from '../src/agent/calc/calc-graph.js';
import type { Update } from '../src/agent/syncer/update.js';
import type { StoredId } from '../src/layout/layout.js';
import { addressFromBits, hostCidr } from '../src/model/address.js';
import type { Kind, ResourceOf, SpecOf } from '../src/model/resource.js';
import { toSelectorText } from '../src/model/selector/selector.js';
import { bgpModelFor } from '../src/topology/bgp.js';
import type { Row } from './row.js';

const POLICIES = 2_000;
const HOSTS = 1_000;
const CHANGES = 1_000;

export const calcChurn: Row = {
  name: 'calc-churn',
  work: 'a thousand changes of remote endpoints, each flushed, in a network of this many',
  sizes: [10_000, 30_000, 100_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const graph = createCalcGraph({ node: 'host-0', computeBgp: bgpModelFor });
        for (const update of network(size)) graph.onUpdate(update);
        graph.flush();
        return {
          work() {
            for (let change = 1; change <= CHANGES; change += 1) {
              graph.onUpdate(endpoint((change * 7) % size, change));
              graph.flush();
            }
          },
        };
      },
    },
    {
      name: 'built anew, once',
      async prepare(size) {
        const updates = network(size);
        return {
          work() {
            const graph = createCalcGraph({ node: 'host-0', computeBgp: bgpModelFor });
            for (const update of updates) graph.onUpdate(update);
            graph.flush();
          },
        };
      },
    },
  ],
};

function network(endpoints: number): readonly Update[] {
  return [
    ...Array.from({ length: POLICIES }, (_, number) => policy(number)),
    ...Array.from({ length: endpoints }, (_, number) => endpoint(number, 0)),
  ];
}

/** Every policy guards one application, and lets the next one in. */
function policy(number: number): Update {
  const rule = {
    action: 'Allow',
    source: { selector: selector(`app == 'a${(number + 1) % POLICIES}'`) },
  } as const;
  return update('GlobalNetworkPolicy', `default/p${number}`, {
    order: number,
    selector: selector(`app == 'a${number}' && has(zone)`),
    types: ['Ingress'],
    ingress: [rule],
    doNotTrack: false,
    preDNAT: false,
    applyOnForward: false,
  });
}

function endpoint(number: number, generation: number): Update {
  const address = addressFromBits(BigInt((10 << 24) + ((number + generation) % (1 << 24))), 4);
  const host = number % HOSTS;
  const spec = {
    node: `host-${host}`,
    orchestrator: 'heddle',
    endpoint: 'eth0',
    interfaceName: `cali${number}`,
    ipNetworks: [hostCidr(address)],
    ipNATs: [],
    profiles: [],
    state: 'active',
  } as const;
  const labels = { app: `a${(number + generation) % POLICIES}`, zone: `z${number % 7}` };
  return update('WorkloadEndpoint', `host-${host}/heddle/w${number}/eth0`, spec, labels);
}

function update<K extends Kind>(
  kind: K,
  name: string,
  spec: SpecOf<K>,
  labels: Readonly<Record<string, string>> = {},
): Update {
  const metadata = { name, labels, annotations: {} };
  const resource: ResourceOf<K> = { kind, metadata, spec, origin: { file: '', line: 1, col: 1 } };
  return { id: `${kind}/${name}` as StoredId, kind, resource: resource as NonNullable<Update['resource']> };
}

function selector(text: string) {
  const parsed = toSelectorText(text);
  if (!parsed) throw new TypeError(`Not a selector: ${text}`);
  return parsed;
}
