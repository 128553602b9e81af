/** Values in one line, as YAML's flow style would show them; safe to print, and never longer than a screen. */

const MAX_VALUE = 200;

export function formatValue(value: unknown): string {
  const text = printable(flow(value));
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}... (${text.length} characters)` : text;
}

/** Escapes what a terminal would act on: control characters and those that change the direction of text. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
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
