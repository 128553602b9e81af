/**
 * Text of others on its way to a terminal: a name in the store must not be able to move the reader's cursor.
 */

/** Escapes what a terminal would act on: control characters and those that change the direction of text. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
