/**
 * Names that resources call each other by, and addresses that no pool has.
 *
 * A node, tier or filter that does not exist is an error. A profile is a warning: an orchestrator may make it
 * while the network runs, and until then the endpoint is denied everything. A name that something unreadable may
 * declare is not called missing.
 */
import { isCommunity } from '../../model/community.js';
import type { Diagnostic } from '../../model/diagnostic.js';
import { type Kind, type ResourceOf, splitResourceId } from '../../model/resource.js';
import { suggest } from '../../model/suggest.js';
import type { FieldPath } from '../field-path.js';
import { isMissing, isSound, type Loaded, type LoadedSet, loadedOf } from '../loaded.js';
import { diagnose, type Fault } from '../report.js';
import { makePoolLookup } from './pool-lookup.js';

export function checkReferences(set: LoadedSet): Diagnostic[] {
  return [...checkNames(set), ...checkCommunities(set), ...checkAddresses(set)];
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
    if (!isSound(from, path) || !isMissing(set, kind, name)) continue;
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
  const configurations = loadedOf(set, 'BGPConfiguration').filter((loaded) =>
    isSound(loaded, ['spec', 'communities'], ['spec', 'prefixAdvertisements']),
  );
  const namesOf = (name: string): string[] =>
    configurations
      .filter(({ resource }) => resource.metadata.name === name)
      .flatMap(({ resource }) => (resource.spec.communities ?? []).map((community) => community.name));
  const defaults = namesOf('default');
  return configurations.flatMap(({ resource, document }) => {
    const known = [...defaults, ...namesOf(resource.metadata.name)];
    return (resource.spec.prefixAdvertisements ?? []).flatMap(({ communities }, index) =>
      communities.flatMap((text, position) => {
        if (isCommunity(text) || known.includes(text) || set.unread.has(text)) return [];
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

/** Addresses that no pool has. Nobody can tell while there may be another pool. */
function checkAddresses(set: LoadedSet): Diagnostic[] {
  const pools = loadedOf(set, 'IPPool');
  const isUnclear = set.unread.size > 0 || pools.some((pool) => !isSound(pool, ['spec', 'cidr']));
  if (isUnclear) return [];
  const isInPool = makePoolLookup(pools.map(({ resource }) => resource.spec.cidr));
  const found: Diagnostic[] = [];
  for (const loaded of loadedOf(set, 'WorkloadEndpoint')) {
    for (const [index, cidr] of loaded.resource.spec.ipNetworks.entries()) {
      const path = ['spec', 'ipNetworks', index];
      if (isInPool(cidr) || !isSound(loaded, path)) continue;
      found.push(
        diagnose(loaded.document, {
          severity: 'warning',
          code: 'address-outside-pools',
          path,
          value: cidr,
          message: `${cidr} lies in no IPPool: other hosts are not told of it by BGP`,
          hint: 'Choose an address of a pool, or add a pool',
        }),
      );
    }
  }
  return found;
}
