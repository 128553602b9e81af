/**
 * From ConnectivityTests to packets: which probes show, in a running lab, whether a test holds. Pure.
 *
 * A test is about all pairs of endpoints that its two sides match, each port, each family that both ends have.
 * Where a test names no protocol, any packet would do: a ping and a TCP connection stand for all. Addresses
 * outside are stood for by the fabric.
 */
import { type Address, addressPart, cidrContains, familyOf, type IpFamily } from '../model/address.js';
import { type DesiredState, type ResourceOf, resourcesOf } from '../model/resource.js';
import { parsePortRange } from '../model/rule.js';
import { matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import { endpointLabels } from '../policy/endpoint-labels.js';
import { profileFrom } from '../policy/policy.js';
import type { LabPlan } from './lab-plan.js';
import type { Probe } from './prober.js';

export interface PlannedProbe {
  readonly test: string;
  readonly src: string;
  readonly dst: string;
  readonly family: IpFamily;
  readonly expected: 'allow' | 'deny';
  readonly probe: Probe;
}

interface Party {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly Address[];
}

/** Without a port in the test, TCP and UDP are tried on this one. */
const ANY_PORT = 80;

export function planProbes(state: DesiredState, plan: LabPlan): PlannedProbe[] {
  return resourcesOf(state.values(), 'ConnectivityTest').flatMap((test) => probesOf(test, state, plan));
}

function probesOf(test: ResourceOf<'ConnectivityTest'>, state: DesiredState, plan: LabPlan): PlannedProbe[] {
  const probes: PlannedProbe[] = [];
  for (const from of partiesOf(test.spec.from, state, plan)) {
    for (const to of partiesOf(test.spec.to, state, plan)) {
      if (from.namespace === to.namespace) continue;
      for (const address of to.addresses) {
        const family = familyOf(address);
        if (!from.addresses.some((own) => familyOf(own) === family)) continue;
        for (const kind of packetsOf(test, family)) {
          probes.push({
            test: test.metadata.name,
            src: from.name,
            dst: to.name,
            family,
            expected: test.spec.expect === 'Allow' ? 'allow' : 'deny',
            probe: { from: from.namespace, to: address, ...kind },
          });
        }
      }
    }
  }
  return probes;
}

function packetsOf(
  test: ResourceOf<'ConnectivityTest'>,
  family: IpFamily,
): Pick<Probe, 'protocol' | 'port'>[] {
  // Of a range the two ends stand for all.
  const ports = (test.spec.ports ?? [ANY_PORT]).flatMap((text) => {
    const range = parsePortRange(text);
    return range ? [...new Set([range.first, range.last])] : [];
  });
  switch (test.spec.protocol) {
    case undefined:
      return [{ protocol: 'icmp' }, ...ports.map((port) => ({ protocol: 'tcp', port }) as const)];
    case 'TCP':
      return ports.map((port) => ({ protocol: 'tcp', port }));
    case 'UDP':
      return ports.map((port) => ({ protocol: 'udp', port }));
    case 'ICMP':
      return family === 4 ? [{ protocol: 'icmp' }] : [];
    case 'ICMPv6':
      return family === 6 ? [{ protocol: 'icmp' }] : [];
    default:
      return [];
  }
}

type Side = ResourceOf<'ConnectivityTest'>['spec']['from'];

function partiesOf(side: Side, state: DesiredState, plan: LabPlan): Party[] {
  const { selector, endpoint, node, cidr } = side;
  if (selector !== undefined) {
    const expression = selectorAst(selector);
    return workloads(plan, state, (labels) => matchesSelector(expression, labels));
  }
  if (endpoint !== undefined) return plan.workloads.filter(({ name }) => name === endpoint);
  if (node !== undefined) return hosts(plan).filter(({ name }) => name === node);
  if (cidr !== undefined) {
    return [...plan.workloads, ...hosts(plan)].flatMap((party) => {
      const addresses = party.addresses.filter((address) => cidrContains(cidr, address));
      return addresses.length === 0 ? [] : [{ name: party.name, namespace: party.namespace, addresses }];
    });
  }
  const { namespace, gateways } = plan.fabric;
  return [{ name: 'outside', namespace, addresses: gateways.map(addressPart) }];
}

function hosts(plan: LabPlan): Party[] {
  return plan.hosts.map(({ name, namespace, addresses }) => ({
    name,
    namespace,
    addresses: addresses.map(addressPart),
  }));
}

function workloads(
  plan: LabPlan,
  state: DesiredState,
  accept: (labels: Readonly<Record<string, string>>) => boolean,
): Party[] {
  const profiles = resourcesOf(state.values(), 'Profile').map(profileFrom);
  const chosen = new Set(
    resourcesOf(state.values(), 'WorkloadEndpoint')
      .filter(({ metadata, spec }) => {
        const own = spec.profiles.flatMap((name) => profiles.find((profile) => profile.name === name) ?? []);
        return accept(endpointLabels(metadata.labels, own));
      })
      .map(({ metadata }) => metadata.name),
  );
  return plan.workloads.filter(({ name }) => chosen.has(name));
}
