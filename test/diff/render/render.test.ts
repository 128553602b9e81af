/**
 * A plan for people, programs and pull requests, as in test/golden/plan; and nothing that others wrote acts
 * on a terminal or leaves its place in a comment.
 */
import test from 'ava';
import type { Plan } from '../../../src/diff/plan-types.js';
import { NO_COLOURS, type Palette, renderPlan } from '../../../src/diff/render/human.js';
import { planDocument } from '../../../src/diff/render/json.js';
import { renderPlanMarkdown } from '../../../src/diff/render/markdown.js';
import { formatValue } from '../../../src/diff/render/value.js';
import { matchesGolden } from '../../helpers/golden.js';
import { COMMIT, change, plan } from '../build-plan.js';

const EVERYTHING = plan(
  [
    change('create', 'IPPool', 'main', {
      origin: { file: 'network/pools.yaml', line: 1 },
      keys: [{ key: '/calico/v1/ipam/v4/pool/192.168.0.0-16', op: 'put' }],
      diff: [
        { path: 'spec.cidr', after: '192.168.0.0/16' },
        { path: 'spec.natOutgoing', after: true },
      ],
    }),
    change('adopt', 'Node', 'host-1', {
      origin: { file: 'nodes.yaml', line: 3 },
      keys: [{ key: '/calico/v1/host/host-1/bird_ip', op: 'put' }],
      diff: [{ path: 'spec.bgp.ipv4Address', before: '10.0.0.7/32', after: '10.0.0.1/24' }],
      reason: 'takes over /calico/v1/host/host-1/bird_ip',
    }),
    change('release', 'Node', 'host-2', {
      origin: { file: 'nodes.yaml', line: 11 },
      diff: [{ path: 'spec.bgp', before: { ipv4Address: '10.0.0.2/24' } }],
      reason: 'leaves /calico/v1/host/host-2/bird_ip to the agent of the node',
    }),
    change('blocked', 'Profile', 'db', {
      origin: { file: 'profiles.yaml', line: 30 },
      reason:
        '/calico/v1/policy/profile/db/tags exists and is in no inventory: add the annotation heddle/adopt: "true" to take it over, or delete it',
    }),
    change('update', 'Profile', 'web', {
      origin: { file: 'profiles.yaml', line: 12 },
      keys: [{ key: '/calico/v1/policy/profile/web/rules', op: 'put' }],
      diff: [
        { path: 'spec.ingress[0].action', before: 'Allow', after: 'Deny' },
        {
          path: 'spec.ingress[1]',
          after: { action: 'Allow', protocol: 'TCP', destination: { ports: [443, '8000:8100'] } },
        },
        { path: 'spec.tags[0]', before: 'old' },
      ],
    }),
    change('drift', 'WorkloadEndpoint', 'w1', {
      origin: { file: 'endpoints.yaml', line: 3 },
      keys: [{ key: '/calico/v1/host/host-1/workload/heddle/w1/endpoint/eth0', op: 'put' }],
      diff: [{ path: 'spec.profiles[0]', before: 'evil', after: 'web' }],
      reason:
        '/calico/v1/host/host-1/workload/heddle/w1/endpoint/eth0 was changed by somebody else at revision 8800',
    }),
    change('delete', 'WorkloadEndpoint', 'w9', {
      origin: { file: 'endpoints.yaml', line: 40 },
      keys: [{ key: '/calico/v1/host/host-1/workload/heddle/w9/endpoint/eth0', op: 'delete' }],
      diff: [{ path: 'spec.node', before: 'host-1' }],
    }),
    change('unmanaged', 'Profile', 'web', {
      origin: { file: 'profiles.yaml', line: 12 },
      reason:
        '/calico/v1/policy/profile/web/labels was written by somebody else beside the keys of Profile/web',
    }),
    change('unmanaged', 'Profile', 'docker-1'),
    change('unmanaged', 'Profile', 'docker-2'),
  ],
  [
    {
      code: 'prune-budget',
      message: '7 of 9 WorkloadEndpoint objects would be deleted, 5 at most without approval',
      approve: 'pass --approve-prune',
    },
  ],
);

const NOTHING = plan([]);
const SAME: Plan = {
  ...NOTHING,
  base: { ...NOTHING.base, head: NOTHING.base.head && { ...NOTHING.base.head, commit: COMMIT } },
};
const FIRST: Plan = {
  ...plan([change('create', 'Profile', 'web', { origin: { file: 'a.yaml', line: 1 } })]),
  base: { ...NOTHING.base, head: undefined, headEntry: undefined },
};

const human = test.macro<[Plan, string]>({
  exec: (t, value, name) => matchesGolden(t, `plan/${name}.txt`, renderPlan(value)),
  title: (_, _plan, name) => `renderPlan() shows ${name.replaceAll('-', ' ')} as in its golden file`,
});
test(human, EVERYTHING, 'everything-at-once');
test(human, NOTHING, 'a-commit-without-changes');
test(human, SAME, 'the-commit-that-is-live');
test(human, FIRST, 'the-first-commit');

test('planDocument() has the shape of format version 1.0', (t) =>
  matchesGolden(t, 'plan/everything-at-once.json', `${JSON.stringify(planDocument(EVERYTHING), null, 2)}\n`));

test('renderPlanMarkdown() is a comment for a pull request as in its golden file', (t) =>
  matchesGolden(t, 'plan/everything-at-once.md', renderPlanMarkdown(EVERYTHING)));

test('renderPlanMarkdown() gives up details first, then the table, and says so', (t) => {
  const full = renderPlanMarkdown(EVERYTHING);
  const short = renderPlanMarkdown(EVERYTHING, { maxLength: full.length - 1 });
  t.false(short.includes('<details>'));
  t.true(short.includes('| object |'));
  t.true(short.includes('details are left out'));
  const shortest = renderPlanMarkdown(EVERYTHING, { maxLength: short.length - 1 });
  t.false(shortest.includes('| object |'));
  t.true(shortest.includes('Plan: 1 to create'));
});

test('renderPlanMarkdown() keeps all sections together below the limit: objects give way first, then all but beginnings', (t) => {
  const lines = Array.from({ length: 400 }, (_, number) => `- FAILS  test-${number} ${'x'.repeat(400)}`);
  const sections = [
    { title: '0 of 400 hold', lines },
    {
      title: 'Who could then talk to whom',
      alarm: 'Opens to addresses outside',
      lines: ['+ outside -> db-1'],
    },
  ];
  const text = renderPlanMarkdown(EVERYTHING, { beside: sections });
  t.true(text.length <= 60_000, `${text.length}`);
  t.regex(text, /test-0 /);
  t.notRegex(text, /test-399/);
  t.regex(text, /^\.\.\. and 388 more lines$/m);
  t.regex(text, /> \[!WARNING\]\n> Opens to addresses outside\n\n```diff\n\+ outside -> db-1\n```/);
  t.is(text.match(/^```/gm)?.length, 4, 'every fence is closed');
  t.regex(text, /details are left out/);
});

test('renderPlanMarkdown() keeps what others wrote inside its place', (t) => {
  const evil = '```\n</details><script>|`x`';
  const text = renderPlanMarkdown(
    plan([
      change('update', 'Profile', evil, {
        origin: { file: evil, line: 1 },
        reason: evil,
        diff: [{ path: 'spec.a', before: evil, after: 'b' }],
      }),
    ]),
  );
  t.is(text.match(/<script>/g)?.length ?? 0, 3, 'twice in code, once in the fence');
  const fence = /^(`{3,})diff$/m.exec(text)?.[1] ?? '';
  t.true(fence.length > 3, 'the fence is longer than what it holds');
  t.is(text.match(/^\|.*\|$/gm)?.length, 3, 'the table has its three lines');
});

test('renderPlan() paints with the colours it is given, and says the same', (t) => {
  const marked: Palette = {
    ...NO_COLOURS,
    green: (text) => `<g>${text}</g>`,
    red: (text) => `<r>${text}</r>`,
  };
  const painted = renderPlan(EVERYTHING, marked);
  t.true(painted.includes('<g>+ IPPool/main</g>'));
  t.true(painted.includes('<r>- WorkloadEndpoint/w9</r>'));
  t.is(painted.replaceAll(/<\/?[gr]>/g, ''), renderPlan(EVERYTHING));
});

test('renderPlan() shows twelve fields of an object and counts the rest', (t) => {
  const diff = Array.from({ length: 15 }, (_, index) => ({ path: `spec.f${index}`, before: 1, after: 2 }));
  const text = renderPlan(plan([change('update', 'Profile', 'p', { diff })]));
  t.true(text.includes('spec.f11'));
  t.false(text.includes('spec.f12'));
  t.true(text.includes('... and 3 more'));
});

test('renderPlan() lets nothing from the store act on the terminal', (t) => {
  const evil = '\u001b[2J\u009b31m\u202eevil\r\n';
  const text = renderPlan(
    plan([
      change('update', 'Profile', evil, {
        origin: { file: evil, line: 1 },
        reason: evil,
        diff: [{ path: evil, before: evil, after: { [evil]: evil } }],
      }),
      change('unmanaged', 'Profile', evil),
    ]),
  );
  t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
});

const formats = test.macro<[unknown, string]>({
  exec(t, value, expected) {
    t.is(formatValue(value), expected);
  },
  title: (_ = '', value: unknown = '', expected = '') =>
    `formatValue() shows ${JSON.stringify(value).slice(0, 40)} as ${expected.slice(0, 40)}`,
});
test(formats, 'web', 'web');
test(formats, '10.0.0.0/8', '10.0.0.0/8');
test(formats, '80', '"80"');
test(formats, 80, '80');
test(formats, '', '""');
test(formats, 'true', '"true"');
test(formats, "role == 'db'", `"role == 'db'"`);
test(formats, { a: [1, { b: 'c' }] }, '{a: [1, {b: c}]}');
test(formats, 'x'.repeat(300), `${'x'.repeat(200)}... (300 characters)`);
