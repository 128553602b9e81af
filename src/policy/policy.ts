/**
 * Tiers, policies and profiles, read once: rules parsed, defaults filled in, the selector as a tree.
 *
 * Whoever judges packets (agent, verifier, trace) works on these values and never on a spec. What Calico v3 leaves
 * to its readers is settled here: a blank selector is all(), an absent order is last, absent or empty `types` follow from the
 * rules that are there, and the tier `default` exists without being written.
 */
import type { DeepReadonly } from '../model/brand.js';
import type { Origin, ResourceOf, RuleOrigins } from '../model/resource.js';
import { type Direction, policyTypes, type Rule, ruleFromSpec } from '../model/rule.js';
import type { SelectorNode } from '../model/selector/ast.js';
import { selectorAst } from '../model/selector/selector.js';
import type { RuleSpec } from '../model/specs.generated.js';

const DEFAULT_TIER = 'default';
const DEFAULT_TIER_ORDER = 1_000_000;

/** Rules by the direction, seen from the endpoint, in which they apply. */
export type DirectedRules = Readonly<Record<Direction, readonly Rule[]>>;

export interface Tier {
  readonly name: string;
  /** Infinity when absent. */
  readonly order: number;
  /** What happens to a packet that no policy of the tier decided. */
  readonly endOfTier: 'Deny' | 'Pass';
}

export interface Policy {
  /** Without the name of its tier. */
  readonly name: string;
  readonly tier: string;
  /** Infinity when absent. */
  readonly order: number;
  readonly selector: SelectorNode;
  /** The directions that the policy decides, with rules or without. */
  readonly types: ReadonlySet<Direction>;
  /** Empty in a direction that is not among the types. */
  readonly rules: DirectedRules;
  /** False for doNotTrack and preDNAT: host endpoints apply those before there is a connection to judge. */
  readonly judgesConnections: boolean;
  readonly origin: Origin;
  readonly ruleOrigins?: RuleOrigins;
}

export interface Profile {
  readonly name: string;
  readonly rules: DirectedRules;
  /** Inherited by each endpoint with the profile. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly origin: Origin;
  readonly ruleOrigins?: RuleOrigins;
}

const DEFAULT: Tier = { name: DEFAULT_TIER, order: DEFAULT_TIER_ORDER, endOfTier: 'Deny' };

export function tierFrom(resource: ResourceOf<'Tier'>): Tier {
  const { name } = resource.metadata;
  const absent = name === DEFAULT_TIER ? DEFAULT_TIER_ORDER : Number.POSITIVE_INFINITY;
  return { name, order: resource.spec.order ?? absent, endOfTier: resource.spec.defaultAction };
}

/** The tier of this name: `default` is there unasked. undefined: there is none, or nobody can read it. */
export function findTier(name: string, tiers: ReadonlyMap<string, Tier>): Tier | undefined {
  const unasked = name === DEFAULT_TIER ? DEFAULT : undefined;
  return tiers.get(name) ?? unasked;
}

/** @param name - in its tier; a manifest may spell it with the name of the tier in front */
export function policyFrom(
  resource: ResourceOf<'GlobalNetworkPolicy'>,
  name: string = nameInTier(resource),
): Policy {
  const { spec, origin, ruleOrigins } = resource;
  const types = new Set(
    policyTypes(spec).map((type): Direction => (type === 'Ingress' ? 'ingress' : 'egress')),
  );
  return {
    name,
    tier: spec.tier ?? DEFAULT_TIER,
    order: spec.order ?? Number.POSITIVE_INFINITY,
    selector: spec.selector === undefined ? { type: 'all' } : selectorAst(spec.selector),
    types,
    rules: {
      ingress: types.has('ingress') ? rulesFrom(spec.ingress) : [],
      egress: types.has('egress') ? rulesFrom(spec.egress) : [],
    },
    judgesConnections: !spec.doNotTrack && !spec.preDNAT,
    origin,
    ...(ruleOrigins && { ruleOrigins }),
  };
}

export function profileFrom(resource: ResourceOf<'Profile'>): Profile {
  const { spec, metadata, origin, ruleOrigins } = resource;
  return {
    name: metadata.name,
    rules: { ingress: rulesFrom(spec.ingress), egress: rulesFrom(spec.egress) },
    labels: spec.labelsToApply ?? {},
    tags: spec.tags ?? [],
    origin,
    ...(ruleOrigins && { ruleOrigins }),
  };
}

/** Calico before 3.32 wrote the tier into the name. The store has the rest of it, by which ties are broken. */
function nameInTier({ metadata: { name }, spec }: ResourceOf<'GlobalNetworkPolicy'>): string {
  const prefix = `${spec.tier ?? DEFAULT_TIER}.`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function rulesFrom(specs: readonly DeepReadonly<RuleSpec>[] = []): readonly Rule[] {
  return specs.map(ruleFromSpec);
}
