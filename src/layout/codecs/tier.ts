/**
 * Tier: /v1/policy/tier/<name>/metadata.
 *
 * A tier without an order comes last; Python wrote `"default"` for that. What the end of a tier does is a fact
 * that v1 did not have (it always denied), so it is written only when it passes. A tier whose place among the others
 * cannot be read is as one that is not there: what its policies pick is denied (policy/effective.ts).
 */
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { type Decoder, decodeJson, object, oneOf } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { order } from '../policy-order.js';
import { firstValue, storedResource } from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

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
    const unreadable = new Unreadable();
    const tier = decodeJson(path, text, object({ order, default_action: anyAction(unreadable) }));
    const spec = compact({ order: tier.order?.value, defaultAction: tier.default_action ?? 'Deny' });
    const name = unescapeName(idSegments(id)[0] ?? '');
    return settle(storedResource('Tier', { name }, spec, values), unreadable);
  },
};

/** One that cannot be read is as absent. */
const anyAction =
  (unreadable: Unreadable): Decoder<'Deny' | 'Pass' | undefined> =>
  (value, place) =>
    unreadable.attempt(() => oneOf('Deny', 'Pass')(value, place));
