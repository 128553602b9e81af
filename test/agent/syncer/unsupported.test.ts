/**
 * Law 5: what no agent enforces is named when a host meets it in etcd. Every entry of model/support.ts, each
 * set by itself.
 */
import test from 'ava';
import { unsupportedParts } from '../../../src/agent/syncer/unsupported.js';
import type { Kind, Resource } from '../../../src/model/resource.js';
import { UNSUPPORTED_FIELDS, UNSUPPORTED_KINDS } from '../../../src/model/support.js';

/** A resource as a decoder makes it, with any spec: what is looked for may be of any later version. */
function resource(kind: Kind, spec: object): Resource {
  const metadata = { name: 'x', labels: {}, annotations: {} };
  return { kind, metadata, spec, origin: { file: '', line: 1, col: 1 } } as Resource;
}

/** A spec in which one dotted path is set; lists have one entry. */
function specWith(path: string, value: unknown): object {
  return path
    .split('.')
    .reduceRight<unknown>((inside, part) => (part === '*' ? [inside] : { [part]: inside }), value) as object;
}

test('a kind that is not enforced is named', (t) => {
  for (const kind of UNSUPPORTED_KINDS)
    t.is(unsupportedParts(resource(kind, {})), `${kind} is not enforced by this agent yet`);
});

test('a field that is not enforced is named with its value, unless the value means that it is off', (t) => {
  for (const [kind, fields] of Object.entries(UNSUPPORTED_FIELDS) as [
    Kind,
    (typeof UNSUPPORTED_FIELDS)[Kind],
  ][])
    for (const { path, except = [], effect, isHarmless } of fields ?? []) {
      const told = `spec.${path.replaceAll('*', '0')} = "anything" is not enforced by this agent yet`;
      t.is(
        unsupportedParts(resource(kind, specWith(path, 'anything'))),
        isHarmless ? undefined : `${told}${effect === undefined ? '' : `: ${effect}`}`,
      );
      for (const off of except)
        t.is(unsupportedParts(resource(kind, specWith(path, structuredClone(off)))), undefined);
    }
});

test('an object of which all is enforced has no unsupported parts', (t) => {
  t.is(unsupportedParts(resource('Profile', { tags: ['a'] })), undefined);
  t.is(unsupportedParts(resource('Node', { bgp: { ipv4Address: '10.0.0.1/24' } })), undefined);
});

test('a name that stands for no BGP community is named with its value and the remedy', (t) => {
  const communities = [
    { name: 'gold', value: '65536:1' },
    { name: 'good', value: '65000:1' },
  ];
  t.regex(
    unsupportedParts(resource('BGPConfiguration', { communities })) ?? '',
    /^spec\.communities: gold = "65536:1" is not a BGP community, .*write 65000:100/,
  );
  t.is(unsupportedParts(resource('BGPConfiguration', { communities: communities.slice(1) })), undefined);
});
