import type { Brand } from '../brand.js';

/** The text of a selector that parses. Blank text never gets here: it is `all()`. */
export type SelectorText = Brand<string, 'SelectorText'>;
