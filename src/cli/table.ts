/** Tables for people, as `heddle get` and `heddle status` print them. */
import { printable } from '../model/printable.js';

/** Aligns cells in columns, two blanks apart; no blanks at line ends. What others wrote cannot move the cursor. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heading, ...rows.map((cells) => cells.map(printable))];
  const widths = heading.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? '').length)));
  return all.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
