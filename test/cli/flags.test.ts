/** What holds of every verb and every flag: help, the variable of each flag, and common flags before the verb. */
import { env } from 'node:process';
import test from 'ava';
import { Command, type Option } from 'commander';
import { takeCommonFlags } from '../../src/cli/command.js';
import type { CliContext } from '../../src/cli/context.js';
import { addHelpTexts } from '../../src/cli/help-texts.js';
import { allVerbs } from '../../src/cli/verbs.js';

const VERBS = await allVerbs();

const context: CliContext = {
  out: () => {},
  err: () => {},
  environment: {},
  isTerminal: false,
  signal: new AbortController().signal,
  self: ['heddle'],
  exitWith: () => {},
};

/** What a flag takes that does not take any text. */
const SAMPLES: Readonly<Record<string, string>> = {
  '--interval': '10s',
  '--lock-timeout': '10s',
  '--timeout': '10s',
  '--to': '1',
  '--until': '2h',
  '--hosts': '50%',
  '--etcd-prefix': '/elsewhere',
  '--commit': 'abcdef0',
  '--metrics-listen': '127.0.0.1:9091',
  '--ip': '10.0.0.1',
  '--ip6': 'fd00::1',
};

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

/** Every verb that does something, with what it does taken away. */
function leaves(environment: CliContext['environment'] = {}): Leaf[] {
  const program = takeCommonFlags(new Command('heddle'));
  for (const make of VERBS) program.addCommand(make({ ...context, environment }));
  addHelpTexts(program);
  return leavesOf(program, []);
}

function leavesOf(command: Command, path: readonly string[]): Leaf[] {
  if (command.commands.length > 0)
    return command.commands.flatMap((verb) => leavesOf(verb, [...path, verb.name()]));
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
  return [{ path: path.join(' '), command: command.action(() => {}) }];
}

function variableOf({ long }: Option): string {
  return `HEDDLE_${long?.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/** Parses what the verb needs and no flag that it can do without. */
async function run({ command }: Leaf): Promise<void> {
  const given = command.options
    .filter(({ mandatory, envVar }) => mandatory && env[envVar ?? ''] === undefined)
    .flatMap((option) => [option.long ?? '', sampleOf(option)]);
  const args = command.registeredArguments.filter(({ required }) => required);
  await command.parseAsync([...given, ...args.map((one) => one.argChoices?.[0] ?? 'x')], { from: 'user' });
}

function sampleOf({ argChoices, long }: Option): string {
  return argChoices?.at(-1) ?? SAMPLES[long ?? ''] ?? 'some';
}

test.serial('every flag of every verb is set by its HEDDLE_ variable, which help names', async (t) => {
  for (const { path, command } of leaves()) {
    const help = command.helpInformation().replace(/\s+/g, ' ');
    for (const { long } of command.options)
      for (const leaf of leaves().filter((one) => one.path === path)) {
        const option = leaf.command.options.find((one) => one.long === long);
        if (!option) continue;
        const variable = variableOf(option);
        t.regex(help, new RegExp(`env: ${variable}\\b`), `${path} ${long}`);
        env[variable] = option.required ? sampleOf(option) : '1';
        try {
          await run(leaf);
        } finally {
          delete env[variable];
        }
        t.is(leaf.command.getOptionValueSource(option.attributeName()), 'env', `${path}: ${variable}`);
      }
  }
});

test.serial('a variable that says no leaves a switch off, and one that is blank sets nothing', async (t) => {
  for (const off of ['0', 'false', 'no', 'OFF', '']) {
    env.HEDDLE_BGP = off;
    env.HEDDLE_ETCD = '';
    try {
      const leaf = leaves({ HEDDLE_BGP: off, HEDDLE_ETCD: '' }).find(({ path }) => path === 'status');
      if (!leaf) return t.fail('there is no verb status');
      await run(leaf);
      t.deepEqual([leaf.command.opts().bgp, leaf.command.opts().etcd], [undefined, undefined], off);
      t.regex(leaf.command.helpInformation(), /env:\s+HEDDLE_BGP/);
    } finally {
      delete env.HEDDLE_BGP;
      delete env.HEDDLE_ETCD;
    }
  }
});

/** What the last of these flags says of a value: the error, or undefined. */
async function refusal(path: string, ...args: string[]): Promise<string | undefined> {
  const leaf = leaves().find((one) => one.path === path);
  if (!leaf) throw new Error(`there is no verb ${path}`);
  try {
    await leaf.command.parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

for (const { path } of leaves().filter(({ command }) => command.options.some(isEtcdPrefix)))
  test(`${path} refuses an --etcd-prefix that is no path, and says how to write it`, async (t) => {
    const refused = {
      calico: '/calico',
      '/calico/': '/calico',
      '/a//b': '/a/b',
      '/': '/calico',
      '': '/calico',
    };
    for (const [given, wanted] of Object.entries(refused))
      t.regex(
        (await refusal(path, '--etcd-prefix', given)) ?? '',
        new RegExp(`write a? ?.*${wanted}\\.`),
        given,
      );
    t.regex((await refusal(path, '--etcd-prefix', '/heddle')) ?? '', /heddle's own keys/);
  });

function isEtcdPrefix({ long }: Option): boolean {
  return long === '--etcd-prefix';
}

test.serial('HEDDLE_ETCD_PREFIX is refused like the flag', async (t) => {
  env.HEDDLE_ETCD_PREFIX = 'calico';
  try {
    t.regex((await refusal('status')) ?? '', /HEDDLE_ETCD_PREFIX.*write \/calico\./);
  } finally {
    delete env.HEDDLE_ETCD_PREFIX;
  }
});

/** When a suspension with this --until ends, in ms from now. */
async function untilOf(text: string): Promise<number> {
  const leaf = leaves().find(({ path }) => path === 'suspend');
  if (!leaf) throw new Error('there is no verb suspend');
  await leaf.command.parseAsync(['--reason', 'x', '--until', text], { from: 'user' });
  return leaf.command.opts().until;
}

test('suspend --until takes a duration, plain seconds among them, before it thinks of dates', async (t) => {
  for (const [text, ms] of [
    ['45', 45_000],
    ['1.5', 1_500],
    ['2030', 2_030_000],
    ['2h', 7_200_000],
  ] as const)
    t.is(await untilOf(text), ms, text);
});

test('suspend --until takes a date or a time as ISO 8601 writes them', async (t) => {
  for (const text of [
    '2090-03-01',
    '2090-03-01T18:00:00Z',
    '2090-03-01T18:00',
    '2090-03-01T18:00:00.5+02:00',
    '2092-02-29T23:30-05:00',
  ]) {
    const ms = Date.parse(text) - Date.now();
    t.true(Math.abs((await untilOf(text)) - ms) < 60_000, text);
  }
});

test('suspend --until refuses what else a date may look like, with examples', async (t) => {
  const refused = [
    '45x',
    '2090-02-31',
    '2090-02-31T10:00Z',
    '3/1/2090',
    '1 Mar 2090',
    'Mar 2090',
    '2090-03',
    '',
  ];
  for (const text of refused)
    t.regex(
      (await refusal('suspend', '--reason', 'x', '--until', text)) ?? '',
      /write 45m, 2h, or 2026-/,
      text,
    );
  t.regex((await refusal('suspend', '--reason', 'x', '--until', '2020-01-01')) ?? '', /not in the future/);
  t.regex((await refusal('suspend', '--reason', 'x', '--until', '0')) ?? '', /not in the future/);
});

test('the help of every verb has an example, and the exit codes', (t) => {
  const shown = leaves().filter(({ path }) => !/relay/.test(path));
  for (const { path, command } of shown) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    t.regex(help, new RegExp(`Examples:\\n(.*\\n)* +(.*&& )?heddle ${path}`), path);
    t.regex(help, /Exit codes:\n +0 +ok/, path);
  }
});

test('common flags may stand before the verb, before a verb of a verb, and behind it, which has the last word', async (t) => {
  const outputOf = async (...args: string[]) => {
    const program = takeCommonFlags(new Command('heddle')).exitOverride();
    for (const make of VERBS) program.addCommand(make(context));
    const all = leavesOf(program, []);
    await program.parseAsync(args, { from: 'user' });
    const found = all.find(({ path }) => args.join(' ').includes(path) || path === 'lab down');
    return found?.command.opts().output;
  };
  t.is(await outputOf('--output', 'json', 'validate'), 'json');
  t.is(await outputOf('--output', 'json', 'validate', '--output', 'github'), 'github');
  t.is(await outputOf('lab', '--output', 'json', 'down'), 'json');
  t.is(await outputOf('--output', 'json', 'lab', '--output', 'human', 'down'), 'human');
  t.is(await outputOf('validate'), 'human');
  await t.throwsAsync(outputOf('--output', 'markdown', 'validate'), { message: /markdown.*github/ });
});
