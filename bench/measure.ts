/**
 * Measures contenders, each run in a fresh process, in turn.
 */
import { execFile } from 'node:child_process';
import { argv, execPath, resourceUsage } from 'node:process';
import { promisify } from 'node:util';
import type { Row } from './row.js';

export interface Sample {
  readonly ms: number;
  readonly peakMiB: number;
}

export type Result = Measured | NotAvailable;

interface Subject {
  readonly row: string;
  readonly work: string;
  readonly size: number;
  readonly contender: string;
}

/** A contender that this machine cannot run: the others are measured all the same. */
export interface NotAvailable extends Subject {
  readonly notAvailable: string;
}

export interface Measured extends Subject {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Largest resident set of the process over all runs. */
  readonly peakMiB: number;
  /** Median over the yardstick's median; 1 for the yardstick itself. */
  readonly ratio: number;
}

/** One measurement, in this process. */
export async function sample(row: Row, contenderName: string, size: number): Promise<Sample> {
  const contender = row.contenders.find(({ name }) => name === contenderName);
  if (!contender) throw new Error(`Row "${row.name}" has no contender "${contenderName}"`);
  const { work, dispose } = await contender.prepare(size);
  const started = performance.now();
  const counted = await work();
  const ms = typeof counted === 'number' ? counted : performance.now() - started;
  await dispose?.();
  return { ms, peakMiB: resourceUsage().maxRSS / 1024 };
}

/** All contenders of a row at one size, `runs` times each, in turn; of those that cannot run, why. */
export async function measure(row: Row, size: number, runs: number): Promise<Result[]> {
  const absent = new Map<string, string>();
  for (const { name, unavailable } of row.contenders) {
    const reason = await unavailable?.();
    if (reason !== undefined) absent.set(name, oneLine(reason));
  }
  const samples = new Map<string, Sample[]>(row.contenders.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const { name } of row.contenders)
      if (!absent.has(name)) samples.get(name)?.push(await sampleInChild(row.name, name, size));
  }
  const yardstick = samples.get(row.contenders.at(-1)?.name ?? '') ?? [];
  return row.contenders.map(({ name }) => {
    const notAvailable = absent.get(name);
    return notAvailable === undefined
      ? summarize(row, size, name, samples.get(name) ?? [], yardstick)
      : { row: row.name, work: row.work, size, contender: name, notAvailable };
  });
}

/** The text of an error about a native library has many lines, the search path of each a few. */
function oneLine(text: string): string {
  return text.split('\n')[0]?.trim() ?? '';
}

async function sampleInChild(row: string, contender: string, size: number): Promise<Sample> {
  const args = [argv[1] ?? '', '--sample', row, contender, String(size)];
  const { stdout } = await promisify(execFile)(execPath, args, { maxBuffer: 1 << 20 });
  return JSON.parse(stdout) as Sample;
}

function summarize(row: Row, size: number, contender: string, own: Sample[], yardstick: Sample[]): Measured {
  const times = own.map(({ ms }) => ms).sort((a, b) => a - b);
  return {
    row: row.name,
    work: row.work,
    size,
    contender,
    runs: own.length,
    min: times[0] ?? Number.NaN,
    median: median(own),
    max: times.at(-1) ?? Number.NaN,
    peakMiB: Math.max(...own.map(({ peakMiB }) => peakMiB)),
    ratio: median(own) / median(yardstick),
  };
}

function median(samples: readonly Sample[]): number {
  const times = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  const middle = times.length / 2;
  return ((times[Math.floor(middle)] ?? 0) + (times[Math.ceil(middle) - 1] ?? 0)) / 2;
}
