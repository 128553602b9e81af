/**
 * What people can ask of `trace`, in words or as a line of JSON, and what is said of anything else (law 8): a
 * table.
 */
import test from 'ava';
import { parseConversation, parseQuestion } from '../../src/verify/question.js';

const reads = test.macro({
  exec(t, text: string, expected: object) {
    t.deepEqual(parseConversation(text), { ok: true, value: expected } as unknown);
  },
  title: (_, text) => `parseConversation() reads ${text}`,
});

test(reads, 'tcp/80', { protocol: 6, port: 80 });
test(reads, 'TCP/65535', { protocol: 6, port: 65_535 });
test(reads, 'udp/53', { protocol: 17, port: 53 });
test(reads, 'sctp/3868', { protocol: 132, port: 3_868 });
test(reads, 'udplite/9', { protocol: 136, port: 9 });
test(reads, '6/80', { protocol: 6, port: 80 });
test(reads, 'icmp', { protocol: 'icmp' });
test(reads, 'icmp/3', { protocol: 'icmp', icmp: { type: 3 } });
test(reads, 'icmp/3/1', { protocol: 'icmp', icmp: { type: 3, code: 1 } });
test(reads, 'icmpv6/128/0', { protocol: 58, icmp: { type: 128, code: 0 } });
test(reads, '47', { protocol: 47 });

const refuses = test.macro({
  exec(t, text: string, message: RegExp) {
    const parsed = parseConversation(text);
    t.regex(parsed.ok ? 'read' : `${parsed.error.message}; ${parsed.error.hint}`, message);
  },
  title: (_, text) => `parseConversation() refuses ${JSON.stringify(text)}`,
});

test(refuses, 'tcp', /TCP needs a port; write tcp\/PORT/);
test(refuses, 'tcp/0', /0 is not a port/);
test(refuses, 'tcp/65536', /65536 is not a port/);
test(refuses, 'tcp/http', /is not a protocol/);
test(refuses, 'tcp/80/1', /too many parts/);
test(refuses, 'icmp/8/0/0', /too many parts/);
test(refuses, 'icmp/256', /out of range/);
test(refuses, '47/80', /47 has no ports/);
test(refuses, 'gre', /is not a protocol/);
test(refuses, '256', /is not a protocol/);
test(refuses, '', /is not a protocol/);

test('parseQuestion() reads every key of a line, and takes null for absent', (t) => {
  const line = {
    src: 'web',
    dst: '10.0.0.1',
    protocol: 'tcp',
    port: 80,
    srcPort: 1024,
    family: 6,
    icmpType: null,
  };
  t.deepEqual(parseQuestion(JSON.stringify(line)), {
    ok: true,
    value: { src: 'web', dst: '10.0.0.1', protocol: 6, port: 80, srcPort: 1024, family: 6 },
  });
  t.deepEqual(parseQuestion('{"src":"a","dst":"b","protocol":"icmp","icmpType":3,"icmpCode":1}'), {
    ok: true,
    value: { src: 'a', dst: 'b', protocol: 'icmp', icmp: { type: 3, code: 1 } },
  });
});

const refusesLine = test.macro({
  exec(t, line: string, message: RegExp) {
    const parsed = parseQuestion(line);
    t.regex(parsed.ok ? 'read' : `${parsed.error.message}; ${parsed.error.hint}`, message);
  },
  title: (_, line) => `parseQuestion() refuses ${line}`,
});

test(refusesLine, 'web', /not a JSON object/);
test(refusesLine, '["web"]', /not a JSON object/);
test(
  refusesLine,
  '{"src":"a","dst":"b","proto":"tcp"}',
  /unknown key "proto"; known keys: src, dst, protocol/,
);
test(refusesLine, '{"src":"a","protocol":"icmp"}', /dst is missing/);
test(refusesLine, '{"src":"a","dst":7,"protocol":"icmp"}', /dst is 7/);
test(refusesLine, '{"src":"a","dst":"b","protocol":"gre"}', /protocol is "gre"/);
test(refusesLine, '{"src":"a","dst":"b","protocol":"tcp","port":"80"}', /port is "80"; .*without quotes/);
test(refusesLine, '{"src":"a","dst":"b","protocol":"icmp","srcPort":80}', /srcPort without port/);
test(refusesLine, '{"src":"a","dst":"b","protocol":"icmp","family":5}', /family is 5/);
test(refusesLine, '{"src":"a","dst":"b","protocol":"icmp","icmpCode":0}', /code without a type/);
