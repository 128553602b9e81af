/**
 * GlobalNetworkSet: /v1/netset/<name>.
 *
 * The labels of a set are what rules select it by, so they are always written, and the networks too.
 */
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { looseNet } from '../field-decoders.js';
import { decodeJson, list, object, textMap } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { firstValue, sortedMap, storedResource } from '../stored-values.js';

export const globalNetworkSetCodec: Codec<'GlobalNetworkSet'> = {
  kind: 'GlobalNetworkSet',

  encode({ metadata, spec }) {
    const value = { nets: spec.nets ?? [], labels: sortedMap(metadata.labels) };
    return [{ path: `/v1/netset/${escapeName(metadata.name)}`, value: JSON.stringify(value) }];
  },

  identify(path) {
    const match = /^\/v1\/netset\/([^/]+)$/.exec(path);
    return match?.[1] === undefined ? undefined : storedId('GlobalNetworkSet', match[1]);
  },

  decode(id, values) {
    const { path, text } = firstValue(values);
    const set = decodeJson(path, text, v1NetworkSet);
    const name = unescapeName(idSegments(id)[0] ?? '');
    return storedResource('GlobalNetworkSet', { name, labels: set.labels }, { nets: set.nets ?? [] }, values);
  },
};

const v1NetworkSet = object({ nets: list(looseNet), labels: textMap });
