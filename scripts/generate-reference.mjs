// Writes docs/manifests.md from schemas/ and the examples of the golden layout: every kind, every field, what is not
// enforced yet. `--check` fails when the file is not what it would write. Run it after a build.
import { readFileSync, writeFileSync } from 'node:fs';
import { KINDS } from '../dist/src/model/kinds.js';
import { UNSUPPORTED_FIELDS, UNSUPPORTED_KINDS } from '../dist/src/model/support.js';

const schemaFolder = new URL('../schemas/', import.meta.url);
const target = new URL('../docs/manifests.md', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, schemaFolder), 'utf8'));
const { definitions } = read('definitions.schema.json');

const INTRODUCTION = `# Manifests

Every kind and every field, from the schemas that \`heddle validate\` checks. \`heddle schema export\` writes the schemas
for editors; \`heddle init\` makes a repository whose editor settings use them.

Each document has \`apiVersion: heddle/v1\` (where a kind exists in Calico v3, \`projectcalico.org/v3\` is taken as well, with
the defaults of v3), \`kind\`, \`metadata\` with \`name\` and where it makes sense \`labels\` and \`annotations\`, and \`spec\`.
Several documents may stand in a file, at any depth of folders; names are unique for each kind. Files are read whose names
end in \`.yaml\` or \`.yml\` (capitals or not); not those in folders that begin with a dot, those that \`.heddleignore\` names, and
links that lead out of the repository (of a git repository: no links). Field names are Calico's.
Fields marked **not yet** are checked, and refused until an agent enforces them.

`;

/** The definition behind a reference, with what stands beside the reference. */
function resolve(node) {
  if (typeof node?.$ref !== 'string') return node;
  const { $ref, ...beside } = node;
  const name = $ref.split('/').at(-1);
  return { ...definitions[name], ...beside, definition: name };
}

/** Definitions that have a section of their own: what uses them links there. */
const SECTIONS = { rule: 'Rules', entityRule: 'Ends of a rule', bgpFilterRuleV4: 'Rules of a BGPFilter' };
const ALIASES = { bgpFilterRuleV6: 'bgpFilterRuleV4' };
const sectionOf = (definition) => SECTIONS[ALIASES[definition] ?? definition];
const linkTo = (title) => `[${title}](#${title.toLowerCase().replaceAll(' ', '-')})`;

function typeOf(field) {
  const node = resolve(field);
  const section = sectionOf(node.definition);
  if (section) return linkTo(section);
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(' ');
  if (node.oneOf ?? node.anyOf) return [...new Set((node.oneOf ?? node.anyOf).map(typeOf))].join(' or ');
  if (node.type === 'array') return `list of ${typeOf(node.items)}`;
  if (node.type === 'object' && node.additionalProperties && !node.properties) return 'map of text';
  if (node.type === 'integer' || node.type === 'number') return numberOf(node);
  if (node.type === 'string') return (node.title ?? 'text').toLowerCase();
  return node.type ?? 'any';
}

function numberOf({ minimum, maximum, type }) {
  const range = minimum !== undefined && maximum !== undefined ? ` ${minimum} to ${maximum}` : '';
  return `${type === 'integer' ? 'integer' : 'number'}${range}`;
}

const code = (value) => `\`${value}\``;
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A row for each field; fields of fields follow, with their whole path. */
function rowsOf(node, unsupported, path = '', pattern = '') {
  const { properties = {}, required = [] } = node;
  return Object.entries(properties).flatMap(([name, raw]) => {
    const field = resolve(raw);
    const isList = field.type === 'array';
    const inner = isList ? resolve(field.items) : field;
    const here = `${path}${name}${isList ? '[]' : ''}`;
    const steps = `${pattern}${name}`;
    const notes = [
      required.includes(name) ? '**required**' : undefined,
      field.default === undefined ? undefined : `default ${code(JSON.stringify(field.default))}`,
      noteOf(unsupported, steps),
    ].filter(Boolean);
    const row = `| ${code(here)} | ${cell(typeOf(raw))} | ${cell([...notes, field.description].join('; '))} |`;
    const hasParts = inner.properties && !sectionOf(inner.definition);
    return [
      row,
      ...(hasParts ? rowsOf(inner, unsupported, `${here}.`, `${steps}.${isList ? '*.' : ''}`) : []),
    ];
  });
}

function noteOf(unsupported, steps) {
  const found = unsupported.find(({ path }) => path === steps);
  if (!found) return undefined;
  const { except = [] } = found;
  return except.length === 0
    ? '**not yet**'
    : `**not yet**, except ${except.map((value) => code(JSON.stringify(value))).join(', ')}`;
}

function table(node, unsupported = []) {
  const rows = rowsOf(node, unsupported);
  return rows.length === 0 ? '' : ['| field | type | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

function kindSection(kind) {
  const schema = read(`${kind.toLowerCase()}.schema.json`);
  const spec = resolve(schema.properties.spec);
  const whole = UNSUPPORTED_KINDS.has(kind) ? ' **Not yet**: it is refused until agents enforce it.' : '';
  const versions = schema.properties.apiVersion.enum.includes('projectcalico.org/v3')
    ? ' Also as `projectcalico.org/v3`.'
    : '';
  return `## ${kind}\n\n${schema.description}${versions}${whole}\n\n${table(spec, UNSUPPORTED_FIELDS[kind])}`;
}

function definitionSection([name, title]) {
  const { description } = definitions[name];
  return `## ${title}\n\n${description ? `${description}\n\n` : ''}${table(definitions[name])}`;
}

const text = `${INTRODUCTION}${[...Object.keys(KINDS).map(kindSection), ...Object.entries(SECTIONS).map(definitionSection)].join('\n')}`;
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') === text) process.exit(0);
  process.stderr.write('docs/manifests.md is not what the schemas say: run npm run docs\n');
  process.exit(1);
}
writeFileSync(target, text);
