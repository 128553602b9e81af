/**
 * The names of our chains.
 *
 * netfilter takes 28 characters (XT_EXTENSION_MAXNAMELEN leaves 29 bytes), a policy's name may have hundreds. A
 * name that does not fit, or holds a character that iptables-restore or a reader could trip over, is replaced by
 * its hash behind `_`. A name of exactly the full length that begins with `_` is hashed as well, or it could be
 * taken for the hash of another. The same name gives the same chain on every host.
 */
import { createHash } from 'node:crypto';
import type { Direction } from '../../../model/rule.js';
import type { ChainName } from '../intent.js';

const MAX_LENGTH = 28;

/** Chains there is one of. Their kernel hooks are those of the same name. */
export const CHAINS = {
  rawPrerouting: fixed('cali-PREROUTING'),
  natPostrouting: fixed('cali-POSTROUTING'),
  natOutgoing: fixed('cali-nat-outgoing'),
  input: fixed('cali-INPUT'),
  forward: fixed('cali-FORWARD'),
  output: fixed('cali-OUTPUT'),
  workloadToHost: fixed('cali-wl-to-host'),
  encapsulatedToHost: fixed('cali-encap-to-host'),
  fromWorkload: fixed('cali-from-wl-dispatch'),
  toWorkload: fixed('cali-to-wl-dispatch'),
} as const;

/** `cali-tw-cali123` for what goes to the workload, `cali-fw-cali123` for what comes from it. */
export function endpointChainName(direction: Direction, interfaceName: string): ChainName {
  return chainName(direction === 'ingress' ? 'cali-tw-' : 'cali-fw-', interfaceName);
}

/** The tier `default` is not spelt out; the slash of any other tier makes the name a hash. */
export function policyChainName(direction: Direction, tier: string, name: string): ChainName {
  return chainName(
    direction === 'ingress' ? 'cali-pi-' : 'cali-po-',
    tier === 'default' ? name : `${tier}/${name}`,
  );
}

export function profileChainName(direction: Direction, name: string): ChainName {
  return chainName(direction === 'ingress' ? 'cali-pri-' : 'cali-pro-', name);
}

/** `cali-from-wl-dispatch-3`: the part of a dispatch chain for interfaces that go on with `3`. */
export function dispatchChainName(root: ChainName, suffix: string): ChainName {
  return chainName(`${root}-`, suffix);
}

/** Dispatch chains tell endpoints apart by their interfaces, and judge nothing. */
export function isDispatchChain(name: ChainName): boolean {
  return [CHAINS.fromWorkload, CHAINS.toWorkload].some((root) => name.startsWith(root));
}

/** Joins prefix and suffix, hashing the suffix where the whole would not do. */
export function chainName(prefix: string, suffix: string): ChainName {
  const plain = `${prefix}${suffix}`;
  const mistakable = plain.length === MAX_LENGTH && suffix.startsWith('_');
  if (plain.length <= MAX_LENGTH && !mistakable && /^[A-Za-z0-9_.-]+$/.test(suffix)) return fixed(plain);
  const hash = createHash('sha256').update(suffix).digest('base64url');
  return fixed(`${prefix}_${hash}`.slice(0, MAX_LENGTH));
}

function fixed(name: string): ChainName {
  return name as ChainName;
}
