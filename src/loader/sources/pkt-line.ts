/**
 * Packets of git's protocol, as far as an advertisement of refs needs them (gitprotocol-common(5)): four hexadecimal
 * digits of length, which count themselves, and then the text; `0000` is the flush packet that ends a list.
 */
import { SourceError } from './source.js';

export const FLUSH_PACKET = '0000';

/** Where the packet at this offset ends; undefined when it has not come whole. @throws {SourceError} `corrupt` */
function endOfPacket(buffer: Buffer, offset: number): number | undefined {
  if (offset + 4 > buffer.length) return undefined;
  const header = buffer.toString('latin1', offset, offset + 4);
  if (header === FLUSH_PACKET) return offset + 4;
  const length = /^[0-9a-f]{4}$/i.test(header) ? Number.parseInt(header, 16) : 0;
  if (length < 4)
    throw new SourceError('corrupt', `Not a packet of git's protocol: ${JSON.stringify(header)}`);
  return offset + length <= buffer.length ? offset + length : undefined;
}

/** Where the first flush packet ends; undefined while it has not come. @throws {SourceError} `corrupt` */
export function endOfList(buffer: Buffer): number | undefined {
  for (let offset = 0; ; ) {
    const end = endOfPacket(buffer, offset);
    if (end === undefined) return undefined;
    if (end - offset === 4) return end;
    offset = end;
  }
}

/**
 * The list without the commits at which the remote itself is shallow. They stand among the refs, and
 * isomorphic-git takes them for some.
 */
export function withoutShallow(list: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let offset = 0; offset < list.length; ) {
    const end = endOfPacket(list, offset) ?? list.length;
    if (list.toString('latin1', offset + 4, offset + 12) !== 'shallow ')
      kept.push(list.subarray(offset, end));
    offset = end;
  }
  return Buffer.concat(kept);
}
