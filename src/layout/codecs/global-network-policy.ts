/**
 * GlobalNetworkPolicy: /v1/policy/tier/<tier>/policy/<name>.
 *
 * Names are stored without the tier prefix that Calico wrote before 3.32 (`default.web` is `web`). `types` is
 * always written, because readers disagree on what its absence means: to Calico v3's API the directions that
 * have rules, to v1 data both directions.
 *
 * What cannot be read closes. A rule denies what reaches it; where it is not known whom the policy picks or when it is
 * asked, it comes first in its tier and denies all that it may pick.
 */

import { policyTypes } from '../../model/rule.js';
import { toSelectorText } from '../../model/selector/selector.js';
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { selector } from '../field-decoders.js';
import { decodeJson, flag, list, oneOf } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { order } from '../policy-order.js';
import { closingRuleList, DENY, encodeRule } from '../rule-codec.js';
import { firstValue, storedResource } from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

export const globalNetworkPolicyCodec: Codec<'GlobalNetworkPolicy'> = {
  kind: 'GlobalNetworkPolicy',

  encode({ metadata, spec }) {
    const tier = spec.tier ?? DEFAULT_TIER;
    const prefix = `${tier}.`;
    const name = metadata.name.startsWith(prefix) ? metadata.name.slice(prefix.length) : metadata.name;
    const value = compact({
      selector: spec.selector ?? 'all()',
      order: spec.order,
      types: policyTypes(spec).map((type) => type.toLowerCase()),
      inbound_rules: (spec.ingress ?? []).map(encodeRule),
      outbound_rules: (spec.egress ?? []).map(encodeRule),
      untracked: spec.doNotTrack || undefined,
      pre_dnat: spec.preDNAT || undefined,
      apply_on_forward: spec.applyOnForward || undefined,
    });
    const path = `/v1/policy/tier/${escapeName(tier)}/policy/${escapeName(name)}`;
    return [{ path, value: JSON.stringify(value) }];
  },

  identify(path) {
    const match = /^\/v1\/policy\/tier\/([^/]+)\/policy\/([^/]+)$/.exec(path);
    return match?.[1] === undefined || match[2] === undefined
      ? undefined
      : storedId('GlobalNetworkPolicy', match[1], match[2]);
  },

  decode(id, values) {
    const { path, text } = firstValue(values);
    const [unreadable, unreadableRules] = [new Unreadable(), new Unreadable()];
    const policy =
      unreadable.attempt(() => decodeJson(path, text, v1Policy(unreadable, unreadableRules))) ?? {};
    const isClosed = unreadable.errors.length > 0;
    const [tier = '', name = ''] = idSegments(id).map(unescapeName);
    const spec = compact({
      tier,
      order: isClosed ? FIRST : policy.order?.value,
      selector: policy.selector ?? toSelectorText(''),
      types: policy.types?.length ? policy.types : BOTH_TYPES,
      ingress: isClosed ? [DENY] : (policy.inbound_rules ?? policy.inbound ?? []),
      egress: isClosed ? [DENY] : (policy.outbound_rules ?? policy.outbound ?? []),
      doNotTrack: policy.untracked ?? false,
      preDNAT: policy.pre_dnat ?? false,
      applyOnForward: policy.apply_on_forward ?? false,
    });
    const resource = storedResource('GlobalNetworkPolicy', { name }, spec, values);
    return settle(resource, unreadable, unreadableRules);
  },
};

const DEFAULT_TIER = 'default';
const BOTH_TYPES = ['Ingress', 'Egress'] as const;
/** Before any order that a number can say. */
const FIRST = -Number.MAX_VALUE;

const v1Policy = (unreadable: Unreadable, unreadableRules: Unreadable) => {
  const rules = closingRuleList(unreadableRules);
  return unreadable.object({
    selector,
    order,
    types: list(oneOf('Ingress', 'Egress')),
    inbound_rules: rules,
    outbound_rules: rules,
    inbound: rules,
    outbound: rules,
    untracked: flag,
    pre_dnat: flag,
    apply_on_forward: flag,
  });
};
