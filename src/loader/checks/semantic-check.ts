/**
 * What a schema cannot say of one resource: fields that need each other, ranges that depend on a family,
 * addresses that nobody can have.
 */
import { addressPart, familyOf, prefixLength } from '../../model/address.js';
import type { Resource, ResourceOf, SpecOf } from '../../model/resource.js';
import { hasPorts, protocolNumber } from '../../model/rule.js';
import { parseScope } from '../../model/scope.js';
import type { Fault } from '../report.js';
import { checkFilter, checkPeer, checkReflector } from './bgp-check.js';
import { checkBgpAddress, checkUnicast, invalid, unusablePart } from './invalid.js';
import { checkRules } from './rule-check.js';

/** Faults of a resource by itself. */
export function checkSemantics(resource: Resource): Fault[] {
  switch (resource.kind) {
    case 'IPPool':
      return checkPool(resource.spec);
    case 'Profile':
      return checkDirections(resource.spec);
    case 'GlobalNetworkPolicy':
      return [...checkPolicyName(resource), ...checkDirections(resource.spec), ...checkPolicy(resource.spec)];
    case 'WorkloadEndpoint':
      return checkEndpoint(resource.spec);
    case 'HostEndpoint':
      return checkHostEndpoint(resource.spec);
    case 'Node':
      return checkNode(resource.spec);
    case 'BGPPeer':
      return checkPeer(resource.spec);
    case 'BGPFilter':
      return checkFilter(resource.spec);
    case 'BGPConfiguration':
    case 'AgentConfiguration':
      return checkConfigurationName(resource);
    case 'RouteReflector':
      return checkReflector(resource.spec);
    case 'Tier':
    case 'GlobalNetworkSet':
    case 'IPReservation':
      return [];
    case 'ConnectivityTest':
      return checkTest(resource.spec);
  }
}

function checkPool(spec: SpecOf<'IPPool'>): Fault[] {
  const faults: Fault[] = [];
  const family = familyOf(spec.cidr);
  const part = unusablePart(spec.cidr);
  if (part)
    faults.push(
      invalid(
        ['spec', 'cidr'],
        spec.cidr,
        `the pool overlaps ${part.cidr}, and no workload can have ${part.what}`,
        'Choose a network of private or public unicast addresses',
      ),
    );
  const [shortest, longest] = family === 4 ? [20, 32] : [116, 128];
  const { blockSize } = spec;
  if (blockSize !== undefined && (blockSize < shortest || blockSize > longest))
    faults.push(
      invalid(
        ['spec', 'blockSize'],
        blockSize,
        `blocks of an IPv${family} pool have a prefix of ${shortest} to ${longest}`,
        `Write ${family === 4 ? 26 : 122}, or take the field away`,
        [['spec', 'cidr']],
      ),
    );
  else if (blockSize !== undefined && blockSize < prefixLength(spec.cidr))
    faults.push(
      invalid(
        ['spec', 'blockSize'],
        blockSize,
        `a block of /${blockSize} is larger than the pool ${spec.cidr}`,
        `Write at least ${prefixLength(spec.cidr)}`,
        [['spec', 'cidr']],
      ),
    );
  if (spec.ipipMode !== 'Never' && (family === 6 || spec.vxlanMode !== 'Never'))
    faults.push(
      invalid(
        ['spec', 'ipipMode'],
        spec.ipipMode,
        family === 6 ? 'IP in IP is for IPv4 pools only' : 'a pool has either IP in IP or VXLAN',
        family === 6 ? 'Write ipipMode: Never' : 'Write Never for one of ipipMode and vxlanMode',
        [
          ['spec', 'cidr'],
          ['spec', 'vxlanMode'],
        ],
      ),
    );
  return faults;
}

function checkDirections(spec: SpecOf<'Profile'> | SpecOf<'GlobalNetworkPolicy'>): Fault[] {
  return [...checkRules(spec.ingress, ['spec', 'ingress']), ...checkRules(spec.egress, ['spec', 'egress'])];
}

/** Names are stored without their tier, as Calico writes them since 3.32. */
function checkPolicyName({ metadata: { name }, spec }: ResourceOf<'GlobalNetworkPolicy'>): Fault[] {
  const prefix = `${spec.tier ?? 'default'}.`;
  if (name !== prefix) return [];
  return [
    invalid(
      ['metadata', 'name'],
      name,
      `the name of a policy may begin with its tier and a dot, and "${name}" is nothing else`,
      `Write ${name}NAME, or NAME alone`,
      [['spec', 'tier']],
    ),
  ];
}

function checkPolicy(spec: SpecOf<'GlobalNetworkPolicy'>): Fault[] {
  const faults: Fault[] = [];
  for (const [field, type] of [
    ['ingress', 'Ingress'],
    ['egress', 'Egress'],
  ] as const)
    if ((spec[field]?.length ?? 0) > 0 && !spec.types?.includes(type))
      faults.push({
        severity: 'warning',
        code: 'unmatchable-rule',
        path: ['spec', field],
        part: 'key',
        reads: [['spec', 'types']],
        message: `the ${field} rules of the policy never apply: its types lack ${type}`,
        hint: `Add ${type} to types, or take the rules away`,
      });
  if (spec.doNotTrack && spec.preDNAT)
    faults.push(
      invalid(['spec', 'preDNAT'], true, 'a policy has either doNotTrack or preDNAT', 'Remove one of them', [
        ['spec', 'doNotTrack'],
      ]),
    );
  if (spec.preDNAT && spec.types?.includes('Egress'))
    faults.push(
      invalid(
        ['spec', 'preDNAT'],
        true,
        'a policy with preDNAT has no egress',
        'Move the egress rules to another policy',
        [['spec', 'types']],
      ),
    );
  if ((spec.doNotTrack || spec.preDNAT) && !spec.applyOnForward)
    faults.push(
      invalid(
        ['spec', spec.doNotTrack ? 'doNotTrack' : 'preDNAT'],
        true,
        'a policy that acts before connection tracking or address translation sees forwarded packets too',
        'Add applyOnForward: true',
        [['spec', 'applyOnForward']],
      ),
    );
  return faults;
}

function checkEndpoint(spec: SpecOf<'WorkloadEndpoint'>): Fault[] {
  const faults = spec.ipNetworks.flatMap((cidr, index) =>
    checkUnicast(addressPart(cidr), ['spec', 'ipNetworks', index]),
  );
  const own = new Set(spec.ipNetworks.map(addressPart));
  for (const [index, { internalIP, externalIP }] of spec.ipNATs.entries()) {
    const path = ['spec', 'ipNATs', index];
    if (!own.has(internalIP))
      faults.push(
        invalid(
          [...path, 'internalIP'],
          internalIP,
          `${internalIP} is not an address of the endpoint`,
          'Write one of spec.ipNetworks',
          [['spec', 'ipNetworks']],
        ),
      );
    if (familyOf(internalIP) !== familyOf(externalIP))
      faults.push(
        invalid(
          [...path, 'externalIP'],
          externalIP,
          'an address is translated to one of the same IP version',
          `Write an IPv${familyOf(internalIP)} address`,
          [[...path, 'internalIP']],
        ),
      );
  }
  return faults;
}

function checkHostEndpoint(spec: SpecOf<'HostEndpoint'>): Fault[] {
  const faults = (spec.expectedIPs ?? []).flatMap((address, index) =>
    checkUnicast(address, ['spec', 'expectedIPs', index]),
  );
  if (spec.interfaceName === undefined && (spec.expectedIPs ?? []).length === 0)
    faults.push({
      code: 'missing-field',
      path: ['spec', 'interfaceName'],
      reads: [['spec', 'expectedIPs']],
      part: 'key',
      message: 'a host endpoint is found by its interfaceName or its expectedIPs, and has neither',
      hint: 'Add interfaceName, such as eth0',
    });
  return faults;
}

function checkNode(spec: SpecOf<'Node'>): Fault[] {
  return (['ipv4Address', 'ipv6Address'] as const).flatMap((field) => {
    const address = spec.bgp?.[field];
    return address ? checkBgpAddress(addressPart(address), ['spec', 'bgp', field]) : [];
  });
}

function checkTest(spec: SpecOf<'ConnectivityTest'>): Fault[] {
  const { protocol, ports } = spec;
  if (!ports || protocol === undefined || hasPorts(protocolNumber(protocol))) return [];
  return [
    invalid(
      ['spec', 'ports'],
      ports,
      `spec.ports needs a protocol that has ports, and ${protocol} has none`,
      'Take the ports away, or write protocol: TCP, UDP, SCTP or UDPLite',
      [['spec', 'protocol']],
    ),
  ];
}

function checkConfigurationName(
  resource: ResourceOf<'BGPConfiguration'> | ResourceOf<'AgentConfiguration'>,
): Fault[] {
  const { name } = resource.metadata;
  if (parseScope(name)) return [];
  return [
    invalid(
      ['metadata', 'name'],
      name,
      `a ${resource.kind} is named default, or node.NAME for one node`,
      `Write default, or node.${name} if ${name} is a node`,
    ),
  ];
}
