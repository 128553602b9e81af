/**
 * Bytes as `strace -e write` and hexdump(1) show them, so that a recording can stand in a test as it was made.
 */

/** The bytes of a hex dump; blanks and line ends do not count. */
export function fromHex(dump: string): Uint8Array {
  return Uint8Array.from(dump.match(/[0-9a-f]{2}/gi) ?? [], (octet) => Number.parseInt(octet, 16));
}

/** Four octets in a row, the grain of netlink: a failed comparison then shows which attribute differs. */
export function toHexRows(bytes: Uint8Array): readonly string[] {
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, row) =>
    Buffer.from(bytes.subarray(4 * row, 4 * row + 4)).toString('hex'),
  );
}
