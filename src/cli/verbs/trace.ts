/**
 * `heddle trace`: would this packet pass, and which rule says so?
 */
import type { Command } from 'commander';
import { networkFrom } from '../../verify/network.js';
import {
  type Parsed,
  parseConversation,
  parseQuestion,
  type Question,
  type QuestionError,
} from '../../verify/question.js';
import { formatTrace } from '../../verify/render/trace.js';
import { createTracer, type Trace, type Tracer } from '../../verify/trace.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { type CliContext, pickColors } from '../context.js';
import { addEtcdOptions, DEFAULT_PATH, type EtcdOptions, storeOrFolder } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { loadNetwork } from '../load-network.js';
import { readInput } from '../read-input.js';
import { verifyStyle } from '../verify-style.js';

interface TraceOptions extends CommonOptions, EtcdOptions {
  readonly family?: '4' | '6';
  readonly batch?: string;
}

export const trace: Verb = (context) =>
  addEtcdOptions(verb(context, 'trace', 'would this packet pass, and which rule says so?'), context)
    .usage(
      '[options] <src> <dst> <protocol>[/<port>] [path]\n       heddle trace [options] --batch <file> [path]',
    )
    .argument('[src]', 'name, Kind/name, or address')
    .argument('[dst]', 'name, Kind/name, or address')
    .argument('[protocol]', 'tcp/443, udp/53, icmp, icmp/8/0, or a number')
    .argument('[path]', `folder of manifests; with --etcd the live store is taken instead ${DEFAULT_PATH}`)
    .addOption(
      flag(context.environment, '--family <family>', 'IP version; default: one that both ends have').choices([
        '4',
        '6',
      ]),
    )
    .addOption(flag(context.environment, '--batch <file>', 'questions as lines of JSON; - is standard input'))
    .action(async (src: Word, dst: Word, protocol: Word, path: Word, given: TraceOptions, self: Command) => {
      const options = storeOrFolder(given, self, given.batch === undefined ? path : src);
      if (options.batch === undefined) await traceOne(context, [src, dst, protocol, path], options);
      else await traceBatch(context, options.batch, [src, dst, protocol, path], options);
    });

type Word = string | undefined;

async function traceOne(
  context: CliContext,
  [src, dst, protocol, path = '.']: readonly Word[],
  options: TraceOptions,
): Promise<void> {
  if (src === undefined || dst === undefined || protocol === undefined)
    throw new CliError(
      EXIT.invalidInput,
      'trace needs a source, a destination and a protocol',
      'such as heddle trace web-1 db-1 tcp/5432',
    );
  const conversation = unwrap(parseConversation(protocol));
  const { resources, withHistory } = await loadNetwork(context, path, options);
  const ask = createTracer(networkFrom(resources));
  const answer = await withHistory(unwrap(ask({ src, dst, ...conversation, ...familyOf(options) })));
  context.out(
    options.output === 'json'
      ? `${JSON.stringify(answer)}\n`
      : `${formatTrace(answer, verifyStyle(pickColors(options.color, context)))}${asked(context, options)}`,
  );
}

/** A variable may have chosen the store, unseen. */
function asked(context: CliContext, { etcd, color }: TraceOptions): string {
  return etcd === undefined
    ? ''
    : pickColors(color, context).dim('by what etcd holds, not by the manifests\n');
}

function unwrap<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new CliError(EXIT.invalidInput, parsed.error.message, parsed.error.hint);
}

async function traceBatch(
  context: CliContext,
  file: string,
  [path = '.', ...more]: readonly Word[],
  options: TraceOptions,
): Promise<void> {
  if (more.some((word) => word !== undefined))
    throw new CliError(EXIT.invalidInput, 'too many words beside --batch', 'write --batch FILE [PATH]');
  const lines = (await readInput(file, context.signal, 'name a file of JSON lines')).toString().split('\n');
  const { resources, withHistory } = await loadNetwork(context, path, options);
  const ask = createTracer(networkFrom(resources));
  const faults: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const answer = answerLine(ask, line, familyOf(options));
    const told = answer.ok ? await withHistory(answer.value) : { error: answer.error };
    context.out(`${JSON.stringify(told)}\n`);
    if (!answer.ok) faults.push(formatFault(file, index + 1, answer.error));
  }
  if (faults.length === 0) return;
  context.err(faults.join(''));
  context.exitWith(EXIT.invalidInput);
}

function familyOf({ family }: TraceOptions): Pick<Question, 'family'> {
  return family === undefined ? {} : { family: family === '6' ? 6 : 4 };
}

function answerLine(ask: Tracer, line: string, asked: Pick<Question, 'family'>): Parsed<Trace> {
  const question = parseQuestion(line);
  return question.ok ? ask({ ...asked, ...question.value }) : question;
}

function formatFault(file: string, line: number, { message, hint }: QuestionError): string {
  return `${file === '-' ? 'standard input' : file}:${line}: ${message}\n  ${hint}\n`;
}
