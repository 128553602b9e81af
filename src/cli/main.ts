#!/usr/bin/env node
/**
 * The command line: reads arguments and environment, runs one verb, and turns what happened into an exit code.
 * Nothing below this folder reads argv or ends the process.
 */
import { argv, env, execArgv, execPath, exit, stderr, stdout } from 'node:process';
import { Command, CommanderError } from 'commander';
import { DatastoreError } from '../datastore/datastore.js';
import { SourceError } from '../loader/sources/source.js';
import type { CliContext } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { verbs } from './verbs.js';
import { version } from './version.js';

/** As a shell says that a program was ended by SIGINT. */
const INTERRUPTED = 130;

let exitCode: number = EXIT.ok;
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(name));
// A reader that has seen enough (`heddle get ... | head`) is no error, but there may be something to clean up.
stdout.on('error', () => stop.abort('SIGPIPE'));

const context: CliContext = {
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  environment: env,
  isTerminal: stdout.isTTY === true,
  signal: stop.signal,
  self: [execPath, ...execArgv, argv[1] ?? 'heddle'],
  exitWith: (code) => {
    exitCode = code;
  },
};

const program = new Command('heddle')
  .description('Keeps a routed container and VM network the way its git repository says.')
  .version(version())
  .exitOverride()
  .showSuggestionAfterError();
for (const makeVerb of verbs) program.addCommand(inherit(makeVerb(context), program));

program
  .parseAsync(argv)
  .catch((error: unknown) => {
    exitCode = report(error);
  })
  // Give standard output the time to reach a slow pipe.
  .then(() => stdout.write('', () => exit(exitCode)));

/** Groups of verbs hand on how mistakes end the program. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inherit(each, command);
  return command;
}

function report(error: unknown): number {
  if (stop.signal.aborted) {
    if (stop.signal.reason !== 'SIGPIPE') stderr.write('heddle: interrupted\n');
    return INTERRUPTED;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.invalidInput;
  if (error instanceof CliError) {
    stderr.write(`heddle: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    return error.exitCode;
  }
  if (error instanceof DatastoreError) {
    stderr.write(`heddle: ${error.message}\n`);
    const isAccess = error.code === 'unauthenticated' || error.code === 'permission-denied';
    return isAccess ? EXIT.source : EXIT.unexpected;
  }
  if (error instanceof SourceError) {
    stderr.write(`heddle: ${error.message}\n`);
    return EXIT.source;
  }
  const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(`heddle: unexpected error: ${story}\n`);
  return EXIT.unexpected;
}
