/** Manifests of a small network, as a repository holds them. */
export const POOL = `apiVersion: heddle/v1
kind: IPPool
metadata: {name: main}
spec: {cidr: 192.168.0.0/16, natOutgoing: true}
`;

export const NODES = ['host-1', 'host-2']
  .map(
    (name, index) => `apiVersion: heddle/v1
kind: Node
metadata: {name: ${name}}
spec: {bgp: {ipv4Address: 10.0.0.${index + 1}/24}}
`,
  )
  .join('---\n');

export function profile(name: string, action = 'Allow'): string {
  return `apiVersion: heddle/v1
kind: Profile
metadata: {name: ${name}}
spec: {tags: [${name}], ingress: [{action: ${action}}], egress: [{action: Allow}]}
`;
}

export function endpoint(name: string, address: string, node = 'host-1'): string {
  return `apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: {name: ${name}}
spec: {node: ${node}, ipNetworks: [${address}/32], profiles: [web]}
`;
}

/** Pool, nodes, profile web and two endpoints. */
export function smallNetwork(webAction = 'Allow'): Record<string, string> {
  return {
    'pool.yaml': POOL,
    'nodes.yaml': NODES,
    'profiles.yaml': profile('web', webAction),
    'endpoints.yaml': [endpoint('w1', '192.168.1.1'), endpoint('w2', '192.168.1.2', 'host-2')].join('---\n'),
  };
}

/** A policy of all endpoints that lets everybody in, or nobody. */
export function guard(action: 'Allow' | 'Deny'): string {
  return `apiVersion: heddle/v1
kind: GlobalNetworkPolicy
metadata: {name: guard}
spec: {selector: all(), types: [Ingress], ingress: [{action: ${action}}]}
`;
}

/** May w1 talk to w2? */
export function connectivityTest(expect: 'Allow' | 'Deny', from = 'w1'): string {
  return `apiVersion: heddle/v1
kind: ConnectivityTest
metadata: {name: ${from}-to-w2}
spec: {from: {endpoint: ${from}}, to: {endpoint: w2}, protocol: TCP, ports: [80], expect: ${expect}}
`;
}

/** Ten endpoints, the address of each moved on by `shift`, and profiles of their own. */
export function shiftedNetwork(shift: number, profiles: readonly string[]): Record<string, string> {
  const endpoints = Array.from({ length: 10 }, (_, i) =>
    endpoint(`w${i}`, `192.168.1.${((i + shift) % 10) + 1}`),
  );
  return {
    'pool.yaml': POOL,
    'nodes.yaml': NODES,
    'profiles.yaml': profiles.map((name) => profile(name)).join('---\n'),
    'endpoints.yaml': endpoints.join('---\n'),
  };
}
