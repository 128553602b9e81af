/**
 * BGPFilter: /heddle/v1/resources/bgpfilters/<name>.
 *
 * v1 had raw BIRD statements (custom_filters), which nobody can check or compare; heddle neither reads nor writes
 * them. Every member is read strictly, because what is in here ends up in the text of a routing daemon.
 */
import { addressLength, type IpFamily } from '../../model/address.js';
import type { SpecOf } from '../../model/resource.js';
import { idSegments, storedId, unescapeName } from '../escape.js';
import { asNumber, cidrOf, community, interfacePattern } from '../field-decoders.js';
import { type Decoder, integer, list, object, objectWith, oneOf, unexpected } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import {
  decodeResourceValue,
  encodeResourceValue,
  resourcePath,
  resourceSegment,
} from '../resource-value.js';
import { firstValue, storedResource } from '../stored-values.js';

export const bgpFilterCodec: Codec<'BGPFilter'> = {
  kind: 'BGPFilter',

  encode({ kind, metadata, spec }) {
    return [{ path: resourcePath(kind, metadata.name), value: encodeResourceValue(kind, metadata, spec) }];
  },

  identify(path) {
    const segment = resourceSegment('BGPFilter', path);
    return segment === undefined ? undefined : storedId('BGPFilter', segment);
  },

  decode(id, values) {
    const stored = decodeResourceValue(firstValue(values), filterSpec);
    const name = unescapeName(idSegments(id)[0] ?? '');
    return storedResource('BGPFilter', { name, labels: stored.labels }, stored.spec ?? {}, values);
  },
};

const priority = integer(1, 2147483646);

const operation = object(
  {
    addCommunity: objectWith(['value'], { value: community }),
    prependASPath: objectWith(['prefix'], { prefix: list(asNumber) }),
    setPriority: objectWith(['value'], { value: priority }),
  },
  'refused',
);

type FilterRule = NonNullable<SpecOf<'BGPFilter'>['exportV4']>[number];

function filterRule(family: IpFamily): Decoder<FilterRule> {
  const length = integer(0, addressLength(family));
  return objectWith(
    ['action'],
    {
      cidr: cidrOf(family),
      prefixLength: lengthRange(object({ min: length, max: length }, 'refused')),
      source: oneOf('RemotePeers'),
      interface: interfacePattern,
      matchOperator: oneOf('Equal', 'NotEqual', 'In', 'NotIn'),
      peerType: oneOf('eBGP', 'iBGP'),
      communities: objectWith(['values'], { values: list(community) }),
      asPathPrefix: list(asNumber),
      priority,
      action: oneOf('Accept', 'Reject'),
      operations: list(operation),
    },
    'refused',
  );
}

/** BIRD refuses a range that ends before it begins. */
function lengthRange<R extends { readonly min?: number; readonly max?: number }>(
  range: Decoder<R>,
): Decoder<R> {
  return (value, place) => {
    const found = range(value, place);
    if (found.min !== undefined && found.max !== undefined && found.min > found.max)
      throw unexpected(place, 'min to be at most max', value);
    return found;
  };
}

const filterSpec = object(
  {
    exportV4: list(filterRule(4)),
    importV4: list(filterRule(4)),
    exportV6: list(filterRule(6)),
    importV6: list(filterRule(6)),
  },
  'refused',
);
