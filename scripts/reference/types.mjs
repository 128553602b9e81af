// The words of the column `type`, and the legend that explains each of them.
import { cell, code, linkTo, plain, sentence } from './markdown.mjs';
import { definitions, resolve, sectionOf } from './schemas.mjs';

/** Definitions that the tables have named so far. */
const named = new Set();

/** What a field takes, in the words of the legend. */
export function typeOf(field) {
  const node = resolve(field);
  const section = sectionOf(node.definition);
  if (section) return linkTo(section);
  if (node.definition && !node.properties) return nameOf(node.definition);
  if (node.const !== undefined) return code(plain(node.const));
  if (node.enum) return node.enum.map((value) => code(plain(value))).join(' ');
  if (node.oneOf ?? node.anyOf) return [...new Set((node.oneOf ?? node.anyOf).map(typeOf))].join(' or ');
  if (node.type === 'array') return `list of ${typeOf(node.items)}`;
  if (node.type === 'integer' || node.type === 'number') return numberOf(node);
  if (node.type === undefined) throw new Error(`no word for the type of ${JSON.stringify(node)}`);
  return node.type === 'string' ? 'text' : node.type;
}

function nameOf(definition) {
  named.add(definition);
  return wordOf(definition);
}

/** `Network` is network; `IPv4 network` and `AS number` stay. */
function wordOf(definition) {
  const { title } = definitions[definition];
  return /^[A-Z]{2}/.test(title) ? title : `${title[0].toLowerCase()}${title.slice(1)}`;
}

function numberOf({ minimum, maximum, type }) {
  return minimum === undefined || maximum === undefined ? type : `${type} ${minimum} to ${maximum}`;
}

const MORE = { selector: ' [How it is written](policy.md#selectors).' };

/** Words that no definition stands for. */
const PLAIN_ROWS = [
  ['`A` `B`', 'One of these values, with the same capital letters.', ['Allow']],
  ['text', 'Text. The meaning says what it may be.', ['eth0']],
  ['integer', 'A number without quotes; `1 to 255` is its range.', ['80']],
  ['number', 'An integer or a decimal fraction, without quotes.', ['100', '10.5']],
  ['boolean', '`true` or `false`, without quotes.', ['true']],
  ['list of X', 'A list. Its name in the column `field` ends with `[]`.', ['[80, 443]']],
  ['object', 'Fields of its own: the rows that follow.', ['{ type: 8 }']],
];

/** The legend: to be asked for when all tables are written. */
export function legend() {
  const rows = Object.keys(definitions)
    .filter((name) => named.has(name))
    .map((name) => {
      const { description, examples } = definitions[name];
      if (!examples) throw new Error(`definition ${name} needs examples for the legend`);
      return [wordOf(name), sentence(description) + (MORE[name] ?? ''), examples.map(inYaml)];
    });
  const lines = [...rows, ...PLAIN_ROWS].map(
    ([word, shape, examples]) => `| ${word} | ${cell(shape)} | ${cell(examples.map(code).join(', '))} |`,
  );
  return ['| type | what it is | for example |', '|---|---|---|', ...lines, ''].join('\n');
}

/** As it is written in a manifest: quoted where YAML would read something else. */
function inYaml(value) {
  if (typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${inYaml(inner)}`)
      .join(', ')} }`;
  return typeof value === 'string' && /^[\d:a-f]*:[\d:a-f/]*$/.test(value) ? JSON.stringify(value) : value;
}
