/**
 * Messages for the dataplane, from as few words as possible.
 */
import { type AgentSettings, DEFAULT_AGENT_SETTINGS } from '../../../src/agent/calc/agent-settings.js';
import type {
  CompiledRule,
  DataplaneUpdate,
  EndpointPolicy,
  EntityCondition,
  IpSetId,
  LocalEndpoint,
  RuleSet,
} from '../../../src/agent/calc/updates.js';
import type { StoredId } from '../../../src/layout/layout.js';
import {
  type Address,
  type Cidr,
  type MacAddress,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../../src/model/address.js';

export function cidr(text: string): Cidr {
  return parsed(parseCidr(text), text);
}

export function address(text: string): Address {
  return parsed(parseAddress(text), text);
}

export function mac(text: string): MacAddress {
  return parsed(parseMac(text), text);
}

export function setId(text: string): IpSetId {
  return text as IpSetId;
}

export function settings(changed: Partial<AgentSettings> = {}): DataplaneUpdate {
  return { type: 'settings-update', settings: { ...DEFAULT_AGENT_SETTINGS, ...changed } };
}

type RuleText = Partial<Omit<CompiledRule, 'action' | 'source' | 'destination'>> & {
  readonly source?: Partial<EntityCondition>;
  readonly destination?: Partial<EntityCondition>;
};

export function rule(action: CompiledRule['action'], conditions: RuleText = {}): CompiledRule {
  const nothing = { nets: [], notNets: [], sets: [], notSets: [], ports: [], notPorts: [] };
  return {
    ...conditions,
    action,
    source: { ...nothing, ...conditions.source },
    destination: { ...nothing, ...conditions.destination },
  };
}

export function ports(...numbers: readonly number[]): EntityCondition['ports'] {
  return numbers.map((number) => ({ first: number, last: number }));
}

export function profile(name: string, rules: Partial<RuleSet>): DataplaneUpdate {
  return { type: 'profile-update', name, rules: { ingress: [], egress: [], ...rules }, missing: false };
}

export function policy(name: string, rules: Partial<RuleSet>, tier = 'default'): DataplaneUpdate {
  return { type: 'policy-update', tier, name, rules: { ingress: [], egress: [], ...rules } };
}

export function withProfiles(...profiles: readonly string[]): EndpointPolicy {
  return { tiers: [], profiles, default: 'Deny' };
}

export function endpoint(
  name: string,
  interfaceName: string,
  fields: Partial<Omit<LocalEndpoint, 'id' | 'interfaceName'>> = {},
): DataplaneUpdate {
  return {
    type: 'workload-endpoint-update',
    endpoint: {
      id: endpointId(name),
      interfaceName,
      mac: mac('ee:ee:ee:ee:ee:ee'),
      addresses: [],
      active: true,
      ingress: withProfiles(),
      egress: withProfiles(),
      ...fields,
    },
  };
}

export function endpointId(name: string): StoredId {
  return `WorkloadEndpoint/host/heddle/${name}/eth0` as StoredId;
}

function parsed<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`Not what it should be: ${text}`);
  return value;
}
