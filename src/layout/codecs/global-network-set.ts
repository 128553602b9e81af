/**
 * GlobalNetworkSet: /v1/netset/<name>.
 *
 * The labels of a set are what rules select it by, so they are always written, and the networks too. What is no network is
 * left out: a set that is gone for it would let everybody past the rules that deny its members.
 */
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { looseNet } from '../field-decoders.js';
import { decodeJson, text as string } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import { firstValue, sortedMap, storedResource } from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

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
    const unreadable = new Unreadable();
    const members = { nets: unreadable.list(looseNet), labels: unreadable.mapOf(string) };
    const set = decodeJson(path, text, unreadable.object(members));
    const name = unescapeName(idSegments(id)[0] ?? '');
    const spec = { nets: set.nets ?? [] };
    return settle(storedResource('GlobalNetworkSet', { name, labels: set.labels }, spec, values), unreadable);
  },
};
