/**
 * What tests of connectivity build beyond test/helpers/build-resources.ts.
 */
import { type InterfaceAddress, parseInterfaceAddress } from '../../src/model/address.js';
import type { ResourceOf, SpecOf } from '../../src/model/resource.js';
import { cidr, resource } from '../helpers/build-resources.js';

export function interfaceAddress(text: string): InterfaceAddress {
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw new TypeError(`Does not parse: ${text}`);
  return parsed;
}

type PoolOptions = Partial<Pick<SpecOf<'IPPool'>, 'natOutgoing' | 'vxlanMode' | 'ipipMode'>>;

/** A pool of addresses, without encapsulation unless one is asked for. */
export function pool(
  name: string,
  text: string,
  { natOutgoing = false, ...modes }: PoolOptions = {},
): ResourceOf<'IPPool'> {
  const off = { disabled: false, ipipMode: 'Never', vxlanMode: 'Never', disableBGPExport: false } as const;
  return resource('IPPool', name, { cidr: cidr(text), natOutgoing, ...off, ...modes });
}
