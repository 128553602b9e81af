/**
 * What lint warns of, and where it stays silent because it cannot be certain: tables of rules, and small
 * networks.
 */
import test from 'ava';
import type { DeepReadonly } from '../../../src/model/brand.js';
import type { Resource } from '../../../src/model/resource.js';
import { ruleFromSpec } from '../../../src/model/rule.js';
import type { RuleSpec } from '../../../src/model/specs.generated.js';
import { lint } from '../../../src/verify/lint/lint.js';
import { shadowsIn } from '../../../src/verify/lint/shadowed-rule.js';
import { cidr, policy, resource, selector, workload } from '../../helpers/build-resources.js';

type Rules = readonly DeepReadonly<RuleSpec>[];

const shadows = test.macro({
  exec(t, rules: Rules, expected: readonly (readonly [number, ...number[]])[]) {
    const found = [...shadowsIn(rules.map(ruleFromSpec))].map(([index, by]) => [index, ...by]);
    t.deepEqual(found, [...expected.map((one) => [...one])]);
  },
  title: (title = '') => `shadowed-rule: ${title}`,
});
const tcp = (...ports: (number | string)[]) => ({ protocol: 'TCP' as const, destination: { ports } });
const to = (...nets: string[]) => ({ destination: { nets: nets.map(cidr) } });

test(
  'what follows a rule without conditions',
  shadows,
  [{ action: 'Deny' }, { action: 'Allow', ...tcp(80) }],
  [[1, 0]],
);
test('not what follows Log', shadows, [{ action: 'Log' }, { action: 'Allow', ...tcp(80) }], []);
test(
  'ports inside a range',
  shadows,
  [
    { action: 'Allow', ...tcp('1:100') },
    { action: 'Deny', ...tcp(22, 80) },
  ],
  [[1, 0]],
);
test(
  'ports that two ranges hide together',
  shadows,
  [
    { action: 'Allow', ...tcp('1:100') },
    { action: 'Deny', ...tcp('101:200') },
    { action: 'Deny', ...tcp('50:150') },
    { action: 'Deny', ...tcp('50:201') },
  ],
  [[2, 0, 1]],
);
test(
  'networks that two halves hide together, in their own IP version',
  shadows,
  [
    { action: 'Allow', ...to('0.0.0.0/1') },
    { action: 'Allow', ...to('128.0.0.0/1') },
    { action: 'Deny', ...to('10.0.0.0/8') },
    { action: 'Deny', ipVersion: 4 },
    { action: 'Deny', ipVersion: 6 },
    { action: 'Deny' },
  ],
  [
    [2, 0],
    [3, 0, 1],
    [5, 0, 1, 4],
  ],
);
test(
  'not what several rules fill in one dimension and leave open in another',
  shadows,
  [
    { action: 'Allow', ...tcp('1:100'), source: { nets: [cidr('0.0.0.0/1')] } },
    { action: 'Allow', ...tcp('1:100'), source: { nets: [cidr('128.0.0.0/1')] } },
    { action: 'Deny', ...tcp('2:99'), source: { nets: [cidr('0.0.0.0/0')] } },
    { action: 'Deny', ...tcp('1:200'), source: { nets: [cidr('0.0.0.0/0')] } },
  ],
  [[2, 0, 1]],
);
test(
  'a rule for one protocol behind one for all others, and not the other way round',
  shadows,
  [
    { action: 'Allow', notProtocol: 'TCP' },
    { action: 'Deny', protocol: 'UDP' },
    { action: 'Deny', protocol: 'TCP' },
  ],
  [[1, 0]],
);
test(
  'a protocol without ports behind a rule for ports is not hidden, one with every port is',
  shadows,
  [
    { action: 'Allow', protocol: 'UDP', destination: { notPorts: [53] } },
    { action: 'Allow', protocol: 'UDP', destination: { ports: [53] } },
    { action: 'Deny', protocol: 'UDP' },
    { action: 'Deny', protocol: 132 },
  ],
  [[2, 0, 1]],
);
test(
  'types of ICMP',
  shadows,
  [
    { action: 'Allow', protocol: 'ICMP', notICMP: { type: 8 } },
    { action: 'Allow', protocol: 'ICMP', icmp: { type: 0 } },
    { action: 'Allow', protocol: 'ICMP', icmp: { type: 8, code: 0 } },
    { action: 'Deny', protocol: 'ICMP', icmp: { type: 8 } },
    { action: 'Deny', protocol: 'ICMPv6' },
  ],
  [[1, 0]],
);
test(
  'who a selector picks, by what its text implies',
  shadows,
  [
    { action: 'Allow', source: { selector: selector("app in {'a', 'b'}") } },
    { action: 'Deny', source: { selector: selector("app == 'a' && has(zone)") } },
    { action: 'Deny', source: { selector: selector('has(app)') } },
    { action: 'Deny', source: { selector: selector("app == 'c'"), tag: 'x' } },
  ],
  [
    [1, 0],
    [3, 2],
  ],
);
test(
  'a narrower notSelector hides more',
  shadows,
  [
    { action: 'Allow', source: { notSelector: selector("app == 'a'") } },
    { action: 'Deny', source: { notSelector: selector('has(app)') } },
    { action: 'Deny' },
  ],
  [[1, 0]],
);

test('shadowed-rule: in a list of thousands, the same rule again and what a wide rule hides', (t) => {
  const narrow: Rules = Array.from({ length: 3000 }, (_, port) => ({ action: 'Allow', ...tcp(port + 1) }));
  const rules: Rules = [...narrow, { action: 'Deny', ...tcp(1) }, { action: 'Deny' }, ...narrow];
  const found = shadowsIn(rules.map(ruleFromSpec));
  t.deepEqual(found.get(3000), [0]);
  t.is(found.size, 3001);
});

const codes = (resources: readonly Resource[], isWhole = true): string[] =>
  lint(resources, { isWhole }).map(({ code, message }) => `${code}: ${message}`);
const allowIn = policy('in', { selector: selector("app == 'web'"), types: ['Ingress'] });
const allowOut = policy('out', { selector: selector("app == 'web'"), types: ['Egress'] });
const web = workload('web', { labels: { app: 'web' } });

test('endpoint-without-policy: each direction is its own question', (t) => {
  t.regex(`${codes([web])}`, /no policy selects web: everything to it is denied, and .* from it is allowed/);
  t.regex(`${codes([web, allowOut])}`, /no policy for ingress selects web: everything to it is denied$/);
  t.regex(`${codes([web, allowIn])}`, /no policy for egress selects web: everything from it is allowed$/);
  t.deepEqual(codes([web, allowIn, allowOut]), []);
});

test('endpoint-without-policy: silent of an endpoint that names a profile, one that is missing too, and of one that is down', (t) => {
  t.deepEqual(codes([workload('w', { profiles: ['p'] })]), []);
  t.deepEqual(codes([workload('w', { state: 'inactive' })]), []);
});

test('endpoint-without-policy: what noPolicyEgress makes of it, and how many are alike', (t) => {
  const deny = resource('AgentConfiguration', 'default', { noPolicyEgress: 'Deny' });
  t.regex(`${codes([web, allowIn, deny])}`, /everything from it is denied/);
  const many = [1, 2, 3].map((n) => workload(`web-${n}`, { labels: { app: 'web' } }));
  t.regex(`${codes([...many, allowIn])}`, /selects web-1, and 2 like it: everything from it is allowed$/);
  t.is(codes([...many, allowIn]).length, 1);
});

test('unused-profile: named by nobody, with the name that somebody probably means', (t) => {
  const profile = resource('Profile', 'web', {});
  const [alone] = lint([profile], { isWhole: true });
  t.like(alone, { code: 'unused-profile', path: ['metadata', 'name'] });
  const [near] = lint([profile, workload('w', { profiles: ['wbe'] })], { isWhole: true });
  t.like(near, {
    code: 'unused-profile',
    hint: 'An endpoint names wbe, which does not exist: is that the one?',
  });
});

test('unmatched-selector: silent without a near miss, except in a ConnectivityTest', (t) => {
  const strange = policy('p', { selector: selector("colour == 'blue'"), types: ['Ingress', 'Egress'] });
  t.deepEqual(codes([web, allowIn, allowOut, strange]), []);
  const asked = resource('ConnectivityTest', 't', {
    from: { selector: selector("colour == 'blue'") },
    to: { node: 'nowhere' },
    expect: 'Deny',
    minMatches: { from: 1, to: 1 },
  });
  t.is(
    codes([web, allowIn, allowOut, asked]).filter((one) => one.startsWith('unmatched-selector')).length,
    2,
  );
});

test('unmatched-selector: a slip in a label, which network sets have for rules only, and profiles for both', (t) => {
  const base = [workload('db', { labels: { rol: 'x' }, profiles: ['p'] }), web, allowIn, allowOut];
  const office = selector("role == 'office'");
  const rule = { action: 'Allow' as const, source: { selector: office } };
  const asking = policy('asking', { types: ['Ingress'], ingress: [rule] });
  const selecting = policy('selecting', { selector: office, types: ['Ingress'] });
  const set = resource('GlobalNetworkSet', 's', { nets: [] }, { role: 'office' });
  const giving = resource('Profile', 'p', { labelsToApply: { role: 'office' } });
  const slips = (...more: readonly Resource[]) =>
    codes([...base, ...more]).filter((one) => one.startsWith('unmatched-selector'));
  t.is(slips(asking).length, 1, 'nobody has the label of the rule');
  t.deepEqual(slips(asking, set), [], 'a network set has it');
  t.is(slips(selecting).length, 1, 'nobody has the label of the policy');
  t.is(slips(selecting, set).length, 1, 'a policy selects no network set');
  t.deepEqual(slips(selecting, giving), [], 'a profile gives it to an endpoint');
});

test('unmatched-selector: a policy whose selector contradicts itself', (t) => {
  const nobody = policy('p', { selector: selector("app == 'web' && app == 'db'"), types: ['Ingress'] });
  t.regex(`${codes([web, allowIn, allowOut, nobody])}`, /contradict each other: it can pick nothing/);
});

test('lint() of a part says nothing that the rest could change', (t) => {
  const unused = resource('Profile', 'p', { ingress: [{ action: 'Allow' }, { action: 'Deny' }] });
  t.deepEqual(
    lint([unused, web], { isWhole: false }).map(({ code }) => code),
    ['shadowed-rule'],
  );
});

test('lint() says 100 findings of a check, and that there are more', (t) => {
  const many = Array.from({ length: 150 }, (_, n) => workload(`w${n}`));
  const found = codes(many);
  t.is(found.length, 100);
  t.regex(`${found.at(-1)}`, /more such places than these 100/);
});

test('a BGPPeer whose selector picks no host makes no session; it says which label is near', (t) => {
  const node = (name: string, rack: string) =>
    resource('Node', name, { bgp: { ipv4Address: '10.0.0.1/24' as never } }, { rack });
  const peer = (name: string, spec: object) =>
    resource('BGPPeer', name, { peerIP: '10.0.0.254', asNumber: 65000, ...spec } as never);
  const found = lint(
    [
      node('n1', 'a'),
      peer('picks', { nodeSelector: selector("rack == 'a'") }),
      peer('typo', { nodeSelector: selector("rak == 'a'") }),
      peer('nobody', { nodeSelector: selector("rack == 'q' && has(rack)") }),
    ],
    { isWhole: true },
  ).filter(({ resource: id }) => id.startsWith('BGPPeer/'));
  t.deepEqual(
    found.map(({ resource: id, path, hint }) => [id, path.join('.'), hint]),
    [
      ['BGPPeer/typo', 'spec.nodeSelector', 'Did you mean the label rack instead of rak?'],
      ['BGPPeer/nobody', 'spec.nodeSelector', 'Correct it, or give the label to a Node'],
    ],
  );
});
