/**
 * What a description calls the default is what holds when the field is absent: to write it out changes nothing, to write
 * anything else does. (The `default` of a schema is filled in by the loader, and needs no test.)
 */
import test from 'ava';
import { renderBirdConfig } from '../../src/agent/bgp/bird/render-config.js';
import { type ResolvedSettings, SettingsResolver } from '../../src/agent/calc/settings-resolver.js';
import { bundleAllSchemas } from '../../src/loader/bundle-schema.js';
import { loadManifests } from '../../src/loader/load.js';
import { type JsonSchema, resolveReference, SCHEMAS } from '../../src/loader/schemas.js';
import { KIND_NAMES } from '../../src/model/kinds.js';
import { type Kind, resourceId } from '../../src/model/resource.js';
import { UNSUPPORTED_FIELDS } from '../../src/model/support.js';
import { tierFrom } from '../../src/policy/policy.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { BgpModel } from '../../src/topology/bgp-model.js';
import { resource, storedId } from '../helpers/build-resources.js';
import { sourceFiles } from '../helpers/source-files.js';
import { type NetworkText, topologyInput } from '../topology/topology-fixture.js';

type Spec = Readonly<Record<string, unknown>>;

/** What comes of a spec with this field, by kind. */
const EFFECTS: Partial<Readonly<Record<Kind, (spec: Spec) => unknown>>> = {
  AgentConfiguration: settingsFrom,
  BGPConfiguration: (spec) => models({ bgp: { default: spec } }),
  BGPPeer: (spec) => models(onePeer(spec)),
  GlobalNetworkPolicy: (spec) => loaded('GlobalNetworkPolicy', spec),
  WorkloadEndpoint: (spec) => loaded('WorkloadEndpoint', { node: 'a', ...spec }),
};

function settingsFrom(spec: Spec): readonly ResolvedSettings[] {
  const resolved: ResolvedSettings[] = [];
  const resolver = new SettingsResolver('a', (settings) => resolved.push(settings));
  const configuration = resource('AgentConfiguration', 'default', spec);
  resolver.onAgentConfiguration(storedId(configuration), configuration, undefined);
  resolver.flush();
  return resolved;
}

function onePeer(spec: Spec): NetworkText {
  const peers = { p: { node: 'a', peerSelector: 'has(asked)', ...spec } };
  return { peers, bgp: { default: { nodeToNodeMeshEnabled: false } } };
}

function models(network: NetworkText): readonly (BgpModel | undefined)[] {
  const nodes = { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24', labels: { asked: 'yes' } } };
  const input = topologyInput({ nodes, ...network });
  return Object.keys(nodes).map((name) => bgpModelFor(name, input));
}

function loaded(kind: Kind, spec: Spec): unknown {
  const manifests = [
    { kind: 'Node', name: 'a', spec: {} },
    { kind: 'Tier', name: 'other', spec: {} },
    { kind, name: 'x', spec },
  ].map(({ name, ...rest }) => JSON.stringify({ apiVersion: 'heddle/v1', metadata: { name }, ...rest }));
  const { state, diagnostics } = loadManifests(sourceFiles({ 'all.yaml': manifests.join('\n---\n') }));
  if (diagnostics.length > 0) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return state.get(resourceId(kind, 'x'))?.spec;
}

const specFields = (kind: Kind) => Object.entries(SCHEMAS[kind].properties?.spec?.properties ?? {});

interface Documented {
  readonly kind: Kind;
  readonly field: string;
  readonly schema: JsonSchema;
  readonly text: string;
}

const documented: readonly Documented[] = KIND_NAMES.flatMap((kind) =>
  specFields(kind).flatMap(([field, schema]) => {
    const text = / Default: (\S+)\.$/.exec(schema.description ?? '')?.[1];
    return text === undefined ? [] : [{ kind, field, schema: resolveReference(schema), text }];
  }),
);

for (const one of documented)
  test(`${one.kind} ${one.field}: absent is ${one.text}, and nothing else`, (t) => {
    const { kind, field } = one;
    const effect = EFFECTS[kind];
    if (!effect) return t.fail(`say in this test what comes of a ${kind}`);
    const absent = effect({});
    t.deepEqual(effect({ [field]: documentedValue(one) }), absent);
    t.notDeepEqual(effect({ [field]: otherThan(one) }), absent);
  });

test('a default is said nowhere else than of fields of a spec', (t) => {
  const said = JSON.stringify(bundleAllSchemas()).match(/Default: /g) ?? [];
  t.is(said.length, documented.length);
});

function documentedValue({ schema: { type }, text }: Documented): unknown {
  if (type === 'integer') return Number(text);
  return type === 'boolean' ? text === 'true' : text;
}

const OTHER_TEXTS: Readonly<Record<string, string>> = {
  interfacePrefix: 'tap',
  tier: 'other',
  selector: 'has(role)',
  mac: 'ee:ee:ee:ee:ee:01',
};

/** A value that the field takes too. */
function otherThan(one: Documented): unknown {
  const { schema, field, text } = one;
  if (schema.enum) return schema.enum.findLast((choice) => choice !== text);
  const value = documentedValue(one);
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  return /^\d+s$/.test(text) ? '77s' : OTHER_TEXTS[field];
}

for (const kind of ['IPPool', 'AgentConfiguration', 'BGPConfiguration', 'BGPPeer'] as const)
  test(`every number, choice, switch and duration of ${kind} says what holds when it is absent`, (t) => {
    const refused = (UNSUPPORTED_FIELDS[kind] ?? []).filter(({ except }) => !except).map(({ path }) => path);
    for (const [field, schema] of specFields(kind)) {
      const { type, enum: choices, default: filledIn, title } = resolveReference(schema);
      const isAsked = type === 'integer' || type === 'boolean' || choices || title === 'Duration';
      if (!isAsked || filledIn !== undefined || refused.includes(field)) continue;
      t.regex(String(schema.description), /Default: \S+\.$|Absent[:,]/, field);
    }
  });

test('Tier order: the tier default has the order that its description says', (t) => {
  const said = /in the tier default, (\d+)/.exec(
    SCHEMAS.Tier.properties?.spec?.properties?.order?.description ?? '',
  );
  t.is(tierFrom(resource('Tier', 'default', { defaultAction: 'Deny' })).order, Number(said?.[1]));
});

test('BGPPeer keepaliveTime: absent is a third of the hold time', (t) => {
  const { description } = SCHEMAS.BGPPeer.properties?.spec?.properties?.keepaliveTime ?? {};
  const [model] = models(onePeer({}));
  if (!model) return t.fail('no model');
  const config = renderBirdConfig(model, {
    log: { to: 'stderr' },
    deviceRouteProtocol: 80,
    passwordOf: () => '',
  });
  const said = Number(/Absent: (\d+) s\.$/.exec(description ?? '')?.[1]);
  t.deepEqual(new Set(config.match(/(?:hold|keepalive) time \d+/g)), new Set([`hold time ${3 * said}`]));
});
