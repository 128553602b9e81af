/**
 * Profile: /v1/policy/profile/<name>/{tags,rules,labels}.
 *
 * Tags and rules are always written, as both generations of writers did; labels only when there are any. A
 * profile of which only some keys exist is complete without the others: no rules means that nothing is allowed.
 */
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { decodeJson, list, object, text, textMap } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { encodeRule, ruleList } from '../rule-codec.js';
import { sortedMapUnlessEmpty, storedResource, valueEnding } from '../stored-values.js';

export const profileCodec: Codec<'Profile'> = {
  kind: 'Profile',

  encode({ metadata, spec }) {
    const base = `/v1/policy/profile/${escapeName(metadata.name)}`;
    const rules = {
      inbound_rules: (spec.ingress ?? []).map(encodeRule),
      outbound_rules: (spec.egress ?? []).map(encodeRule),
    };
    const labels = sortedMapUnlessEmpty(spec.labelsToApply ?? {});
    return [
      { path: `${base}/tags`, value: JSON.stringify(spec.tags ?? []) },
      { path: `${base}/rules`, value: JSON.stringify(rules) },
      ...(labels ? [{ path: `${base}/labels`, value: JSON.stringify(labels) }] : []),
    ];
  },

  identify(path) {
    const match = /^\/v1\/policy\/profile\/([^/]+)\/(?:tags|rules|labels)$/.exec(path);
    return match?.[1] === undefined ? undefined : storedId('Profile', match[1]);
  },

  decode(id, values) {
    const rules = valueEnding(values, '/rules');
    const tags = valueEnding(values, '/tags');
    const labels = valueEnding(values, '/labels');
    const v1 = rules ? decodeJson(rules.path, rules.text, v1Rules) : {};
    const spec = compact({
      ingress: v1.inbound_rules ?? v1.inbound ?? [],
      egress: v1.outbound_rules ?? v1.outbound ?? [],
      labelsToApply: labels && decodeJson(labels.path, labels.text, textMap),
      tags: tags ? decodeJson(tags.path, tags.text, list(text)) : [],
    });
    return storedResource('Profile', { name: unescapeName(idSegments(id)[0] ?? '') }, spec, values);
  },
};

/** `inbound` and `outbound` are how the first documents spelled them. */
const v1Rules = object({
  inbound_rules: ruleList,
  outbound_rules: ruleList,
  inbound: ruleList,
  outbound: ruleList,
});
