/**
 * The layout loses nothing but what v1 has no place for, and resources share a key only when they are one
 * object: random resources of every stored kind.
 */
import test from 'ava';
import fc from 'fast-check';
import { canonicalValue } from '../../src/layout/canonical-value.js';
import { CODECS, type StoredKind } from '../../src/layout/codecs.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { KeyValue, StoredId } from '../../src/layout/layout.js';
import { addressPart, parseCidr, parseInterfaceAddress } from '../../src/model/address.js';
import type { Resource, SpecOf } from '../../src/model/resource.js';
import { anyResource, RESOURCES } from './arbitraries.js';

const layout = createLayout('/calico');
const pools = ['0.0.0.0/1', '10.0.0.0/8', '8000::/1'].map((text) => {
  const pool = parseCidr(text);
  if (!pool) throw new TypeError(text);
  return pool;
});

/** The keys that are read back: all but assignments and the v6 twin of a reflector. */
function readable(entries: readonly KeyValue[]): { id: StoredId; values: Map<KeyValue['key'], string> } {
  const values = new Map<KeyValue['key'], string>();
  let id: StoredId | undefined;
  for (const { key, value } of entries) {
    const owner = layout.identify(key);
    if (owner?.type !== 'resource') continue;
    id = owner.id;
    values.set(key, value);
  }
  if (id === undefined) throw new Error('The resource has no key of its own');
  return { id, values };
}

function roundTrip(resource: Resource): Resource {
  const { id, values } = readable(layout.encode(resource, { pools }));
  return layout.decode(id, values);
}

/** What v1 has no place for; everything else must come back. */
function withoutLosses(resource: Resource, decoded: Resource): unknown {
  const { kind, metadata } = resource;
  const spec = kind === 'Node' ? withoutPrefix6(resource.spec) : resource.spec;
  const hasName = !['IPPool', 'WorkloadEndpoint', 'BGPPeer'].includes(kind);
  const name = hasName ? metadata.name : decoded.metadata.name;
  return { kind, metadata: { ...metadata, name }, spec };
}

function withoutPrefix6(spec: SpecOf<'Node'>): SpecOf<'Node'> {
  const { bgp } = spec;
  if (!bgp?.ipv6Address) return spec;
  const ipv6Address = parseInterfaceAddress(`${addressPart(bgp.ipv6Address)}/128`);
  return { ...spec, bgp: { ...bgp, ...(ipv6Address && { ipv6Address }) } };
}

for (const kind of Object.keys(CODECS) as StoredKind[]) {
  test(`decode(encode(${kind})) is the same ${kind}, up to what v1 has no place for`, (t) => {
    fc.assert(
      fc.property(RESOURCES[kind] as fc.Arbitrary<Resource>, (resource) => {
        const decoded = roundTrip(resource);
        t.deepEqual(
          { kind: decoded.kind, metadata: decoded.metadata, spec: decoded.spec },
          withoutLosses(resource, decoded) as typeof decoded,
        );
      }),
    );
  });

  test(`encode(decode(encode(${kind}))) writes the same bytes`, (t) => {
    fc.assert(
      fc.property(RESOURCES[kind] as fc.Arbitrary<Resource>, (resource) => {
        const first = layout.encode(resource, { pools });
        const again = layout.encode(roundTrip(resource), { pools });
        const isNamed = kind === 'BGPPeer' || kind === 'WorkloadEndpoint';
        t.deepEqual(isNamed ? again.map((e) => e.value) : again, isNamed ? first.map((e) => e.value) : first);
      }),
    );
  });

  test(`two ${kind} resources share a key exactly when they are one object`, (t) => {
    const pair = fc.tuple(
      RESOURCES[kind] as fc.Arbitrary<Resource>,
      RESOURCES[kind] as fc.Arbitrary<Resource>,
    );
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const ids = [a, b].map((resource) => readable(layout.encode(resource, { pools: [] })).id);
        const isOne = ids[0] === ids[1];
        // Two configurations of one scope may set different things.
        if (sharedKeys(a, b).length > 0) t.true(isOne);
        else if (!kind.endsWith('Configuration')) t.false(isOne);
      }),
      { numRuns: 300 },
    );
  });

  test(`all keys of one ${kind} have one id`, (t) => {
    fc.assert(
      fc.property(RESOURCES[kind] as fc.Arbitrary<Resource>, (resource) => {
        const owners = layout.encode(resource, { pools }).map(({ key }) => layout.identify(key));
        const ids = owners.flatMap((owner) => (owner?.type === 'resource' ? [owner.id] : []));
        t.is(new Set(ids).size, 1);
        t.true(owners.every((owner) => owner?.type !== 'resource' || owner.kind === kind));
        t.true(ids[0]?.startsWith(`${kind}/`));
      }),
    );
  });
}

test('resources of different kinds never share a key', (t) => {
  fc.assert(
    fc.property(anyResource, anyResource, (a, b) => {
      if (a.kind !== b.kind) t.is(sharedKeys(a, b).length, 0);
    }),
    { numRuns: 1000 },
  );
});

test('no value depends on the order of members in a manifest', (t) => {
  fc.assert(
    fc.property(anyResource, (resource) => {
      const reversed = { ...resource, spec: reverseMembers(resource.spec) } as Resource;
      t.deepEqual(layout.encode(reversed, { pools }), layout.encode(resource, { pools }));
    }),
  );
});

test('canonicalValue() is the same for every order of members, and stable', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const canonical = canonicalValue(text);
      t.is(canonicalValue(canonical), canonical);
      t.is(canonicalValue(JSON.stringify(reverseMembers(JSON.parse(text)))), canonicalValue(text.trim()));
    }),
  );
});

/** Keys of objects that both have; the v6 twin of a reflector belongs to no object. */
function sharedKeys(a: Resource, b: Resource): readonly string[] {
  const [first, second] = [a, b].map((resource) =>
    layout.encode(resource, { pools: [] }).map(({ key }) => key),
  );
  const keys = new Set(first);
  return (second ?? []).filter((key) => keys.has(key) && layout.identify(key)?.type === 'resource');
}

function reverseMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reverseMembers(member)]),
  );
}
