/** What people read of a packet's way, line by line: a small network, and two packets through it. */
import test from 'ava';
import type { Resource } from '../../../src/model/resource.js';
import { networkFrom } from '../../../src/verify/network.js';
import type { Question } from '../../../src/verify/question.js';
import { formatTrace } from '../../../src/verify/render/trace.js';
import { trace } from '../../../src/verify/trace.js';
import { policy, resource, workload } from '../../helpers/build-resources.js';

const NETWORK: readonly Resource[] = [
  resource('Profile', 'open', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] }),
  resource('Tier', 'security', { order: 1, defaultAction: 'Pass' }),
  policy('guard', { tier: 'security', types: ['Ingress'], ingress: [{ action: 'Deny', protocol: 'UDP' }] }),
  workload('web', { addresses: ['192.168.0.1', 'fd80::1'], profiles: ['open'] }),
  workload('api', { addresses: ['192.168.0.2', 'fd80::2'], profiles: ['open'], node: 'host-2' }),
];

function formatted(question: Question, network: readonly Resource[] = NETWORK): readonly string[] {
  const answer = trace(networkFrom(network), question);
  if (!answer.ok) throw new TypeError(answer.error.message);
  return formatTrace(answer.value).split('\n');
}

test('formatTrace() shows the way of the packet, who decided, and where that is written', (t) => {
  t.deepEqual(formatted({ src: 'web', dst: 'api', protocol: 17, port: 53 }), [
    'DENY  web -> api  udp/53  IPv4',
    '  from     192.168.0.1  workload web on host-1',
    '  egress   allow  profile open, egress rule 1: Allow                 Profile.yaml:1',
    '  ingress  deny   tier security, policy guard, ingress rule 1: Deny  GlobalNetworkPolicy.yaml:1',
    '  to       192.168.0.2:53  workload api on host-2',
    '',
  ]);
});

test('formatTrace() says where nothing of ours is asked, and writes IPv6 with a port in brackets', (t) => {
  t.deepEqual(formatted({ src: 'web', dst: '2001:db8::1', protocol: 6, port: 443 }), [
    'ALLOW  web -> 2001:db8::1  tcp/443  IPv6',
    '  from     fd80::1  workload web on host-1',
    '  egress   allow  profile open, egress rule 1: Allow  Profile.yaml:1',
    '  ingress  -      nothing of ours polices what it receives',
    '  to       [2001:db8::1]:443  outside: no endpoint and no host has it',
    '',
  ]);
});

test('formatTrace() shows every tier that left it to the next, by a rule or by its end', (t) => {
  const tiers = [
    resource('Tier', 'platform', { order: 2, defaultAction: 'Deny' }),
    policy('lets-on', {
      tier: 'platform',
      types: ['Ingress'],
      ingress: [{ action: 'Deny', protocol: 'UDP' }, { action: 'Pass' }],
    }),
  ];
  t.deepEqual(formatted({ src: 'web', dst: 'api', protocol: 6, port: 80 }, [...NETWORK, ...tiers]), [
    'ALLOW  web -> api  tcp/80  IPv4',
    '  from     192.168.0.1  workload web on host-1',
    '  egress   allow  profile open, egress rule 1: Allow                   Profile.yaml:1',
    '  ingress  pass   tier security ends in Pass: it had no rule for it',
    '           pass   tier platform, policy lets-on, ingress rule 2: Pass  GlobalNetworkPolicy.yaml:1',
    '           allow  profile open, ingress rule 1: Allow                  Profile.yaml:1',
    '  to       192.168.0.2:80  workload api on host-2',
    '',
  ]);
});
