/**
 * IPReservation: /heddle/v1/resources/ipreservations/<name>. v1 had nothing like it.
 */
import { idSegments, storedId, unescapeName } from '../escape.js';
import { cidr } from '../field-decoders.js';
import { list, object } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import {
  decodeResourceValue,
  encodeResourceValue,
  resourcePath,
  resourceSegment,
} from '../resource-value.js';
import { firstValue, storedResource } from '../stored-values.js';

export const ipReservationCodec: Codec<'IPReservation'> = {
  kind: 'IPReservation',

  encode({ kind, metadata, spec }) {
    return [{ path: resourcePath(kind, metadata.name), value: encodeResourceValue(kind, metadata, spec) }];
  },

  identify(path) {
    const segment = resourceSegment('IPReservation', path);
    return segment === undefined ? undefined : storedId('IPReservation', segment);
  },

  decode(id, values) {
    const stored = decodeResourceValue(firstValue(values), reservation);
    const name = unescapeName(idSegments(id)[0] ?? '');
    const spec = { reservedCIDRs: stored.spec?.reservedCIDRs ?? [] };
    return storedResource('IPReservation', { name, labels: stored.labels }, spec, values);
  },
};

const reservation = object({ reservedCIDRs: list(cidr) });
