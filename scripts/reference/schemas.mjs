// The files of schemas/, as the reference reads them.
import { readFileSync } from 'node:fs';

const folder = new URL('../../schemas/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

export const { definitions } = read('definitions.schema.json');
export const schemaOf = (kind) => read(`${kind.toLowerCase()}.schema.json`);

/** The definition behind a reference, with what stands beside the reference. */
export function resolve(node) {
  if (typeof node?.$ref !== 'string') return node;
  const { $ref, ...beside } = node;
  const name = $ref.split('/').at(-1);
  return { ...definitions[name], ...beside, definition: name };
}

/** Definitions that have a section of their own: what uses them links there. */
export const SECTIONS = {
  rule: 'Rules',
  entityRule: 'Ends of a rule',
  bgpFilterRuleV4: 'Rules of a BGPFilter',
};
/** Definitions that share a section with another one: the same fields, with values of the other IP version. */
export const TWINS = { bgpFilterRuleV4: 'bgpFilterRuleV6' };

const TITLES = {
  ...SECTIONS,
  ...Object.fromEntries(Object.entries(TWINS).map(([name, twin]) => [twin, SECTIONS[name]])),
};
export const sectionOf = (definition) => TITLES[definition];
