#!/usr/bin/env node
/**
 * The command line: reads arguments and environment, runs one verb, and turns what happened into an exit code.
 * Nothing below this folder reads argv or ends the process.
 */
import { constants } from 'node:os';
import { argv, env, execArgv, execPath, exit, stderr, stdout } from 'node:process';
import { Command, CommanderError } from 'commander';
import { DatastoreError } from '../datastore/datastore.js';
import { SourceError } from '../loader/sources/source.js';
import { takeCommonFlags } from './command.js';
import type { CliContext } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { addHelpTexts } from './help-texts.js';
import { verbsFor } from './verbs.js';
import { version } from './version.js';

let exitCode: number = EXIT.ok;
const stop = new AbortController();
/** What stopped us, if anything did. */
let stoppedBy: NodeJS.Signals | undefined;
const stopBy = (name: NodeJS.Signals) => {
  stoppedBy ??= name;
  stop.abort(name);
};
/** Whoever presses Ctrl-C twice is impatient, and would leave a lab behind; whoever does three times means it. */
let signals = 0;
const onSignal = (name: NodeJS.Signals) => {
  signals += 1;
  if (signals === 2)
    stderr.write('heddle: stopping; a third signal ends it at once, with things half done\n');
  if (signals > 2) exit(128 + constants.signals[name]);
  stopBy(name);
};
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name));
// A reader that has seen enough (`heddle get ... | head`) is no error, but there may be something to clean up.
stdout.on('error', () => stopBy('SIGPIPE'));
// Nobody is left to be told anything, and what was made is taken down all the same.
stderr.on('error', () => {});

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

const program = takeCommonFlags(new Command('heddle'))
  .description('Keeps a routed container and VM network the way its git repository says.')
  .version(version())
  .exitOverride()
  .showSuggestionAfterError();
for (const makeVerb of await verbsFor(argv.slice(2))) program.addCommand(inherit(makeVerb(context), program));
addHelpTexts(program);

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
  if (stoppedBy !== undefined) {
    if (stoppedBy !== 'SIGPIPE') stderr.write(`heddle: interrupted (${stoppedBy})\n`);
    // As a shell says that a signal ended a program.
    return 128 + constants.signals[stoppedBy];
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.invalidInput;
  if (error instanceof CliError) {
    stderr.write(`heddle: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    return error.exitCode;
  }
  if (error instanceof DatastoreError) {
    stderr.write(`heddle: ${error.message}\n`);
    const isAccess = error.code === 'unauthenticated' || error.code === 'permission-denied';
    if (error.code === 'invalid') return EXIT.invalidInput;
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
