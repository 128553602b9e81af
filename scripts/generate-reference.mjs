// Writes docs/manifests.md from schemas/, examples/manifests and the examples of the golden layout: every kind, every
// field, what is not enforced yet. `--check` fails when the file is not what it would write. Run it after a build.
import { readFileSync, writeFileSync } from 'node:fs';
import { KINDS } from '../dist/src/model/kinds.js';
import { UNSUPPORTED_KINDS } from '../dist/src/model/support.js';
import { exampleOf } from './reference/examples.mjs';
import { cell, code, linkTo, plain, wrapped } from './reference/markdown.mjs';
import { checkMarks, marksOfKind, marksOfSection } from './reference/marks.mjs';
import { definitions, resolve, SECTIONS, schemaOf, sectionOf, TWINS } from './reference/schemas.mjs';
import { legend, typeOf } from './reference/types.mjs';

const target = new URL('../docs/manifests.md', import.meta.url);

const INTRODUCTION = `# Manifests

Every kind and every field, from the schemas that \`heddle validate\` checks. \`heddle schema export\` writes the schemas
for editors; \`heddle init\` makes a repository whose editor settings use them.

${wrapped(`Kinds: ${Object.keys(KINDS).map(linkTo).join(', ')}.`)}

Each document has \`apiVersion: heddle/v1\` (where a kind exists in Calico v3, \`projectcalico.org/v3\` is taken as well,
with the defaults of v3), \`kind\`, \`metadata\` with \`name\` and where it makes sense \`labels\` and \`annotations\`, and
\`spec\`. Several documents may stand in a file, at any depth of folders; names are unique for each kind. Files are read
whose names end in \`.yaml\` or \`.yml\` (capitals or not); not those in folders that begin with a dot, those that
\`.heddleignore\` names, and links that lead out of the repository (of a git repository: no links). Field names are
Calico's.

The tables list the fields of \`spec\`. Fields marked **not yet** are checked, and refused until an agent enforces them.
A **default** is what holds when the field is absent.

`;

/** A row for each field; fields of fields follow, with their whole path. */
function rowsOf(node, marksOf, twin, path = '') {
  const { properties = {}, required = [] } = node;
  return Object.entries(properties).flatMap(([name, raw]) => {
    const field = resolve(raw);
    const other = twin && resolve(twin.properties[name]);
    const isList = field.type === 'array';
    const inner = isList ? resolve(field.items) : field;
    const here = `${path}${name}${isList ? '[]' : ''}`;
    const types = [raw, ...(other ? [twin.properties[name]] : [])].map(typeOf);
    const { text, value } = defaultIn(field);
    const notes = [
      ...(required.includes(name) ? ['**required**'] : []),
      ...(value === undefined ? [] : [`default ${code(value)}`]),
      ...marksOf(here),
      text,
    ];
    const row = `| ${code(here)} | ${cell([...new Set(types)].join(' or '))} | ${cell(notes.join('; '))} |`;
    if (!inner.properties || sectionOf(inner.definition)) return [row];
    const innerTwin = other && (isList ? resolve(other.items) : other);
    return [row, ...rowsOf(inner, marksOf, innerTwin, `${here}.`)];
  });
}

/** The default that the schema fills in, or that a description ends with; and the description without it. */
function defaultIn({ description, default: filledIn }) {
  const [, text = description, value] = /^(.*) Default: (\S+)\.$/.exec(description) ?? [];
  return { text, value: filledIn === undefined ? value : plain(filledIn) };
}

function table(node, marksOf, twin) {
  const rows = rowsOf(node, marksOf, twin);
  return rows.length === 0 ? '' : ['| field | type | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

function kindSection(kind) {
  const schema = schemaOf(kind);
  const spec = resolve(schema.properties.spec);
  const whole = UNSUPPORTED_KINDS.has(kind) ? ' **Not yet**: it is refused until agents enforce it.' : '';
  const versions = schema.properties.apiVersion.enum.includes('projectcalico.org/v3')
    ? ' Also as `projectcalico.org/v3`.'
    : '';
  const rows = table(spec, (row) => marksOfKind(kind, row));
  const text = wrapped(`${schema.description}${versions}${whole}`);
  return `## ${kind}\n\n${text}\n\n${exampleOf(kind)}\n${rows}`;
}

function definitionSection([name, title]) {
  const { description } = definitions[name];
  const rows = table(definitions[name], (row) => marksOfSection(title, row), definitions[TWINS[name]]);
  return `## ${title}\n\n${description}\n\n${rows}`;
}

function reference() {
  const sections = [
    ...Object.keys(KINDS).map(kindSection),
    ...Object.entries(SECTIONS).map(definitionSection),
  ];
  checkMarks();
  return `${INTRODUCTION}## Types\n\n${legend()}\n${sections.join('\n')}`;
}

const text = reference();
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') === text) process.exit(0);
  process.stderr.write('docs/manifests.md is not what the schemas say: run npm run docs\n');
  process.exit(1);
}
writeFileSync(target, text);
