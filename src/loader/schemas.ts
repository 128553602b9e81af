/**
 * The registry of schemas: one for each kind, and the definitions that they share.
 *
 * The JSON files in schemas/ are the public contract, also served to editors. Everything here that knows a
 * field (validation, defaults, canonical forms, did-you-mean) knows it from them.
 */
import agentConfiguration from '../../schemas/agentconfiguration.schema.json' with { type: 'json' };
import bgpConfiguration from '../../schemas/bgpconfiguration.schema.json' with { type: 'json' };
import bgpFilter from '../../schemas/bgpfilter.schema.json' with { type: 'json' };
import bgpPeer from '../../schemas/bgppeer.schema.json' with { type: 'json' };
import connectivityTest from '../../schemas/connectivitytest.schema.json' with { type: 'json' };
import definitions from '../../schemas/definitions.schema.json' with { type: 'json' };
import globalNetworkPolicy from '../../schemas/globalnetworkpolicy.schema.json' with { type: 'json' };
import globalNetworkSet from '../../schemas/globalnetworkset.schema.json' with { type: 'json' };
import hostEndpoint from '../../schemas/hostendpoint.schema.json' with { type: 'json' };
import ipPool from '../../schemas/ippool.schema.json' with { type: 'json' };
import ipReservation from '../../schemas/ipreservation.schema.json' with { type: 'json' };
import node from '../../schemas/node.schema.json' with { type: 'json' };
import profile from '../../schemas/profile.schema.json' with { type: 'json' };
import routeReflector from '../../schemas/routereflector.schema.json' with { type: 'json' };
import tier from '../../schemas/tier.schema.json' with { type: 'json' };
import workloadEndpoint from '../../schemas/workloadendpoint.schema.json' with { type: 'json' };
import type { Kind } from '../model/resource.js';

/** The part of JSON schema (draft 07) that our files use. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

export const SCHEMAS: Readonly<Record<Kind, JsonSchema>> = {
  IPPool: ipPool,
  Profile: profile,
  Tier: tier,
  GlobalNetworkPolicy: globalNetworkPolicy,
  GlobalNetworkSet: globalNetworkSet,
  WorkloadEndpoint: workloadEndpoint,
  HostEndpoint: hostEndpoint,
  Node: node,
  BGPConfiguration: bgpConfiguration,
  BGPPeer: bgpPeer,
  RouteReflector: routeReflector,
  BGPFilter: bgpFilter,
  IPReservation: ipReservation,
  AgentConfiguration: agentConfiguration,
  ConnectivityTest: connectivityTest,
};

export const DEFINITIONS: JsonSchema = definitions;

/** The definition that a reference of one of our files names: `definitions.schema.json#/definitions/cidr`. */
export function definitionName(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

/** The schema behind a reference, or the schema itself. What stands beside the reference is kept, and wins. */
export function resolveReference(schema: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  return { ...DEFINITIONS.definitions?.[definitionName($ref)], ...beside };
}

/** The schema of a field of a map. */
export function propertySchema(schema: JsonSchema, key: string): JsonSchema {
  const branches = [schema, ...(schema.anyOf ?? [])];
  const found = branches.map((branch) => branch.properties?.[key]).find((property) => property !== undefined);
  if (found) return found;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
}
