/**
 * What a manifest leaves out, and the schema cannot say: defaults that follow from other fields.
 *
 * - WorkloadEndpoint: `workload` is the name of the resource, `mac` is ee:ee:ee:ee:ee:ee; `interfaceName` is
 *   made later, from the interface prefix in force on its node (nameInterfaces).
 * - Profile of heddle/v1 with ingress, egress and tags all absent: what creating a profile meant in Calico v1,
 *   a group whose members reach each other. Otherwise, and in projectcalico.org/v3, absent is empty.
 * - GlobalNetworkPolicy: tier `default`, selector `all()`, and Calico v3's rule for `types`.
 * - ConnectivityTest: each side must match at least once.
 */
import type { MacAddress } from '../model/address.js';
import { DEFAULT_INTERFACE_PREFIX, workloadInterfaceName } from '../model/interface-name.js';
import type { Metadata, Resource, ResourceOf, SpecOf } from '../model/resource.js';
import { policyTypes } from '../model/rule.js';
import type { SelectorText } from '../model/selector/selector.js';
import { CALICO_VERSION } from './manifest-kind.js';

/** What is left of a document after the schema check and the normaliser. */
export interface CheckedManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<Metadata, 'name'> & Partial<Metadata>;
  readonly spec?: object;
}

/** The resource that a checked document means. */
export function completeResource(
  manifest: CheckedManifest,
  { origin, ruleOrigins }: Pick<Resource, 'origin' | 'ruleOrigins'>,
): Resource {
  const { name, labels = {}, annotations = {} } = manifest.metadata;
  const spec = manifest.spec ?? {};
  // The schema of the kind has checked the spec; this is where its type begins.
  const resource = {
    kind: manifest.kind,
    metadata: { name, labels, annotations },
    spec,
    origin,
    ...(ruleOrigins && { ruleOrigins }),
  } as Resource;
  switch (resource.kind) {
    case 'Profile':
      return { ...resource, spec: completeProfile(resource, manifest.apiVersion === CALICO_VERSION) };
    case 'WorkloadEndpoint':
      return { ...resource, spec: { workload: name, mac: DEFAULT_MAC, ...resource.spec } };
    case 'GlobalNetworkPolicy':
      return { ...resource, spec: completePolicy(resource.spec) };
    case 'ConnectivityTest':
      return { ...resource, spec: { minMatches: { from: 1, to: 1 }, ...resource.spec } };
    default:
      return resource;
  }
}

/** The prefix of workload interfaces on a node, given the AgentConfigurations by name. */
export function interfacePrefix(
  configurations: ReadonlyMap<string, SpecOf<'AgentConfiguration'>>,
  node: string,
): string {
  return (
    configurations.get(`node.${node}`)?.interfacePrefix ??
    configurations.get('default')?.interfacePrefix ??
    DEFAULT_INTERFACE_PREFIX
  );
}

/** The endpoint with an interface name: its own, or one made from its ids. */
export function nameInterface(
  endpoint: ResourceOf<'WorkloadEndpoint'>,
  prefix: string,
): ResourceOf<'WorkloadEndpoint'> {
  const { spec, metadata } = endpoint;
  if (spec.interfaceName !== undefined) return endpoint;
  const ids = { ...spec, workload: spec.workload ?? metadata.name };
  return { ...endpoint, spec: { ...spec, interfaceName: workloadInterfaceName(ids, prefix) } };
}

const DEFAULT_MAC = 'ee:ee:ee:ee:ee:ee' as MacAddress;

function completeProfile(profile: ResourceOf<'Profile'>, calico: boolean): SpecOf<'Profile'> {
  const { ingress, egress, tags } = profile.spec;
  if (!calico && ingress === undefined && egress === undefined && tags === undefined) {
    const tag = profile.metadata.name;
    return {
      ...profile.spec,
      tags: [tag],
      ingress: [{ action: 'Allow', source: { tag } }],
      egress: [{ action: 'Allow' }],
    };
  }
  return { tags: [], ingress: [], egress: [], ...profile.spec };
}

function completePolicy(spec: SpecOf<'GlobalNetworkPolicy'>): SpecOf<'GlobalNetworkPolicy'> {
  const own = { tier: 'default', selector: 'all()' as SelectorText, ingress: [], egress: [], ...spec };
  return { ...own, types: policyTypes(spec) };
}
