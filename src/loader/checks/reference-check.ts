/**
 * Names that resources call each other by, and what an endpoint is left without.
 *
 * A node, tier or filter that does not exist is an error. A profile is a warning: an orchestrator may make it
 * while the network runs, and until then the endpoint is denied everything. When some document could not be
 * read, what it declares is unknown, and no name is called missing.
 */
import { isCommunity } from '../../model/community.js';
import type { Diagnostic } from '../../model/diagnostic.js';
import { type Kind, type ResourceOf, resourceId, splitResourceId } from '../../model/resource.js';
import { matchesSelector } from '../../model/selector/evaluate.js';
import { selectorAst } from '../../model/selector/selector.js';
import { type Loaded, type LoadedSet, loadedOf } from '../loaded.js';
import type { FieldPath } from '../locate.js';
import { diagnose, type Fault } from '../report.js';
import { suggest } from '../suggest.js';
import { makePoolLookup } from './pool-lookup.js';

export function checkReferences(set: LoadedSet): Diagnostic[] {
  const names = set.complete ? [...checkNames(set), ...checkCommunities(set)] : [];
  return [...names, ...checkLeftOut(set)];
}

interface Reference {
  readonly from: Loaded;
  readonly kind: Kind;
  readonly name: string;
  readonly path: FieldPath;
}

function checkNames(set: LoadedSet): Diagnostic[] {
  const known = namesByKind(set);
  const found: Diagnostic[] = [];
  for (const { from, kind, name, path } of references(set)) {
    if (set.declared.has(resourceId(kind, name))) continue;
    const near = suggest(name, known.get(kind) ?? []);
    found.push(diagnose(from.document, { path, value: name, ...missing(kind, name, near) }));
  }
  return found;
}

function missing(kind: Kind, name: string, near: string | undefined): Omit<Fault, 'path'> {
  if (kind === 'Profile')
    return {
      severity: 'warning',
      code: 'missing-profile',
      message: `there is no Profile ${name} here: until someone makes it, the endpoint is denied both ways`,
      hint: near ? `Did you mean ${near}?` : 'Add the Profile, unless an orchestrator makes it',
    };
  return {
    code: 'dangling-reference',
    message: `there is no ${kind} ${name}`,
    hint: near ? `Did you mean ${near}?` : `Add a ${kind} with this name, or correct the name`,
  };
}

function namesByKind(set: LoadedSet): ReadonlyMap<Kind, readonly string[]> {
  const names = new Map<Kind, string[]>();
  for (const id of set.declared) {
    const { kind, name } = splitResourceId(id);
    const known = names.get(kind);
    if (known) known.push(name);
    else names.set(kind, [name]);
  }
  return names;
}

function* references(set: LoadedSet): Generator<Reference, void> {
  for (const from of loadedOf(set, 'WorkloadEndpoint')) yield* endpointReferences(from);
  for (const from of loadedOf(set, 'HostEndpoint')) yield* endpointReferences(from);
  for (const from of loadedOf(set, 'GlobalNetworkPolicy')) {
    const { tier = 'default' } = from.resource.spec;
    if (tier !== 'default') yield { from, kind: 'Tier', name: tier, path: ['spec', 'tier'] };
  }
  for (const from of loadedOf(set, 'BGPPeer')) {
    const { node, filters = [] } = from.resource.spec;
    if (node !== undefined) yield { from, kind: 'Node', name: node, path: ['spec', 'node'] };
    for (const [index, name] of filters.entries())
      yield { from, kind: 'BGPFilter', name, path: ['spec', 'filters', index] };
  }
  for (const from of [...loadedOf(set, 'BGPConfiguration'), ...loadedOf(set, 'AgentConfiguration')]) {
    const { name } = from.resource.metadata;
    if (name.startsWith('node.'))
      yield { from, kind: 'Node', name: name.slice('node.'.length), path: ['metadata', 'name'] };
  }
}

function* endpointReferences(
  from: Loaded<ResourceOf<'WorkloadEndpoint'>> | Loaded<ResourceOf<'HostEndpoint'>>,
): Generator<Reference, void> {
  const { node, profiles = [] } = from.resource.spec;
  yield { from, kind: 'Node', name: node, path: ['spec', 'node'] };
  for (const [index, name] of profiles.entries())
    yield { from, kind: 'Profile', name, path: ['spec', 'profiles', index] };
}

/** Communities of an advertisement are values, or names that this configuration or the default one defines. */
function checkCommunities(set: LoadedSet): Diagnostic[] {
  const configurations = loadedOf(set, 'BGPConfiguration');
  const namesOf = (name: string): string[] =>
    configurations
      .filter(({ resource }) => resource.metadata.name === name)
      .flatMap(({ resource }) => (resource.spec.communities ?? []).map((community) => community.name));
  const defaults = namesOf('default');
  return configurations.flatMap(({ resource, document }) => {
    const known = [...defaults, ...namesOf(resource.metadata.name)];
    return (resource.spec.prefixAdvertisements ?? []).flatMap(({ communities }, index) =>
      communities.flatMap((text, position) => {
        if (isCommunity(text) || known.includes(text)) return [];
        const near = suggest(text, known);
        return diagnose(document, {
          code: 'dangling-reference',
          path: ['spec', 'prefixAdvertisements', index, 'communities', position],
          value: text,
          message: `there is no community ${text}`,
          hint: near ? `Did you mean ${near}?` : 'Define it in spec.communities, or write its value',
        });
      }),
    );
  });
}

/** Endpoints that nothing allows anything, and addresses that no pool has. */
function checkLeftOut(set: LoadedSet): Diagnostic[] {
  const isInPool = makePoolLookup(loadedOf(set, 'IPPool').map(({ resource }) => resource.spec.cidr));
  const selectors = loadedOf(set, 'GlobalNetworkPolicy').map(({ resource: { spec } }) =>
    spec.selector === undefined ? undefined : selectorAst(spec.selector),
  );
  const found: Diagnostic[] = [];
  for (const { resource, document } of loadedOf(set, 'WorkloadEndpoint')) {
    const { labels } = resource.metadata;
    const isSelected = selectors.some((selector) => !selector || matchesSelector(selector, labels));
    if (resource.spec.profiles.length === 0 && !isSelected)
      found.push(
        diagnose(document, {
          severity: 'warning',
          code: 'endpoint-without-policy',
          path: ['spec', 'profiles'],
          part: 'key',
          message: 'the endpoint has no profile and no policy selects it: everything to it is denied',
          hint: 'Name a Profile in spec.profiles',
        }),
      );
    for (const [index, cidr] of resource.spec.ipNetworks.entries())
      if (!isInPool(cidr))
        found.push(
          diagnose(document, {
            severity: 'warning',
            code: 'address-outside-pools',
            path: ['spec', 'ipNetworks', index],
            value: cidr,
            message: `${cidr} lies in no IPPool: other hosts are not told of it by BGP`,
            hint: 'Choose an address of a pool, or add a pool',
          }),
        );
  }
  return found;
}
