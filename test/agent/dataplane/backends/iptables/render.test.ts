/**
 * Each condition and verdict in the words of iptables, by table; and nothing that people write ends its word
 * and begins another, also at random.
 */
import test from 'ava';
import fc from 'fast-check';
import { RenderError, renderRule } from '../../../../../src/agent/dataplane/backends/iptables/render.js';
import type { ChainName, ChainRule, Match, Verdict } from '../../../../../src/agent/dataplane/intent.js';
import {
  ACCEPT,
  DROP,
  goTo,
  jump,
  RETURN,
  rule,
} from '../../../../../src/agent/dataplane/rules/chain-rule.js';
import type { IpFamily } from '../../../../../src/model/address.js';
import { cidr, ports, setId } from '../../batch.js';

function text(chainRule: ChainRule, family: IpFamily = 4): string {
  return renderRule(chainRule, { family, setName: (id) => `cali${family}0${id}` });
}

const matches = test.macro({
  exec(t, match: Match, expected: string, family: IpFamily = 4) {
    t.is(text(rule([match], DROP), family), `${expected} -j DROP`);
  },
  title: (_, _match, expected) => `renderRule() writes ${expected}`,
});

test(matches, { type: 'in-interface', name: 'cali', prefix: true }, '-i cali+');
test(matches, { type: 'out-interface', name: 'cali1', prefix: false }, '-o cali1');
test(
  matches,
  { type: 'conntrack', states: ['RELATED', 'ESTABLISHED'] },
  '-m conntrack --ctstate RELATED,ESTABLISHED',
);
test(matches, { type: 'mark', value: 0, mask: 0x80000000 }, '-m mark --mark 0x0/0x80000000');
test(matches, { type: 'protocol', protocol: 6, negated: false }, '-p 6');
test(matches, { type: 'protocol', protocol: 6, negated: true }, '! -p 6');
test(matches, { type: 'net', end: 'source', net: cidr('10.0.0.0/8'), negated: false }, '-s 10.0.0.0/8');
test(matches, { type: 'net', end: 'destination', net: cidr('fd00::/8'), negated: true }, '! -d fd00::/8', 6);
test(
  matches,
  { type: 'ip-set', end: 'source', id: setId('s:a'), negated: false },
  '-m set --match-set cali40s:a src',
);
test(
  matches,
  { type: 'ip-set', end: 'destination', id: setId('s:a'), negated: true },
  '-m set ! --match-set cali60s:a dst',
  6,
);
test(
  matches,
  { type: 'ports', end: 'source', ports: ports(1, 2), negated: false },
  '-m multiport --sports 1,2',
);
test(
  matches,
  { type: 'ports', end: 'destination', ports: [{ first: 5, last: 9 }], negated: true },
  '-m multiport ! --dports 5:9',
);
test(matches, { type: 'icmp', icmp: { type: 8 }, negated: false }, '-m icmp --icmp-type 8');
test(matches, { type: 'icmp', icmp: { type: 1, code: 4 }, negated: true }, '-m icmp6 ! --icmpv6-type 1/4', 6);
test(matches, { type: 'rpf-failed' }, '-m rpfilter --invert');

const acts = test.macro({
  exec(t, verdict: Verdict, expected: string) {
    t.is(text(rule([], verdict)), expected);
  },
  title: (_, _verdict, expected) => `renderRule() writes ${expected}`,
});

test(acts, ACCEPT, '-j ACCEPT');
test(acts, RETURN, '-j RETURN');
test(acts, { type: 'masquerade' }, '-j MASQUERADE');
test(acts, { type: 'notrack' }, '-j CT --notrack');
test(acts, jump('cali-a' as ChainName), '-j cali-a');
test(acts, goTo('cali-a' as ChainName), '-g cali-a');
test(
  acts,
  { type: 'set-mark', value: 0x1000000, mask: 0x3000000 },
  '-j MARK --set-xmark 0x1000000/0x3000000',
);
test(acts, { type: 'log', prefix: 'calico-packet' }, '-j LOG --log-prefix "calico-packet: "');

const refused = test.macro({
  exec(t, chainRule: ChainRule) {
    t.throws(() => text(chainRule), { instanceOf: RenderError });
  },
  title: (_, chainRule) => `renderRule() refuses ${JSON.stringify(chainRule)}`,
});

test(refused, rule([{ type: 'in-interface', name: 'cali+', prefix: false }], DROP));
test(refused, rule([{ type: 'in-interface', name: 'cali12345678901', prefix: true }], DROP));
test(refused, rule([{ type: 'in-interface', name: 'a b', prefix: false }], DROP));
test(refused, rule([{ type: 'out-interface', name: '-j', prefix: false }], DROP));
test(refused, rule([{ type: 'out-interface', name: '', prefix: false }], DROP));
test(refused, rule([{ type: 'ip-set', end: 'source', id: setId('a"b'), negated: false }], DROP));
test(refused, rule([{ type: 'ip-set', end: 'source', id: setId('x'.repeat(32)), negated: false }], DROP));
test(refused, rule([], jump('cali-a\n-A FORWARD' as ChainName)));
test(refused, rule([], jump('x'.repeat(29) as ChainName)));

test('renderRule() takes out of a comment what could end it, and cuts it', (t) => {
  t.is(
    text(rule([], DROP, 'a "b"\\ \n-j ACCEPT; `c` $d é')),
    '-m comment --comment "a _b__ _-j ACCEPT; _c_ _d _" -j DROP',
  );
  t.is(text(rule([], DROP, 'x'.repeat(300))), `-m comment --comment "${'x'.repeat(200)}" -j DROP`);
});

test('renderRule() keeps to one line with balanced quotes, whatever people write', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (comment) => {
      t.regex(
        text(rule([], { type: 'log', prefix: comment }, comment)),
        /^[^"\n]*"[^"\n]*"[^"\n]*"[^"\n]*"$/,
      );
    }),
  );
});
