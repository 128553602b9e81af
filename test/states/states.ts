/**
 * Situations of the store, and stories that lead from one to the next. All seen from host-1.
 */
import type { SpecOf } from '../../src/model/resource.js';
import { block, cidr, policy, resource, selector, workload } from '../helpers/build-resources.js';
import { State } from './state.js';

const { empty } = State;
const ALLOW = { action: 'Allow' } as const;
const DENY = { action: 'Deny' } as const;
const BOTH = ['Ingress', 'Egress'] as const;

function profile(name: string, spec: SpecOf<'Profile'>) {
  return resource('Profile', name, spec);
}

function tier(name: string, order: number, defaultAction: 'Deny' | 'Pass' = 'Deny') {
  return resource('Tier', name, { order, defaultAction });
}

// --- endpoints and profiles

const w1 = workload('w1', {
  addresses: ['10.65.0.1', 'fd00:65::1'],
  profiles: ['web'],
  labels: { role: 'api' },
});
const w2 = workload('w2', { addresses: ['10.65.0.2'], profiles: ['web'], labels: { role: 'db' } });
const remote = workload('r1', {
  node: 'host-2',
  addresses: ['10.65.1.1', 'fd00:65:1::1'],
  profiles: ['web'],
});
const openWeb = profile('web', {
  ingress: [{ ...ALLOW, source: { tag: 'web' } }],
  egress: [ALLOW],
  tags: ['web'],
});

export const localEndpoint = empty.with('a local endpoint whose profile is missing', w1);
export const localEndpointWithProfile = localEndpoint.with('its profile exists', openWeb);
export const twoLocalEndpoints = localEndpointWithProfile.with('a second local endpoint', w2);
export const remoteEndpoint = twoLocalEndpoints.with('an endpoint of another host', remote);
export const sharedAddress = remoteEndpoint.with(
  'a local endpoint with the address of the remote one',
  workload('w3', { addresses: ['10.65.1.1'], profiles: ['web'] }),
);
export const sharedAddressLeft = sharedAddress.without('the remote one is gone', remote);
export const movedEndpoint = remoteEndpoint
  .without('moving', w2)
  .with(
    'an endpoint moved to the other host',
    workload('w2', { node: 'host-2', addresses: ['10.65.0.2'], profiles: ['web'], labels: { role: 'db' } }),
  );
export const profileGone = remoteEndpoint.without('the profile is gone again', openWeb);
export const profileWithoutTags = remoteEndpoint.with(
  'the profile gives no tag any more',
  profile('web', { ingress: [{ ...ALLOW, source: { tag: 'web' } }], egress: [ALLOW] }),
);
export const profileWithoutTagRule = remoteEndpoint.with(
  'no rule asks for the tag any more',
  profile('web', { ingress: [ALLOW], egress: [ALLOW], tags: ['web'] }),
);
export const otherProfiles = remoteEndpoint.with(
  'an endpoint with two other profiles, one of them missing',
  profile('closed', { ingress: [DENY], tags: ['closed'] }),
  workload('w1', { addresses: ['10.65.0.1', 'fd00:65::1'], profiles: ['closed', 'gone'] }),
);
export const otherAddresses = remoteEndpoint.with(
  'endpoints with other addresses',
  workload('w1', { addresses: ['10.65.0.9', 'fd00:65::1'], profiles: ['web'], labels: { role: 'api' } }),
  workload('r1', { node: 'host-2', addresses: ['10.65.0.1'], profiles: ['web'] }),
);
export const inactive = remoteEndpoint.with(
  'an endpoint that is inactive',
  workload('w1', { addresses: ['10.65.0.1'], profiles: ['web'], state: 'inactive' }),
);
export const noProfiles = remoteEndpoint.with(
  'an endpoint without profiles',
  workload('w1', { addresses: ['10.65.0.1'] }),
);
export const noAddresses = remoteEndpoint.with(
  'an endpoint without addresses',
  workload('w1', { profiles: ['web'] }),
);

// --- policies

const fromApi = {
  ...ALLOW,
  protocol: 'TCP',
  source: { selector: selector("role == 'api'") },
  destination: { ports: [5432] },
} as const;
const guardDb = policy('guard-db', {
  order: 100,
  selector: selector("role == 'db'"),
  types: ['Ingress'],
  ingress: [fromApi],
});

export const policed = remoteEndpoint.with('a policy that picks one endpoint', guardDb);
export const policyOrder = policed.with(
  'policies in the order of their numbers and names',
  policy('c', { order: 100, selector: selector('has(role)'), types: BOTH }),
  policy('b', { selector: selector('all()'), types: BOTH, egress: [ALLOW] }),
  policy('a', { order: 1, types: ['Egress'], egress: [{ action: 'Pass' }] }),
);
export const policyReordered = policyOrder.with(
  'one of them is asked first now',
  policy('b', { order: -1, selector: selector('all()'), types: BOTH, egress: [ALLOW] }),
);
export const policyPicksNobody = policed.with(
  'the policy picks nobody',
  policy('guard-db', {
    order: 100,
    selector: selector("role == 'cache'"),
    types: ['Ingress'],
    ingress: [fromApi],
  }),
);
export const policyPicksAnother = policed.with(
  'the policy picks another endpoint',
  policy('guard-db', {
    order: 100,
    selector: selector("role == 'api'"),
    types: ['Ingress'],
    ingress: [fromApi],
  }),
);
export const relabelled = policed.with(
  'the endpoints change their roles',
  workload('w1', { addresses: ['10.65.0.1', 'fd00:65::1'], profiles: ['web'], labels: { role: 'db' } }),
  workload('w2', { addresses: ['10.65.0.2'], profiles: ['web'], labels: { role: 'api' } }),
);
export const inheritedLabels = policed.with(
  'the profile makes databases of those without a role',
  profile('web', {
    ingress: [{ ...ALLOW, source: { tag: 'web' } }],
    tags: ['web'],
    labelsToApply: { role: 'db', zone: 'a' },
  }),
  workload('w1', { addresses: ['10.65.0.1'], profiles: ['web'] }),
);
export const sameSetTwice = policed.with(
  'two rules name the same set in different words',
  policy('also', {
    selector: selector('has(role)'),
    types: ['Egress'],
    egress: [{ ...ALLOW, destination: { selector: selector('role=="api"') } }],
  }),
);
export const oneUserLeft = sameSetTwice.without('one of them is gone', guardDb);
export const negatedSets = policed.with(
  'a rule that asks for what is not in sets',
  policy('guard-db', {
    order: 100,
    selector: selector("role == 'db'"),
    types: BOTH,
    ingress: [{ ...DENY, source: { notSelector: selector('has(role)'), notTag: 'web' } }],
    egress: [{ ...ALLOW, destination: { selector: selector("role != 'db'"), tag: 'web' } }],
  }),
);
export const networkSet = negatedSets.with(
  'a network set that rules pick',
  resource(
    'GlobalNetworkSet',
    'partners',
    { nets: ['203.0.113.0/24', '2001:db8::/32', '10.65.1.1/32'].map(cidr) },
    { role: 'api' },
  ),
);
export const hostEndpoint = networkSet.with(
  'a host endpoint that rules pick',
  resource(
    'HostEndpoint',
    'eth0',
    { node: 'host-1', interfaceName: 'eth0', profiles: ['web'] },
    { role: 'api' },
  ),
);
export const notForConnections = policed.with(
  'the policy is for raw packets',
  policy('guard-db', {
    order: 100,
    selector: selector("role == 'db'"),
    types: ['Ingress'],
    ingress: [fromApi],
    doNotTrack: true,
  }),
);
export const oneFamilyRules = policed.with(
  'rules for one family, and for none',
  policy('guard-db', {
    selector: selector("role == 'db'"),
    types: ['Ingress'],
    ingress: [
      { ...ALLOW, source: { nets: [cidr('10.0.0.0/8')] } },
      { ...ALLOW, source: { notNets: [cidr('fd00::/8')] } },
      { ...ALLOW, source: { nets: [cidr('10.0.0.0/8'), cidr('fd00::/8')] } },
      {
        ...ALLOW,
        source: { nets: [cidr('10.0.0.0/8')], selector: selector('has(never)') },
        destination: { nets: [cidr('fd00::/8')] },
      },
      { ...ALLOW, protocol: 'ICMPv6', icmp: { type: 128 } },
    ],
  }),
);

// --- tiers

const platformPolicy = policy('platform', { tier: 'platform', types: BOTH, ingress: [{ action: 'Pass' }] });

export const missingTier = policed.with('a policy in a tier that does not exist', platformPolicy);
export const firstTier = missingTier.with('its tier exists, and comes first', tier('platform', 10, 'Pass'));
export const lastTier = missingTier.with(
  'its tier comes after the tier default',
  tier('platform', 2_000_000),
);
export const defaultTierFirst = firstTier.with(
  'the tier default comes first and passes',
  tier('default', 1, 'Pass'),
);
export const emptyTier = firstTier.without('a tier without policies', platformPolicy);

// --- settings, pools and BGP

function node(name: string, ipv4Address: `${string}/${number}`) {
  return resource('Node', name, { bgp: { ipv4Address } as NonNullable<SpecOf<'Node'>['bgp']> });
}

function pool(
  text: string,
  natOutgoing: boolean,
  modes: Partial<Pick<SpecOf<'IPPool'>, 'ipipMode' | 'vxlanMode'>> = {},
) {
  const off = { disabled: false, ipipMode: 'Never', vxlanMode: 'Never', disableBGPExport: false } as const;
  return resource('IPPool', text, { cidr: cidr(text), natOutgoing, ...off, ...modes });
}

function agent(name: string, spec: SpecOf<'AgentConfiguration'>) {
  return resource('AgentConfiguration', name, spec);
}

export const pools = empty.with(
  'pools of both families',
  pool('10.65.0.0/16', true),
  pool('fd00:65::/32', false),
);
export const poolsChanged = pools.with(
  'they change their masquerading',
  pool('10.65.0.0/16', false),
  pool('fd00:65::/32', true),
);
export const poolGone = poolsChanged.without('one is gone', pool('10.65.0.0/16', false));
export const otherNode = pools.with('another node', node('host-2', '10.0.0.2/24'));
export const mesh = otherNode.with('this node joins the mesh', node('host-1', '10.0.0.1/24'));
export const noMesh = mesh.with(
  'no mesh',
  resource('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false, asNumber: 64_999 }),
);
export const noBgp = mesh.with('this host takes no part in BGP', agent('node.host-1', { bgpMode: 'none' }));
export const otherWithoutBgp = mesh.with(
  'the other host takes no part in BGP',
  agent('node.host-2', { bgpMode: 'none' }),
);
export const prefix = mesh.with(
  'interfaces have another prefix',
  agent('default', { interfacePrefix: 'tap', bgpMode: 'none' }),
  agent('node.host-1', { bgpMode: 'system' }),
);
const vxlan = { vxlanMode: 'Always' } as const;
export const encapsulated = mesh.with('a pool is encapsulated', pool('10.65.0.0/16', true, vxlan));
export const bothEncapsulated = encapsulated.with(
  'so is one of the other family',
  pool('fd00:65::/32', false, vxlan),
);
export const behindTunnels = bothEncapsulated.with('workloads are behind the tunnels, and here', remote, w1);
export const twoHostsOneAddress = behindTunnels.with(
  'two of other hosts have one address',
  node('host-3', '10.0.0.3/24'),
  workload('r2', { node: 'host-3', addresses: ['10.65.1.1'] }),
);
export const firstOfThemLeft = twoHostsOneAddress.without('the first of them is gone', remote);
export const addressIsHereToo = behindTunnels.with(
  'one of them has an address of a workload here',
  workload('r2', { node: 'host-2', addresses: ['10.65.0.1'] }),
);
export const hostGone = bothEncapsulated.without('a host is gone', node('host-2', '10.0.0.2/24'));
export const sameAddress = bothEncapsulated.with(
  'a host has the address of another',
  node('host-3', '10.0.0.2/24'),
);
export const inIpip = mesh.with(
  'a pool is encapsulated otherwise',
  pool('10.65.0.0/16', true, { ipipMode: 'CrossSubnet' }),
);

export const globalSettings = localEndpoint.with(
  'settings for all hosts',
  workload('w2', {}),
  agent('default', { noPolicyEgress: 'Deny', reportingInterval: '30s', routeRefreshInterval: '2m' }),
);
export const ownSettings = globalSettings.with(
  'settings for this host',
  agent('node.host-1', { reportingInterval: '5s', noPolicyEgress: 'Allow' }),
);
export const othersSettings = globalSettings.with(
  'settings for another host',
  agent('node.host-2', { noPolicyEgress: 'Allow' }),
);

// --- blocks of addresses

const OWN = '10.65.0.0/26';
const OWN_V6 = 'fd00:65::/122';
const OTHERS = '10.65.1.0/26';

export const pendingBlock = mesh.with('a block that this host asks for', block(OWN, { 'host-1': 'pending' }));
export const ownBlock = pendingBlock.with("it is this host's", block(OWN, { 'host-1': 'confirmed' }));
export const ownBlocks = ownBlock.with(
  'so are one of the other family and one of a single address',
  block(OWN_V6, { 'host-1': 'confirmed' }),
  block('10.65.9.9/32', { 'host-1': 'confirmed' }),
);
export const goingBlock = ownBlocks.with(
  'this host is about to give one up',
  block(OWN, { 'host-1': 'pendingDeletion' }),
);
export const claimedBlock = goingBlock.with(
  'another host asks for it',
  block(OWN, { 'host-1': 'pendingDeletion', 'host-2': 'pending' }),
);
export const lostBlock = claimedBlock.with("it is the other host's", block(OWN, { 'host-2': 'confirmed' }));
export const blocksWithoutBgp = ownBlocks.with(
  'a host with blocks takes no part in BGP',
  agent('node.host-1', { bgpMode: 'none' }),
);
export const encapsulatedWithoutBgp = blocksWithoutBgp.with(
  'and encapsulates',
  pool('10.65.0.0/16', true, vxlan),
);
export const othersPending = behindTunnels.with(
  'another host asks for a block around its workload',
  block(OTHERS, { 'host-2': 'pending' }),
);
export const othersBlock = othersPending.with('it has it', block(OTHERS, { 'host-2': 'confirmed' }));
export const strangerInBlock = othersBlock.with(
  'a workload here has an address out of it',
  workload('w3', { addresses: ['10.65.1.3'] }),
  workload('r3', { node: 'host-3', addresses: ['10.65.1.4'] }),
  node('host-3', '10.0.0.3/24'),
);
export const othersGoing = strangerInBlock.with(
  'the other host is about to give it up',
  block(OTHERS, { 'host-2': 'pendingDeletion' }),
);
export const movedBlock = strangerInBlock.with(
  'a third host has it',
  block(OTHERS, { 'host-3': 'confirmed' }),
);
export const blockOutsidePools = othersBlock.with(
  'one is outside the pools',
  block('10.66.0.0/26', { 'host-2': 'confirmed' }),
);

/** Each is followed from state to state, forwards and backwards. */
export const stories: Readonly<Record<string, readonly State[]>> = {
  'profiles come and go': [
    localEndpoint,
    localEndpointWithProfile,
    profileGone,
    remoteEndpoint,
    otherProfiles,
    localEndpoint,
  ],
  'tags come and go': [
    localEndpointWithProfile,
    twoLocalEndpoints,
    remoteEndpoint,
    profileWithoutTags,
    remoteEndpoint,
    profileWithoutTagRule,
  ],
  'addresses come and go': [
    remoteEndpoint,
    sharedAddress,
    sharedAddressLeft,
    movedEndpoint,
    otherAddresses,
    noAddresses,
  ],
  'endpoints change': [remoteEndpoint, inactive, noProfiles, movedEndpoint, localEndpoint],
  'policies come and go': [
    remoteEndpoint,
    policed,
    policyOrder,
    policyReordered,
    policed,
    notForConnections,
    policyPicksNobody,
  ],
  'policies pick others': [
    policed,
    policyPicksAnother,
    relabelled,
    inheritedLabels,
    policyPicksNobody,
    remoteEndpoint,
  ],
  'sets are shared': [
    policed,
    sameSetTwice,
    oneUserLeft,
    negatedSets,
    networkSet,
    hostEndpoint,
    oneFamilyRules,
  ],
  'tiers come and go': [policed, missingTier, firstTier, lastTier, defaultTierFirst, emptyTier, missingTier],
  'pools and nodes come and go': [
    pools,
    poolsChanged,
    poolGone,
    otherNode,
    mesh,
    noMesh,
    noBgp,
    otherWithoutBgp,
    mesh,
    prefix,
    pools,
  ],
  'hosts encapsulate': [
    mesh,
    encapsulated,
    bothEncapsulated,
    behindTunnels,
    twoHostsOneAddress,
    firstOfThemLeft,
    addressIsHereToo,
    hostGone,
    sameAddress,
    bothEncapsulated,
    inIpip,
    encapsulated,
    mesh,
  ],
  'blocks of this host come and go': [
    mesh,
    pendingBlock,
    ownBlock,
    ownBlocks,
    goingBlock,
    claimedBlock,
    lostBlock,
    ownBlocks,
    blocksWithoutBgp,
    encapsulatedWithoutBgp,
    ownBlock,
    mesh,
  ],
  'blocks of other hosts come and go': [
    behindTunnels,
    othersPending,
    othersBlock,
    strangerInBlock,
    othersGoing,
    movedBlock,
    blockOutsidePools,
    behindTunnels,
  ],
  'settings change': [localEndpoint, globalSettings, ownSettings, othersSettings, globalSettings, noBgp],
};
