/**
 * The calculation graph of one host in a network of 100,000 endpoints and 2,000 policies (Felix's design target).
 *
 * Measured are the first flush, and the steady state: one endpoint of another host changes its labels and its
 * address, and the graph is flushed. The yardstick is a graph built anew for the same network, which is what a change
 * would cost if the graph were not incremental.
 */
import { createCalcGraph } from '../src/agent/calc/calc-graph.js';
import type { Update } from '../src/agent/syncer/update.js';
import type { StoredId } from '../src/layout/layout.js';
import { addressFromBits, hostCidr } from '../src/model/address.js';
import type { Kind, ResourceOf, SpecOf } from '../src/model/resource.js';
import { toSelectorText } from '../src/model/selector/selector.js';
import { bgpModelFor } from '../src/topology/bgp.js';

const ENDPOINTS = 100_000;
const POLICIES = 2_000;
const HOSTS = 1_000;
const CHANGES = 10_000;

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export function run(): readonly Measurement[] {
  const network = [
    ...Array.from({ length: POLICIES }, (_, number) => policy(number)),
    ...Array.from({ length: ENDPOINTS }, (_, number) => endpoint(number, 0)),
  ];
  const graph = createCalcGraph({ node: 'host-0', computeBgp: bgpModelFor });
  const first = elapsedMs(() => {
    for (const update of network) graph.onUpdate(update);
    graph.flush();
  });
  let messages = 0;
  const churn = elapsedMs(() => {
    for (let change = 1; change <= CHANGES; change += 1) {
      graph.onUpdate(endpoint((change * 7) % ENDPOINTS, change));
      messages += graph.flush().length;
    }
  });
  return [
    { name: 'yardstick: whole network, first flush', value: first, unit: 'ms' },
    { name: 'one endpoint changes, and a flush', value: churn / CHANGES, unit: 'ms' },
    { name: 'such changes', value: CHANGES / (churn / 1_000), unit: '/s' },
    { name: 'messages of such a change', value: messages / CHANGES, unit: '' },
    { name: 'times faster than the yardstick', value: first / (churn / CHANGES), unit: '' },
  ];
}

function elapsedMs(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
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
  const host = Math.floor(number / (ENDPOINTS / HOSTS));
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
