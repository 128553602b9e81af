/**
 * What a schema cannot say of BGP peers and filters: fields that exclude or need each other.
 */
import { familyOf } from '../../model/address.js';
import { parsePeerAddress } from '../../model/peer-address.js';
import type { SpecOf } from '../../model/resource.js';
import type { Fault } from '../report.js';
import { checkBgpAddress, invalid } from './invalid.js';

/** Faults of a BGPPeer. */
export function checkPeer(spec: SpecOf<'BGPPeer'>): Fault[] {
  const faults: Fault[] = [];
  if (spec.node !== undefined && spec.nodeSelector !== undefined)
    faults.push(
      invalid(
        ['spec', 'nodeSelector'],
        spec.nodeSelector,
        'a peer has either node or nodeSelector',
        'Remove one of them',
        [['spec', 'node']],
      ),
    );
  if ((spec.peerIP === undefined) === (spec.peerSelector === undefined))
    faults.push({
      code: spec.peerIP === undefined ? 'missing-field' : 'invalid-value',
      path: ['spec', spec.peerIP === undefined ? 'peerIP' : 'peerSelector'],
      reads: [
        ['spec', 'peerIP'],
        ['spec', 'peerSelector'],
      ],
      part: 'key',
      message: 'a peer has exactly one of peerIP and peerSelector',
      hint: spec.peerIP === undefined ? 'Add peerIP' : 'Remove one of them',
    });
  if (spec.keepOriginalNextHop === true && spec.nextHopMode !== undefined && spec.nextHopMode !== 'Keep')
    faults.push(
      invalid(
        ['spec', 'nextHopMode'],
        spec.nextHopMode,
        `keepOriginalNextHop contradicts nextHopMode ${spec.nextHopMode}`,
        'Remove one of them',
        [['spec', 'keepOriginalNextHop']],
      ),
    );
  const peer = spec.peerIP === undefined ? undefined : parsePeerAddress(spec.peerIP)?.address;
  if (peer) faults.push(...checkBgpAddress(peer, ['spec', 'peerIP']));
  if (spec.reachableBy !== undefined)
    faults.push(...checkBgpAddress(spec.reachableBy, ['spec', 'reachableBy']));
  if (spec.bfd && spec.sourceAddress === 'None')
    faults.push(
      invalid(
        ['spec', 'sourceAddress'],
        spec.sourceAddress,
        'bfd watches the path from the address of the node, so the session has to come from it too',
        'Take sourceAddress away, or bfd',
      ),
    );
  if (peer && spec.reachableBy !== undefined && familyOf(spec.reachableBy) !== familyOf(peer))
    faults.push(
      invalid(
        ['spec', 'reachableBy'],
        spec.reachableBy,
        'the gateway to a peer has the IP version of the peer',
        `Write an IPv${familyOf(peer)} address`,
        [['spec', 'peerIP']],
      ),
    );
  return faults;
}

/** Faults of a RouteReflector. */
export function checkReflector({ ipv4Address, ipv6Address }: SpecOf<'RouteReflector'>): Fault[] {
  return [
    ...checkBgpAddress(ipv4Address, ['spec', 'ipv4Address']),
    ...(ipv6Address ? checkBgpAddress(ipv6Address, ['spec', 'ipv6Address']) : []),
  ];
}

/** Faults of a BGPFilter. */
export function checkFilter(spec: SpecOf<'BGPFilter'>): Fault[] {
  return (['exportV4', 'importV4', 'exportV6', 'importV6'] as const).flatMap((field) =>
    (spec[field] ?? []).flatMap((rule, index) => {
      const path = ['spec', field, index];
      const { cidr, matchOperator, prefixLength: range } = rule;
      const faults: Fault[] = [];
      if ((cidr === undefined) !== (matchOperator === undefined))
        faults.push({
          code: 'missing-field',
          path: [...path, cidr === undefined ? 'cidr' : 'matchOperator'],
          reads: [
            [...path, 'cidr'],
            [...path, 'matchOperator'],
          ],
          part: 'key',
          message: 'cidr and matchOperator go together',
          hint: cidr === undefined ? 'Add cidr' : 'Add matchOperator: In',
        });
      if (range && cidr === undefined)
        faults.push(
          invalid([...path, 'prefixLength'], range, 'prefixLength needs cidr', 'Add cidr and matchOperator', [
            [...path, 'cidr'],
          ]),
        );
      if (range?.min !== undefined && range.max !== undefined && range.min > range.max)
        faults.push(
          invalid(
            [...path, 'prefixLength'],
            range,
            'prefixLength.min is more than prefixLength.max',
            'Swap them',
          ),
        );
      return faults;
    }),
  );
}
