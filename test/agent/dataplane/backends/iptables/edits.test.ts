/**
 * What is written to iptables-restore and ipset is the difference and no more, with nothing named before it
 * is there. Expected lines by hand; test/netns feeds such lines to the real tools.
 */
import test from 'ava';
import {
  elementsGone,
  elementsOf,
  type IpSetElement,
} from '../../../../../src/agent/dataplane/backends/iptables/ip-set-elements.js';
import { setLines } from '../../../../../src/agent/dataplane/backends/iptables/ip-set-restore-input.js';
import {
  removalInput,
  restoreInput,
} from '../../../../../src/agent/dataplane/backends/iptables/restore-input.js';
import {
  type DesiredChain,
  type HookedRule,
  isSameHook,
  placedHook,
  renderChain,
  renderHook,
} from '../../../../../src/agent/dataplane/backends/iptables/table-state.js';
import type { ChainName, HookRules } from '../../../../../src/agent/dataplane/intent.js';
import { ACCEPT, DROP, jump, RETURN, rule } from '../../../../../src/agent/dataplane/rules/chain-rule.js';
import { cidr } from '../../batch.js';

const CONTEXT = { family: 4, setName: (id: string) => `cali40${id}` } as const;

function chain(name: string, ...verdicts: readonly (typeof DROP)[]): DesiredChain {
  return renderChain(
    { table: 'filter', name: name as ChainName, rules: verdicts.map((verdict) => rule([], verdict)) },
    CONTEXT,
  );
}

/** The lines of a transaction, hashes taken out. */
function lines(input: string): readonly string[] {
  return input.replaceAll(/-m comment --comment "cali:[^"]*" /g, '').split('\n');
}

test('restoreInput() declares all new chains before the first rule', (t) => {
  const edits = [chain('cali-a', jump('cali-b' as ChainName)), chain('cali-b', DROP)].map(
    (desired) => ({ type: 'chain', desired, actual: undefined }) as const,
  );
  t.deepEqual(lines(restoreInput('filter', edits)), [
    '*filter',
    ':cali-a - [0:0]',
    ':cali-b - [0:0]',
    '-A cali-a -j cali-b',
    '-A cali-b -j DROP',
    'COMMIT',
    '',
  ]);
});

test('restoreInput() touches only rules that differ in a chain that is there', (t) => {
  const before = chain('cali-a', RETURN, DROP, DROP, ACCEPT);
  const edit = (desired: DesiredChain) =>
    lines(restoreInput('filter', [{ type: 'chain', desired, actual: before }])).slice(1, -2);
  t.deepEqual(edit(chain('cali-a', RETURN, ACCEPT)), ['-R cali-a 2 -j ACCEPT', '-D cali-a 4', '-D cali-a 3']);
  t.deepEqual(edit(chain('cali-a', RETURN, DROP, DROP, ACCEPT, RETURN)), ['-A cali-a -j RETURN']);
  t.deepEqual(edit(chain('cali-a')), ['-D cali-a 4', '-D cali-a 3', '-D cali-a 2', '-D cali-a 1']);
});

test('restoreInput() deletes rules of ours in other chains by their text, then places them anew', (t) => {
  const intent: HookRules = {
    table: 'filter',
    hook: 'FORWARD',
    position: 'first',
    rules: [rule([], jump('cali-FORWARD' as ChainName))],
  };
  const ours: HookedRule = { ours: true, hash: 'x', text: '-m mark --mark 0x1 -j cali-FORWARD' };
  const theirs: HookedRule = { ours: false, hash: undefined, text: '-j DOCKER' };
  const edit = { type: 'hook', name: 'FORWARD', actual: { rules: [theirs, ours] } } as const;
  t.deepEqual(
    lines(restoreInput('filter', [{ ...edit, desired: renderHook(intent, CONTEXT) }])).slice(1, -2),
    ['-D FORWARD -m mark --mark 0x1 -j cali-FORWARD', '-I FORWARD 1 -j cali-FORWARD'],
  );
  t.deepEqual(
    lines(
      restoreInput('filter', [{ ...edit, desired: renderHook({ ...intent, position: 'last' }, CONTEXT) }]),
    ).slice(1, -2),
    ['-D FORWARD -m mark --mark 0x1 -j cali-FORWARD', '-A FORWARD -j cali-FORWARD'],
  );
  t.deepEqual(lines(restoreInput('filter', [{ ...edit, desired: undefined }])).slice(1, -2), [
    '-D FORWARD -m mark --mark 0x1 -j cali-FORWARD',
  ]);
});

test('removalInput() empties every chain before it removes one', (t) => {
  t.deepEqual(lines(removalInput('nat', ['cali-a', 'cali-b'] as ChainName[])), [
    '*nat',
    ':cali-a - [0:0]',
    ':cali-b - [0:0]',
    '-X cali-a',
    '-X cali-b',
    'COMMIT',
    '',
  ]);
});

for (const position of ['first', 'last'] as const)
  test(`isSameHook() holds when ours are ${position}, all of them and only once`, (t) => {
    const intent: HookRules = {
      table: 'filter',
      hook: 'FORWARD',
      position,
      rules: [rule([], ACCEPT), rule([], DROP)],
    };
    const desired = renderHook(intent, CONTEXT);
    const theirs: HookedRule = { ours: false, hash: undefined, text: '-j DOCKER' };
    const placed = placedHook(desired, { rules: [theirs, theirs] }).rules;
    t.true(isSameHook(desired, { rules: placed }));
    t.false(isSameHook(desired, { rules: placed.toReversed() }));
    t.false(isSameHook(desired, { rules: [theirs, ...placed, theirs] }));
    t.false(isSameHook(desired, { rules: placed.filter((_, index) => index !== 1 && index !== 2) }));
    t.false(isSameHook(desired, { rules: [...placed, ...placed] }));
    t.false(isSameHook(desired, { rules: [] }));
  });

const HEADER = { type: 'hash:ip', family: 4 } as const;
const elements = (...texts: readonly string[]): IpSetElement[] => texts.map((text) => text as IpSetElement);

test('setLines() fills a new set at once', (t) => {
  const members = elements('10.0.0.1');
  t.deepEqual(
    setLines({ name: 'cali40a', header: HEADER, exists: false, members, added: members, removed: [] }),
    ['create cali40a hash:ip family inet maxelem 1048576', 'add cali40a 10.0.0.1 -exist'],
  );
});

test('setLines() deletes and adds in place', (t) => {
  const edit = { name: 'cali40a', header: HEADER, exists: true, members: [] };
  t.deepEqual(setLines({ ...edit, added: elements('e'), removed: elements('f') }), [
    'del cali40a f -exist',
    'add cali40a e -exist',
  ]);
});

test('elementsOf() writes members as ipset prints them', (t) => {
  const texts = ['10.0.0.1/32', '10.0.0.0/8', 'fd00::1/128', 'fd00::/8', '0.0.0.0/0', '::/0'];
  t.deepEqual(
    texts.map((text) => elementsOf(cidr(text)).join(' ')),
    ['10.0.0.1', '10.0.0.0/8', 'fd00::1', 'fd00::/8', '0.0.0.0/1 128.0.0.0/1', '::/1 8000::/1'],
  );
});

test('elementsGone() keeps a half that is wished for by itself, or by everything', (t) => {
  const [all, half] = [cidr('0.0.0.0/0'), cidr('128.0.0.0/1')];
  t.deepEqual(elementsGone(all, new Set([half])), elements('0.0.0.0/1'));
  t.deepEqual(elementsGone(half, new Set([all])), []);
  t.deepEqual(elementsGone(half, new Set()), elements('128.0.0.0/1'));
});

test('restoreInput() fills many new chains in several transactions, and changes what is there in the last', (t) => {
  const added = [chain('cali-a', DROP), chain('cali-b', DROP), chain('cali-c', jump('cali-a' as ChainName))];
  const edits = [
    {
      type: 'chain',
      desired: chain('cali-d', jump('cali-c' as ChainName)),
      actual: chain('cali-d'),
    } as const,
    ...added.map((desired) => ({ type: 'chain', desired, actual: undefined }) as const),
  ];
  const transactions = lines(restoreInput('filter', edits, 2))
    .join('\n')
    .split('COMMIT\n');
  t.deepEqual(transactions, [
    '*filter\n:cali-a - [0:0]\n:cali-b - [0:0]\n:cali-c - [0:0]\n',
    '*filter\n-A cali-a -j DROP\n-A cali-b -j DROP\n',
    '*filter\n-A cali-c -j cali-a\n',
    '*filter\n-A cali-d -j cali-c\n',
    '',
  ]);
});
