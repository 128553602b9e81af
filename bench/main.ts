/**
 * `npm run bench [-- ROW...] [-- --output json] [-- --runs N]`: the table of rows.bench, or one sample of it.
 */
import { argv, exit, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { measure, type Result, sample } from './measure.js';
import { rows } from './rows.js';

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: {
    output: { type: 'string', default: 'human' },
    runs: { type: 'string', default: '5' },
    sample: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const unknown = values.sample ? [] : positionals.filter((name) => !rows.some((row) => row.name === name));
if (values.help || unknown.length > 0) {
  for (const name of unknown) stderr.write(`bench: there is no row "${name}"\n`);
  (values.help ? stdout : stderr).write(helpText());
} else if (values.sample) await printSample(positionals);
else await printTable(positionals);
exit(values.help || unknown.length === 0 ? 0 : 3);

function helpText(): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const known = rows.map(({ name, work }) => `  ${name.padEnd(width)}  ${work}\n`);
  return `npm run bench -- [ROW...] [--runs N] [--output human|json]\n\nRows:\n${known.join('')}`;
}

async function printSample([rowName, contender = '', size]: string[]): Promise<void> {
  const row = rows.find(({ name }) => name === rowName);
  if (!row) throw new Error(`There is no row "${rowName}"`);
  stdout.write(JSON.stringify(await sample(row, contender, Number(size))));
}

async function printTable(names: string[]): Promise<void> {
  const results: Result[] = [];
  const chosen = rows.filter(({ name }) => names.length === 0 || names.includes(name));
  const human = values.output === 'human';
  if (human)
    stdout.write(line(['work', 'size', 'contender', 'min ms', 'median ms', 'max ms', 'peak MiB', 'ratio']));
  for (const row of chosen) {
    for (const size of row.sizes) {
      const measured = await measure(row, size, Number(values.runs));
      results.push(...measured);
      if (human) for (const result of measured) stdout.write(line(cellsOf(result)));
    }
  }
  if (!human)
    stdout.write(`${JSON.stringify({ formatVersion: '1.0', node: process.version, results }, null, 2)}\n`);
}

function cellsOf(result: Result): string[] {
  const { row, size, contender } = result;
  const subject = [row, String(size), contender];
  if ('notAvailable' in result) return [...subject, `not available: ${result.notAvailable}`];
  const { min, median, max, peakMiB, ratio } = result;
  return [
    ...subject,
    min.toFixed(1),
    median.toFixed(1),
    max.toFixed(1),
    peakMiB.toFixed(0),
    ratio.toFixed(2),
  ];
}

function line(cells: readonly string[]): string {
  const widths = [12, 9, 24, 10, 10, 10, 9, 7];
  return `${cells.map((cell, index) => (index === 2 || index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(' ')}\n`;
}
