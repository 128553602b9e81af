// Pieces of Markdown.
const WIDTH = 120;

export const code = (value) => `\`${value}\``;
export const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
export const linkTo = (title) => `[${title}](#${title.toLowerCase().replaceAll(' ', '-')})`;
/** A value as it stands in a manifest. */
export const plain = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
export const sentence = (text) => (text.endsWith('.') ? text : `${text}.`);

/** `a`, `a and b`, `a, b and c`. */
export const listed = (words) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** A paragraph in lines that are not too long. */
export function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== '' && last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
