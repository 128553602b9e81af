/**
 * The comment by which we know our rules again: `cali:` and 16 characters.
 *
 * The hash covers the rule's text, its chain and, chained, every rule before it. Two rules with one hash are
 * therefore the same rule in the same place, and the first that differs shows where a chain has to be rewritten.
 * The kernel gives rules back in other words than it was given; the comment comes back as it was.
 */
import { hash } from 'node:crypto';

const LENGTH = 16;

/** One hash for each rule, in order. @param rules - without `-A` and chain name. */
export function ruleHashes(chain: string, rules: readonly string[]): readonly string[] {
  let previous = sha224(Buffer.from(chain));
  return rules.map((rule) => {
    previous = sha224(Buffer.concat([previous, Buffer.from(`-A ${chain} HASH ${rule}`)]));
    return previous.toString('base64url').slice(0, LENGTH);
  });
}

export function hashComment(hash: string): string {
  return `cali:${hash}`;
}

/** The hash in a rule as iptables-save prints it; undefined when the rule is not ours. */
export function findHash(rule: string): string | undefined {
  return /--comment "?cali:([A-Za-z0-9_-]{16})"?(?: |$)/.exec(rule)?.[1];
}

function sha224(data: Buffer): Buffer {
  return hash('sha224', data, 'buffer');
}
