/**
 * Tiers, policies and network sets all the way into the kernel: every verdict is a real packet's.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { exampleFolder, TestLab } from '../helpers/lab.js';

const test = anyTest.serial as TestFn;
let lab: TestLab;
let folder: string;

test.before('the lab of three hosts is up, with every endpoint open to the profile web', async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-policies-'));
  await cp(exampleFolder('three-hosts'), folder, { recursive: true });
  lab = await TestLab.start(folder);
  await lab.live(await lab.head());
});
test.after.always('the lab goes', async () => {
  await lab?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Commits one file of policy and waits until it is live everywhere. */
async function policy(title: string, text: string): Promise<void> {
  await writeFile(join(lab.state.workTree, 'policy.yaml'), text);
  await lab.live(await lab.push(title));
}

const document = (kind: string, name: string, spec: string, metadata = '') =>
  `apiVersion: heddle/v1\nkind: ${kind}\nmetadata: { name: ${name}${metadata} }\nspec:\n${spec.replace(/^/gm, '  ')}\n`;

for (const family of [4, 6] as const) {
  test(`a policy opens what the profile left closed, for the port it names only (IPv${family})`, async (t) => {
    await policy(
      `batch may come in on TCP 80 (IPv${family})`,
      document(
        'GlobalNetworkPolicy',
        'web-from-batch',
        `selector: app == 'web'
types: [Ingress]
ingress:
  - { action: Allow, protocol: TCP, source: { selector: app == 'batch' }, destination: { ports: [80] } }`,
      ),
    );
    t.true(await lab.arrives('batch-1', 'web-2', 'tcp', family));
    t.false(await lab.reaches('batch-1', 'web-2', 'icmp', family), 'the policy names TCP only');
    t.false(
      await lab.reaches('web-1', 'web-2', 'tcp', family),
      'the end of the tier drops what no policy decided',
    );
  });
}

test('a tier that passes hands over to the profiles', async (t) => {
  await policy(
    'web is passed on',
    document('Tier', 'first', 'order: 10') +
      '---\n' +
      document(
        'GlobalNetworkPolicy',
        'pass-web',
        "tier: first\nselector: app == 'web'\ntypes: [Ingress]\ningress:\n  - { action: Pass }",
      ),
  );
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'), 'the profile decides');
  t.false(await lab.reaches('batch-1', 'web-2', 'tcp'), 'and denies');
});

test('the policy with the lower order is asked first', async (t) => {
  const rule = (name: string, order: number, action: string) =>
    document(
      'GlobalNetworkPolicy',
      name,
      `order: ${order}\nselector: app == 'web'\ntypes: [Ingress]\ningress:\n  - { action: ${action} }`,
    );
  await policy('deny first', `${rule('deny', 10, 'Deny')}---\n${rule('allow', 20, 'Allow')}`);
  t.false(await lab.reaches('batch-1', 'web-2', 'tcp'));
  await policy('allow first', `${rule('deny', 30, 'Deny')}---\n${rule('allow', 20, 'Allow')}`);
  t.true(await lab.arrives('batch-1', 'web-2', 'tcp'));
});

test('a network set is picked by its labels, and a negated selector means everybody else', async (t) => {
  const set = document(
    'GlobalNetworkSet',
    'partners',
    'nets: [192.168.1.20/32]',
    ', labels: { role: partner }',
  );
  const opens = (field: string) =>
    document(
      'GlobalNetworkPolicy',
      'by-set',
      `selector: app == 'web'\ntypes: [Ingress]\ningress:\n  - { action: Allow, source: { ${field}: role == 'partner' } }`,
    );
  await policy('partners only', `${set}---\n${opens('selector')}`);
  t.true(await lab.arrives('batch-1', 'web-2', 'tcp'), 'batch-1 has the address of the set');
  t.false(await lab.reaches('batch-2', 'web-2', 'tcp'));
  await policy('everybody but partners', `${set}---\n${opens('notSelector')}`);
  t.false(await lab.reaches('batch-1', 'web-2', 'tcp'));
  t.true(await lab.arrives('batch-2', 'web-2', 'tcp'));
  t.true(await lab.arrives('fabric', 'web-2', 'tcp'), 'addresses outside count too');
});

test('egress policy decides at the source', async (t) => {
  await policy(
    'web-1 goes nowhere but to web-2',
    document(
      'GlobalNetworkPolicy',
      'stay-home',
      "selector: app == 'web'\ntypes: [Egress]\negress:\n  - { action: Allow, destination: { nets: [192.168.2.10/32] } }",
    ),
  );
  t.true(await lab.arrives('web-1', 'web-2', 'icmp'));
  t.false(await lab.reaches('web-1', 'web-3', 'icmp'));
});
