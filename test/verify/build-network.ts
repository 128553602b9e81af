/**
 * What tests of connectivity build beyond test/helpers/build-resources.ts.
 */
import { type InterfaceAddress, parseInterfaceAddress } from '../../src/model/address.js';

export function interfaceAddress(text: string): InterfaceAddress {
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw new TypeError(`Does not parse: ${text}`);
  return parsed;
}
