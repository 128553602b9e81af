// An example for each kind: a document of examples/manifests, or where none has the kind, the canonical resource of
// test/golden/layout. test/scripts/reference.test.ts loads them all.
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

/** File below examples/manifests, and name. */
const IN_EXAMPLES = {
  IPPool: ['three-hosts/network/pools.yaml', 'workloads'],
  Profile: ['first-repository/policy/web.yaml', 'web'],
  Tier: ['three-tiers/policy/platform.yaml', 'platform'],
  GlobalNetworkPolicy: ['three-tiers/policy/platform.yaml', 'monitoring'],
  GlobalNetworkSet: ['three-tiers/network/sets.yaml', 'office'],
  WorkloadEndpoint: ['three-hosts/endpoints/web-1.yaml', 'web-1'],
  Node: ['three-hosts/network/nodes.yaml', 'host-1'],
  BGPConfiguration: ['three-hosts/network/bgp.yaml', 'default'],
  BGPPeer: ['peers/network.yaml', 'rack-a'],
  RouteReflector: ['one-reflector/network.yaml', 'rr-1'],
  AgentConfiguration: ['overlay/network.yaml', 'default'],
  ConnectivityTest: ['three-tiers/tests/shop.yaml', 'web-asks-api'],
};

const IN_GOLDENS = {
  HostEndpoint: 'host-endpoint.json',
  BGPFilter: 'bgp-filter.json',
  IPReservation: 'ip-reservation.json',
};

/** The example of a kind, with a line that says where it stands. */
export function exampleOf(kind) {
  const [file, name] = IN_EXAMPLES[kind] ?? [];
  if (file === undefined) return fenced('For example:', fromGolden(kind));
  const path = `examples/manifests/${file}`;
  return fenced(`For example, from [${file}](../${path}):`, documentIn(path, kind, name));
}

const fenced = (introduction, text) => `${introduction}\n\n\`\`\`yaml\n${text.trim()}\n\`\`\`\n`;

/** With the comments above it. */
function documentIn(path, kind, name) {
  const found = read(path)
    .split(/^---\n/m)
    .find((text) => {
      const manifest = parse(text);
      return manifest?.kind === kind && manifest.metadata.name === name;
    });
  if (found === undefined) throw new Error(`${path} has no ${kind} ${name}`);
  return found;
}

function fromGolden(kind) {
  const { resource } = JSON.parse(read(`test/golden/layout/${IN_GOLDENS[kind]}`));
  if (resource.kind !== kind) throw new Error(`${IN_GOLDENS[kind]} is no ${kind}`);
  return stringify({ apiVersion: 'heddle/v1', ...resource });
}
