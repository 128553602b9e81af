/**
 * Nothing that a schema names is forgotten: one manifest sets every field of every kind, loads but for what
 * no agent enforces (law 5), and loads again as JSON.
 */
import test from 'ava';
import { loadManifests } from '../../src/loader/load.js';
import { definitionName, type JsonSchema, resolveReference, SCHEMAS } from '../../src/loader/schemas.js';
import { KIND_NAMES } from '../../src/model/kinds.js';
import { idOf, type Resource } from '../../src/model/resource.js';
import { UNSUPPORTED_KINDS } from '../../src/model/support.js';
import { sourceFiles } from '../helpers/source-files.js';

/** One manifest of each kind in which every field of its schema is set. */
const EVERY_FIELD = `
kind: Node
metadata: {name: n1, labels: {zone: a}, annotations: {heddle/adopt: "true"}}
spec:
  bgp: {ipv4Address: 10.0.0.1/24, ipv6Address: "fd00::1/64", asNumber: 64513, routeReflectorClusterID: 10.0.0.9,
    ipv4IPIPTunnelAddr: 192.168.0.8}
  ipv4VXLANTunnelAddr: 192.168.0.9
  vxlanTunnelMACAddr: "66:00:00:00:00:01"
  ipv6VXLANTunnelAddr: "fd65::9"
  vxlanTunnelMACAddrV6: "66:00:00:00:00:02"
---
kind: IPPool
metadata: {name: pool}
spec: {cidr: 192.168.0.0/16, natOutgoing: true, disabled: true, ipipMode: CrossSubnet, vxlanMode: Never,
  blockSize: 26, nodeSelector: has(zone), disableBGPExport: true}
---
kind: Profile
metadata: {name: web}
spec:
  labelsToApply: {role: web}
  tags: [web, all]
  egress: [{action: Log}]
  ingress:
    - action: Allow
      ipVersion: 4
      protocol: TCP
      notProtocol: 47
      source: &entity
        nets: [10.0.0.0/8]
        notNets: [10.1.0.0/16]
        selector: role == 'web'
        notSelector: has(blocked)
        ports: [1024, "2000:3000"]
        notPorts: [2500]
        tag: web
        notTag: db
      destination: *entity
      metadata: {annotations: {why: because}}
    - {action: Deny, protocol: ICMPv6, icmp: {type: 128, code: 0}, notICMP: {type: 1}}
---
kind: Tier
metadata: {name: first}
spec: {order: 10.5, defaultAction: Pass}
---
kind: GlobalNetworkPolicy
metadata: {name: allow-web}
spec:
  tier: first
  order: 100
  selector: role == 'web'
  types: [Ingress]
  ingress: [{action: Pass}]
  egress: []
  doNotTrack: false
  preDNAT: true
  applyOnForward: true
---
kind: GlobalNetworkSet
metadata: {name: office, labels: {role: office}}
spec: {nets: [198.51.100.0/24]}
---
kind: WorkloadEndpoint
metadata: {name: web-1, labels: {role: web}}
spec:
  node: n1
  orchestrator: k8s
  workload: default.web-1
  endpoint: eth1
  interfaceName: cali0123456789a
  mac: "ee:ee:ee:ee:ee:01"
  ipNetworks: [192.168.0.1]
  ipNATs: [{internalIP: 192.168.0.1, externalIP: 203.0.113.1}]
  profiles: [web]
  state: inactive
---
kind: HostEndpoint
metadata: {name: n1-eth0}
spec: {node: n1, interfaceName: eth0, expectedIPs: [10.0.0.1], profiles: [web]}
---
kind: BGPConfiguration
metadata: {name: default}
spec:
  asNumber: 64512
  nodeToNodeMeshEnabled: false
  listenPort: 1790
  bindMode: NodeIP
  logSeverityScreen: Info
  nodeMeshPassword: {file: bgp/mesh}
  nodeMeshMaxRestartTime: 120s
  ignoredInterfaces: [docker0, "cali*"]
  communities: [{name: blue, value: "65000:100"}]
  prefixAdvertisements: [{cidr: 192.168.0.0/16, communities: [blue, "65000:1:2"]}]
---
kind: BGPPeer
metadata: {name: rack}
spec:
  node: n1
  peerIP: 10.0.0.254:1790
  asNumber: 65000
  localASNumber: 65001
  password: {secretKeyRef: {name: bgp, key: rack}}
  keepOriginalNextHop: true
  nextHopMode: Keep
  sourceAddress: UseNodeIP
  maxRestartTime: 2m
  keepaliveTime: 10s
  bfd: true
  ttlSecurity: 1
  numAllowedLocalASNumbers: 1
  reachableBy: 10.0.0.253
  reversePeering: Manual
  filters: [quiet]
---
kind: BGPPeer
metadata: {name: reflectors}
spec: {nodeSelector: all(), peerSelector: has(reflector)}
---
kind: RouteReflector
metadata: {name: rr}
spec: {ipv4Address: 10.0.0.100, ipv6Address: "fd00::100", clusterID: 10.0.0.100, asNumber: 64512, clientSelector: has(zone)}
---
kind: BGPFilter
metadata: {name: quiet}
spec:
  exportV4: &rules4
    - cidr: 10.0.0.0/8
      prefixLength: {min: 8, max: 26}
      matchOperator: In
      source: RemotePeers
      interface: "*.calico"
      peerType: eBGP
      communities: {values: ["65000:1"]}
      asPathPrefix: [65000]
      priority: 512
      action: Accept
      operations:
        - addCommunity: {value: "65000:2"}
        - prependASPath: {prefix: [65000]}
        - setPriority: {value: 1024}
  importV4: *rules4
  exportV6: &rules6
    - cidr: "fd00::/8"
      prefixLength: {min: 8, max: 64}
      matchOperator: Equal
      source: RemotePeers
      interface: eth0
      peerType: iBGP
      communities: {values: ["65000:1"]}
      asPathPrefix: [65000]
      priority: 512
      action: Reject
      operations:
        - addCommunity: {value: "65000:2"}
        - prependASPath: {prefix: [65000]}
        - setPriority: {value: 1024}
  importV6: *rules6
---
kind: IPReservation
metadata: {name: gateways}
spec: {reservedCIDRs: [192.168.0.0/28]}
---
kind: AgentConfiguration
metadata: {name: node.n1}
spec:
  interfacePrefix: cali
  defaultEndpointToHostAction: Accept
  noPolicyEgress: Deny
  bgpMode: system
  chainInsertMode: Append
  iptablesRefreshInterval: 90s
  ipsetsRefreshInterval: 90s
  routeRefreshInterval: 90s
  deviceRouteProtocol: 80
  ipv6Support: true
  logSeverityScreen: Warning
  reportingInterval: 0s
  iptablesMarkMask: 0xff000000
  failsafeInboundHostPorts: [{protocol: TCP, port: 22, net: 10.0.0.0/8}]
  failsafeOutboundHostPorts: [{protocol: UDP, port: 53, net: 10.0.0.0/8}]
---
kind: ConnectivityTest
metadata: {name: by-selector}
spec: {from: {selector: role == 'web'}, to: {endpoint: web-1}, protocol: TCP, ports: [80], expect: Allow, minMatches: {from: 2, to: 1}}
---
kind: ConnectivityTest
metadata: {name: by-node}
spec: {from: {node: n1}, to: {cidr: 192.168.0.0/16}, expect: Deny}
---
kind: ConnectivityTest
metadata: {name: from-outside}
spec: {from: {outside: true}, to: {selector: all()}, expect: Deny}
`.replace(/^kind:/gm, 'apiVersion: heddle/v1\nkind:');

const { state, diagnostics } = loadManifests(sourceFiles({ 'every.yaml': EVERY_FIELD }));

test('a manifest of every kind with every field loads, but for what no agent enforces yet', (t) => {
  const others = diagnostics.filter(({ code }) => code !== 'not-supported-yet');
  t.deepEqual(
    others.map(({ origin, message }) => `${origin.line}: ${message}`),
    [],
  );
  const kinds: ReadonlySet<string> = new Set([...state.values()].map(({ kind }) => kind));
  t.deepEqual([...kinds].sort(), [...KIND_NAMES].sort());
});

test('every kind that no agent enforces yet is refused, and only those as a whole', (t) => {
  const refused = diagnostics.filter(({ path }) => path === '/kind').map(({ value }) => value);
  t.deepEqual(new Set<unknown>(refused), new Set<unknown>(UNSUPPORTED_KINDS));
});

/** What a field is called: below its kind, or below the definition that several kinds share. */
const nameOf = (schema: JsonSchema, path: string): string =>
  schema.$ref === undefined ? path : definitionName(schema.$ref);

function* fieldNames(reference: JsonSchema, path: string): Generator<string, void> {
  const name = nameOf(reference, path);
  const schema = resolveReference(reference);
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    yield `${name}.${key}`;
    yield* fieldNames(field, `${name}.${key}`);
  }
  if (schema.items) yield* fieldNames(schema.items, name);
  for (const branch of schema.anyOf ?? []) yield* fieldNames(branch, name);
}

function* setNames(value: unknown, reference: JsonSchema, path: string): Generator<string, void> {
  const name = nameOf(reference, path);
  const schema = resolveReference(reference);
  if (Array.isArray(value)) for (const item of value) yield* setNames(item, schema.items ?? {}, name);
  else if (typeof value === 'object' && value !== null)
    for (const [key, field] of Object.entries(value)) {
      const properties = [schema, ...(schema.anyOf ?? [])].map((branch) => branch.properties?.[key]);
      yield `${name}.${key}`;
      yield* setNames(field, properties.find((property) => property !== undefined) ?? {}, `${name}.${key}`);
    }
}

test('the manifests above set every field of every schema', (t) => {
  const specs = KIND_NAMES.map((kind) => [kind, SCHEMAS[kind].properties?.spec ?? {}] as const);
  const set = new Set(
    specs.flatMap(([kind, spec]) =>
      [...state.values()]
        .filter((one) => one.kind === kind)
        .flatMap((one) => [...setNames(one.spec, spec, kind)]),
    ),
  );
  const fields = new Set(specs.flatMap(([kind, spec]) => [...fieldNames(spec, kind)]));
  t.deepEqual(
    [...fields].filter((name) => !set.has(name)),
    [],
  );
});

test('what was loaded, written as JSON, loads as the same resources', (t) => {
  const meaning = ({ kind, metadata, spec }: Resource): object => ({ kind, metadata, spec });
  const documents = [...state.values()].map((one) =>
    JSON.stringify({ apiVersion: 'heddle/v1', ...meaning(one) }),
  );
  const again = loadManifests(sourceFiles({ 'again.yaml': documents.join('\n---\n') }));
  t.deepEqual([...again.state.values()].map(meaning), [...state.values()].map(meaning));
  t.deepEqual([...again.state.keys()], [...state.values()].map(idOf));
});
