/**
 * The packet filters that heddle can program, by the name that `--backend` takes.
 */
import type { Backend } from './backend.js';
import { iptables } from './iptables/iptables.js';

export const backends = {
  iptables: iptables('nft'),
  'iptables-legacy': iptables('legacy'),
} satisfies Record<string, Backend>;

export type BackendName = keyof typeof backends;
