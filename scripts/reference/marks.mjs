// Where the reference says **not yet**: each field of model/support.ts, at the row of its kind, and again in the section
// that describes the field if that is shared by others.
import { UNSUPPORTED_FIELDS } from '../../dist/src/model/support.js';
import { code, listed, plain } from './markdown.mjs';
import { resolve, schemaOf, sectionOf } from './schemas.mjs';

const MARKS = Object.entries(UNSUPPORTED_FIELDS).flatMap(([kind, fields]) =>
  fields.map(({ path, except = [] }) => ({ kind, except, ...placeOf(kind, path.split('.')) })),
);
const written = new Set();

/** The row of the kind's table; where that leads into a section, what lies within, and the row of the last section. */
function placeOf(kind, steps) {
  let node = resolve(schemaOf(kind).properties.spec);
  let place = { row: rowName(steps) };
  for (const [index, step] of steps.entries()) {
    node = resolve(step === '*' ? node.items : node.properties?.[step]);
    if (!node) throw new Error(`${kind} has no field ${steps.join('.')}, which model/support.ts names`);
    const section = sectionOf(node.definition);
    if (!section) continue;
    const [way, rest] = [steps.slice(0, index + 1), steps.slice(index + 1)].map(rowName);
    place = { ...(place.section ? place : { row: way, within: rest }), section, rowThere: rest };
  }
  return place;
}

/** As the tables write a path. */
function rowName(steps) {
  return steps.join('.').replaceAll('.*', '[]');
}

const sameRow = (a, b) => a?.replace(/\[\]$/, '') === b.replace(/\[\]$/, '');

const exceptions = (except) =>
  except.length === 0 ? '' : `, except ${except.map((value) => code(plain(value))).join(', ')}`;

/** What is to be said of a row of a kind's table. */
export function marksOfKind(kind, row) {
  const found = MARKS.filter((mark) => mark.kind === kind && sameRow(mark.row, row));
  for (const mark of found) written.add(mark);
  return found.map(({ within, except }) =>
    within === undefined
      ? `**not yet**${exceptions(except)}`
      : `**not yet**: ${code(within)}${exceptions(except)}`,
  );
}

/** What is to be said of a row of a section that several fields share. */
export function marksOfSection(section, row) {
  const found = MARKS.filter((mark) => mark.section === section && sameRow(mark.rowThere, row));
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const places = found
      .filter((mark) => mark.kind === kind)
      .map((mark) => code(mark.row.replace(/\[\]$/, '')));
    return `**not yet** in ${listed(places)} of ${kind}`;
  });
}

/** @throws when a mark has found no row */
export function checkMarks() {
  for (const mark of MARKS)
    if (!written.has(mark)) throw new Error(`no row of ${mark.kind} is ${mark.row}: where to say not yet?`);
}
