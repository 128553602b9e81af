/**
 * BGP communities as text: `65000:100` (RFC 1997), two parts of 16 bits, and large ones, `65000:1:2` (RFC 8092), three
 * parts of 32 bits.
 *
 * Manifests, the store and the daemon's configuration have to agree on them: BIRD refuses a whole file for one number
 * that is too large.
 */
export function isCommunity(text: string): boolean {
  if (!/^(0|[1-9]\d*)(:(0|[1-9]\d*)){1,2}$/.test(text)) return false;
  const parts = text.split(':').map(Number);
  return parts.every((part) => part < (parts.length === 2 ? 2 ** 16 : 2 ** 32));
}
