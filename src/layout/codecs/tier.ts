/**
 * Tier: /v1/policy/tier/<name>/metadata.
 *
 * A tier without an order comes last; Python wrote `"default"` for that. What the end of a tier does is a fact
 * that v1 did not have (it always denied), so it is written only when it passes.
 */
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { decodeJson, object, oneOf } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { order } from '../policy-order.js';
import { firstValue, storedResource } from '../stored-values.js';

export const tierCodec: Codec<'Tier'> = {
  kind: 'Tier',

  encode({ metadata, spec }) {
    const value = compact({
      order: spec.order,
      default_action: spec.defaultAction === 'Pass' ? 'Pass' : undefined,
    });
    const path = `/v1/policy/tier/${escapeName(metadata.name)}/metadata`;
    return [{ path, value: JSON.stringify(value) }];
  },

  identify(path) {
    const match = /^\/v1\/policy\/tier\/([^/]+)\/metadata$/.exec(path);
    return match?.[1] === undefined ? undefined : storedId('Tier', match[1]);
  },

  decode(id, values) {
    const { path, text } = firstValue(values);
    const tier = decodeJson(path, text, v1Tier);
    const spec = compact({ order: tier.order?.value, defaultAction: tier.default_action ?? 'Deny' });
    return storedResource('Tier', { name: unescapeName(idSegments(id)[0] ?? '') }, spec, values);
  },
};

const v1Tier = object({ order, default_action: oneOf('Deny', 'Pass') });
