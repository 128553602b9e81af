/**
 * A table as we want it and as the kernel has it, and when the two agree.
 */
import type { IpSetId } from '../../../calc/updates.js';
import type { Chain, ChainName, ChainRule, HookRules } from '../../intent.js';
import { isOurChain, isOurRule } from './ownership.js';
import { comment, type RenderContext, renderRule } from './render.js';
import { hashComment, ruleHashes } from './rule-hash.js';
import type { SavedRule, SavedTable } from './save-parser.js';

/** One of our chains in the kernel. */
export interface KernelChain {
  /** Undefined for a rule that somebody else put there. */
  readonly hashes: readonly (string | undefined)[];
  /** Sets that its rules look into. */
  readonly setNames: ReadonlySet<string>;
}

/** One of our chains as it should be. */
export interface DesiredChain extends KernelChain {
  readonly chain: Chain;
  readonly setIds: ReadonlySet<IpSetId>;
  /** Whole rules, hash comment first, without `-A` and chain name. */
  readonly rules: readonly string[];
}

/** A chain of the kernel or of others that holds rules of ours. */
export interface KernelHook {
  readonly rules: readonly HookedRule[];
}

export interface HookedRule {
  readonly ours: boolean;
  readonly hash: string | undefined;
  readonly text: string;
}

export interface DesiredHook {
  readonly intent: HookRules;
  readonly hashes: readonly string[];
  readonly rules: readonly string[];
}

export interface KernelTable {
  readonly chains: ReadonlyMap<ChainName, KernelChain>;
  /** By chain name; chains without a rule of ours are left out. */
  readonly hooks: ReadonlyMap<string, KernelHook>;
}

/** @throws {RenderError} when a name in it is not fit for the kernel. */
export function renderChain(chain: Chain, context: RenderContext): DesiredChain {
  const rendered = renderShared(chain, context);
  const setIds = setsIn(chain);
  if (setIds.size === 0) return { chain, setIds, setNames: NO_NAMES, ...rendered };
  return { chain, setIds, setNames: new Set([...setIds].map(context.setName)), ...rendered };
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Chains that read the same for both families are rendered once, and held once. */
const sharedRenderings = new WeakMap<Chain, RenderedRules>();

function renderShared(chain: Chain, context: RenderContext): RenderedRules {
  const known = sharedRenderings.get(chain);
  if (known) return known;
  const rendered = renderRules(chain.name, chain.rules, context);
  if (chain.rules.every(isSameForBothFamilies)) sharedRenderings.set(chain, rendered);
  return rendered;
}

function setsIn(chain: Chain): ReadonlySet<IpSetId> {
  return new Set(
    chain.rules.flatMap((rule) =>
      rule.matches.flatMap((match) => (match.type === 'ip-set' ? [match.id] : [])),
    ),
  );
}

export function renderHook(intent: HookRules, context: RenderContext): DesiredHook {
  return { intent, ...renderRules(intent.hook, intent.rules, context) };
}

interface RenderedRules {
  readonly hashes: readonly string[];
  readonly rules: readonly string[];
}

/** The name of a set holds its family, and ICMP has a match of its own in each. */
function isSameForBothFamilies({ matches }: ChainRule): boolean {
  return matches.every(({ type }) => type !== 'ip-set' && type !== 'icmp');
}

function renderRules(
  chainName: string,
  chainRules: readonly ChainRule[],
  context: RenderContext,
): RenderedRules {
  const texts = chainRules.map((rule) => renderRule(rule, context));
  const hashes = ruleHashes(chainName, texts);
  const rules = texts.map((text, index) => [...comment(hashComment(hashes[index] ?? '')), text].join(' '));
  return { hashes, rules };
}

/** Sorts what the kernel holds into ours and others'. */
export function kernelTable(saved: SavedTable): KernelTable {
  const chains = new Map<ChainName, KernelChain>();
  const hooks = new Map<string, KernelHook>();
  for (const [name, rules] of saved) {
    if (isOurChain(name)) chains.set(name as ChainName, kernelChain(rules));
    else if (rules.some(isOurRule)) hooks.set(name, { rules: rules.map(hookedRule) });
  }
  return { chains, hooks };
}

function hookedRule(rule: SavedRule): HookedRule {
  return { ours: isOurRule(rule), hash: rule.hash, text: rule.text };
}

function kernelChain(rules: readonly SavedRule[]): KernelChain {
  const setNames = rules.flatMap((rule) => rule.setNames);
  return {
    hashes: rules.map(({ hash }) => hash),
    setNames: setNames.length === 0 ? NO_NAMES : new Set(setNames),
  };
}

export function isSameChain(desired: KernelChain, actual: KernelChain): boolean {
  return sameList(desired.hashes, actual.hashes);
}

/** Ours in their place, in order, and nowhere else. */
export function isSameHook(desired: DesiredHook, actual: KernelHook): boolean {
  const count = desired.hashes.length;
  const { rules } = actual;
  const start = desired.intent.position === 'first' ? 0 : Math.max(0, rules.length - count);
  const placed = rules.slice(start, start + count);
  return (
    rules.filter(({ ours }) => ours).length === count &&
    placed.every(({ ours }) => ours) &&
    sameList(
      desired.hashes,
      placed.map(({ hash }) => hash),
    )
  );
}

/** The hook after our rules were written anew. */
export function placedHook(desired: DesiredHook, actual: KernelHook | undefined): KernelHook {
  const foreign = actual?.rules.filter(({ ours }) => !ours) ?? [];
  const placed = desired.rules.map((text, index) => ({ ours: true, hash: desired.hashes[index], text }));
  return { rules: desired.intent.position === 'first' ? [...placed, ...foreign] : [...foreign, ...placed] };
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
