// Writes src/model/specs.generated.ts from schemas/: the types of every spec come from the schema that
// checks it, so the two cannot drift apart. `--check` fails when the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const schemaFolder = new URL('../schemas/', import.meta.url);
const target = new URL('../src/model/specs.generated.ts', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, schemaFolder), 'utf8'));

const kinds = [
  'IPPool',
  'Profile',
  'Tier',
  'GlobalNetworkPolicy',
  'GlobalNetworkSet',
  'WorkloadEndpoint',
  'HostEndpoint',
  'Node',
  'BGPConfiguration',
  'BGPPeer',
  'RouteReflector',
  'BGPFilter',
  'IPReservation',
  'AgentConfiguration',
  'ConnectivityTest',
];

/** Definitions that become an interface of their own; all others are written where they are used. */
const interfaces = {
  rule: 'RuleSpec',
  entityRule: 'EntityRuleSpec',
  icmp: 'IcmpSpec',
  secret: 'SecretReference',
  bgpFilterRuleV4: 'BGPFilterRuleV4',
  bgpFilterRuleV6: 'BGPFilterRuleV6',
  connectivitySide: 'ConnectivitySide',
};

const shared = read('definitions.schema.json').definitions;

/** Resolves references to the shared definitions, and drops what only the checker needs. */
function inline(node) {
  if (Array.isArray(node)) return node.map(inline);
  if (node === null || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string') {
    const name = node.$ref.split('/').at(-1);
    const { $ref: _, ...beside } = node;
    if (name in interfaces) return { $ref: `#/definitions/${name}` };
    // A title would become a type of its own for every use.
    const { title: _title, ...shape } = inline(shared[name]);
    return { ...shape, ...beside };
  }
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== 'minItems')
      .map(([key, value]) => [key, inline(value)]),
  );
}

/** A field with a default is always there after loading: the type says so. */
function requireDefaults(node) {
  if (Array.isArray(node)) return node.map(requireDefaults);
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, requireDefaults(value)]));
  if (copy.type === 'object' && copy.properties) {
    const filled = Object.keys(copy.properties).filter((key) => 'default' in copy.properties[key]);
    copy.required = [...new Set([...(copy.required ?? []), ...filled])];
  }
  return copy;
}

const definitions = {};
for (const [name, title] of Object.entries(interfaces))
  definitions[name] = { ...requireDefaults(inline(shared[name])), title };
const properties = {};
for (const kind of kinds) {
  const spec = requireDefaults(inline(read(`${kind.toLowerCase()}.schema.json`).properties.spec));
  definitions[`${kind}Spec`] = { ...spec, title: `${kind}Spec` };
  properties[kind] = { $ref: `#/definitions/${kind}Spec` };
}

const source = await compile(
  {
    title: 'SpecByKind',
    type: 'object',
    additionalProperties: false,
    required: kinds,
    properties,
    definitions,
  },
  'SpecByKind',
  {
    bannerComment: [
      '// Written by scripts/generate-types.mjs from schemas/. Do not edit: change the schema and run `npm run types`.',
      "import type { Address, Cidr, InterfaceAddress, MacAddress } from './address.js';",
      "import type { PortText, ProtocolText } from './rule.js';",
      "import type { SelectorText } from './selector/selector.js';",
    ].join('\n'),
    additionalProperties: false,
    unreachableDefinitions: false,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 110 },
  },
);
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== source) {
    process.stderr.write('src/model/specs.generated.ts does not match schemas/: run `npm run types`\n');
    process.exit(1);
  }
} else {
  writeFileSync(target, source);
}
