/**
 * The hosts whose rules are written down in test/golden/iptables.
 */
import type { DataplaneUpdate } from '../../../src/agent/calc/updates.js';
import { type RecordedDataplane, recordDesired } from '../../../src/agent/dataplane/desired-record.js';
import { createManagers } from '../../../src/agent/dataplane/managers/index.js';
import { IP_FAMILIES } from '../../../src/model/address.js';
import { PROTOCOL_NUMBERS } from '../../../src/model/rule.js';
import {
  address,
  cidr,
  endpoint,
  policy,
  ports,
  profile,
  rule,
  setId,
  settings,
  withProfiles,
} from './batch.js';

const { TCP, UDP, ICMP, ICMPv6 } = PROTOCOL_NUMBERS;

export const GOLDENS: Readonly<Record<string, readonly DataplaneUpdate[]>> = {
  'no-endpoints': [],
  settings: [
    settings({
      interfacePrefix: 'tap',
      defaultEndpointToHostAction: 'Accept',
      chainInsertMode: 'Append',
      iptablesMarkMask: 0x0ff0,
    }),
  ],
  'two-workloads': [
    {
      type: 'ip-set-update',
      id: setId('t:0123456789abcdefghijklmnopqrstuvwxyz'),
      setType: 'hash:ip',
      members: new Set([cidr('10.65.0.1/32'), cidr('10.65.0.2/32'), cidr('fd65::1/128')]),
    },
    profile('web', {
      ingress: [
        rule('Allow', { source: { sets: [setId('t:0123456789abcdefghijklmnopqrstuvwxyz')] } }),
        rule('Allow', { protocol: TCP, destination: { ports: ports(80, 443) } }),
        rule('Allow', { protocol: ICMP, family: 4, icmp: { type: 8 } }),
        rule('Allow', { protocol: ICMPv6, family: 6, icmp: { type: 128, code: 0 } }),
      ],
      egress: [rule('Allow')],
    }),
    { type: 'profile-update', name: 'gone', rules: { ingress: [], egress: [] }, missing: true },
    endpoint('w1', 'cali1a', {
      addresses: [address('10.65.0.1'), address('fd65::1')],
      ingress: withProfiles('web'),
      egress: withProfiles('web', 'gone'),
    }),
    endpoint('w2', 'cali2b', {
      ingress: { tiers: [], profiles: [], default: 'Deny' },
      egress: { tiers: [], profiles: [], default: 'Allow' },
    }),
    endpoint('w3', 'cali3c', { active: false }),
    { type: 'pool-update', cidr: cidr('10.65.0.0/16'), masquerade: true },
    { type: 'pool-update', cidr: cidr('10.66.0.0/16'), masquerade: false },
    { type: 'pool-update', cidr: cidr('fd65::/64'), masquerade: false },
  ],
  encapsulation: [
    {
      type: 'ip-set-update',
      id: setId('all-hosts-net'),
      setType: 'hash:net',
      members: new Set([cidr('10.99.0.1/32'), cidr('10.99.0.2/32'), cidr('fd99::1/128')]),
    },
    { type: 'encapsulation-update', inUse: { 4: ['vxlan', 'ipip'], 6: ['vxlan'] } },
    endpoint('w1', 'cali1', { egress: { tiers: [], profiles: [], default: 'Allow' } }),
  ],
  tiers: [
    policy('first', { ingress: [rule('Pass', { protocol: UDP })], egress: [rule('Deny')] }, 'security'),
    policy('a name of more than 28 characters', {
      ingress: [rule('Log'), rule('Deny', { notProtocol: TCP })],
    }),
    policy('second', { ingress: [rule('Allow')], egress: [rule('Allow')] }),
    profile('open', { ingress: [rule('Allow')], egress: [rule('Pass')] }),
    endpoint('w1', 'cali1', {
      ingress: {
        tiers: [
          { name: 'security', policies: ['first'], endOfTier: 'Pass' },
          { name: 'default', policies: ['a name of more than 28 characters', 'second'], endOfTier: 'Deny' },
        ],
        profiles: ['open'],
        default: 'Deny',
      },
      egress: {
        tiers: [{ name: 'security', policies: ['first'], endOfTier: 'Deny' }],
        profiles: ['open'],
        default: 'Deny',
      },
    }),
  ],
  'every-condition': [
    { type: 'ip-set-update', id: setId('s:in'), setType: 'hash:net', members: new Set([cidr('0.0.0.0/0')]) },
    { type: 'ip-set-update', id: setId('s:out'), setType: 'hash:net', members: new Set([cidr('fd00::/8')]) },
    policy('conditions', {
      ingress: [
        rule('Allow', {
          protocol: TCP,
          source: {
            nets: [cidr('10.0.0.0/8'), cidr('172.16.0.0/12'), cidr('fd00::/8')],
            notNets: [cidr('10.1.0.0/16'), cidr('fd01::/16')],
            sets: [setId('s:in')],
            notSets: [setId('s:out')],
            notPorts: ports(1, 2),
          },
          destination: {
            ports: Array.from({ length: 20 }, (_, index) => ({
              first: 1000 * index + 1,
              last: 1000 * index + 9,
            })),
          },
        }),
        rule('Deny', { protocol: ICMP, family: 4, notIcmp: { type: 3, code: 4 } }),
        rule('Deny', {
          protocol: UDP,
          destination: { notPorts: ports(...Array.from({ length: 20 }, (_, i) => i + 1)) },
        }),
        rule('Log', {
          source: { nets: [cidr('10.0.0.0/8'), cidr('10.0.0.0/9'), cidr('fd00::/8'), cidr('fd00::/9')] },
        }),
        rule('Allow', { destination: { ports: ports(53) } }),
      ],
    }),
  ],
  'many-interfaces': Array.from({ length: 40 }, (_, index) => {
    const name = `cali${(index * 37).toString(16).padStart(3, '0')}`;
    return endpoint(name, name);
  }),
};

/** What a host that was told this wishes for. */
export function desiredOf(batch: readonly DataplaneUpdate[]): RecordedDataplane {
  const wishes = recordDesired(IP_FAMILIES);
  const managers = createManagers(wishes);
  for (const update of batch) managers.onUpdate(update);
  managers.completeDeferredWork();
  return wishes;
}
