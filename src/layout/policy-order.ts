/** The order of a tier or policy, as v1 writers left it: a number, its digits, or `"default"` for none. */
import { type Decoder, unexpected } from './json-decoder.js';

export const order: Decoder<{ readonly value: number | undefined }> = (value, place) => {
  if (value === 'default' || value === '') return { value: undefined };
  const given = typeof value === 'string' ? Number(value) : value;
  if (typeof given === 'number' && Number.isFinite(given)) return { value: given };
  throw unexpected(place, 'a number or "default"', value);
};
