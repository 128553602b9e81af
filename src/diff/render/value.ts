/** Values in one line, as YAML's flow style would show them; safe to print, and never longer than a screen. */

import { printable } from '../../model/printable.js';

const MAX_VALUE = 200;

export function formatValue(value: unknown): string {
  const text = printable(flow(value));
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}... (${text.length} characters)` : text;
}

function flow(value: unknown): string {
  if (typeof value === 'string') return isPlainWord(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${flow(field)}`);
  return `{${fields.join(', ')}}`;
}

/** Text that reads the same without quotes and cannot be taken for a number, a list or nothing. */
function isPlainWord(text: string): boolean {
  return (
    /^[A-Za-z0-9_<][\w.:/<>@+-]*$/.test(text) &&
    Number.isNaN(Number(text)) &&
    !/^(true|false|null)$/.test(text)
  );
}
